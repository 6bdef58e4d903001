#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop: special files do not block it, signals end it, and the limit of open
# files is handled.

# shellcheck source=nstop_util.sh
. "$(dirname "$(readlink -f "$0")")/nstop_util.sh"

# shellcheck disable=SC2034
takes_python="skips_what_is_no_namespace stopped_terminal_int stopped_terminal_term"
takes_python+=" stopped_terminal_plain"

GUARD=60	# seconds, timeout of nstop
NR_NAMES=20
FEW_FILES=32	# fewer than two for each name
FOR_A_MOMENT=16	# files that nstop keeps free for short use

NAMES=/run/netns
NAME=nstop-$$	# unique, as other namespaces may have short names
PODMAN=/run/user/$NAME
nstop=

undo()
{
	local path

	if [ -n "$nstop" ]; then
		kill -KILL "$nstop"
		wait "$nstop"
		nstop=
	fi
	exec 8>&-
	rm -rf "$dir/pipe" "$PODMAN"
	for path in "$NAMES/$NAME"-*; do
		umount "$path"
		rm -f "$path"
	done
} 2> /dev/null

has_ended()
{
	! kill -0 "$nstop" 2> /dev/null
}

# ends SIGNAL: expects that the signal ends nstop, without a mismatch.
ends()
{
	local status

	kill "-$1" "$nstop"
	if ! wait_for has_ended; then
		ktap_print_msg "SIG$1 does not end it: $(cat "/proc/$nstop/wchan")"
		return 1
	fi
	wait "$nstop"
	status=$?
	nstop=
	[ $status -eq 0 ] && return
	ktap_print_msg "status $status"
	sed 's/^/# /' "$dir/err"
	return 1
}

# waits_in FUNCTION: waits until nstop blocks in a kernel function, an extended regular expression
waits_in()
{
	wait_for grep -qE "$1" "/proc/$nstop/wchan" && return
	ktap_print_msg "waits in $(cat "/proc/$nstop/wchan"), not in $1"
	return 1
}

# stalled_reader SIGNAL [ARGUMENT...]: nstop blocks on a pipe that is full from the start
stalled_reader()
{
	local signal=$1
	shift

	mkfifo "$dir/pipe" || return
	exec 8<> "$dir/pipe"
	dd if=/dev/zero of="$dir/pipe" bs=4096 oflag=nonblock 2> /dev/null
	"$NSTOP" --interval 0.1 "$@" > "$dir/pipe" 2> "$dir/err" 5>&- 6>&- 8>&- &
	nstop=$!
	waits_in pipe_write && ends "$signal"
}

# stopped_terminal SIGNAL [ARGUMENT...]: nstop blocks on a terminal that is stopped, as by Ctrl-S
stopped_terminal()
{
	local pid status

	start python3 -c '
import os, pty, select, subprocess, sys, termios

master, slave = pty.openpty()
termios.tcflow(slave, termios.TCOOFF)
nstop = subprocess.Popen([sys.argv[1], "--interval", "0.1", *sys.argv[2:]], stdin=slave,
                         stdout=slave, stderr=2)
os.write(4, b"%d\n" % nstop.pid)
nstop.wait()
os.write(4, b"%d\n" % nstop.returncode)
select.select([3], [], [])
' "$NSTOP" "${@:2}" || return
	if ! wait_for grep -qE 'n_tty_write|wait_woken' "/proc/$pid/wchan"; then
		ktap_print_msg "nstop waits in $(cat "/proc/$pid/wchan")"
		kill -KILL "$pid"
		return 1
	fi
	kill "-$1" "$pid"
	if ! read -r -t $SECS status <&5; then
		ktap_print_msg "SIG$1 does not end it"
		kill -KILL "$pid"
		read -r -t $SECS status <&5
		return 1
	fi
	[ "$status" -eq 0 ] && return
	ktap_print_msg "status $status"
	return 1
}

# Other files in the directory are reported. A link to a namespace counts as a namespace.
skips_what_is_no_namespace()
{
	local pid kind

	mkdir -p $NAMES
	start_container unshare --net || return
	ln -s "/proc/$pid/ns/net" "$NAMES/$NAME-netns" || return
	mkfifo "$NAMES/$NAME-fifo" && ln -s "$NAME-fifo" "$NAMES/$NAME-link" &&
		ln -s nowhere "$NAMES/$NAME-dangling" &&
		mknod "$NAMES/$NAME-device" c 1 3 && : > "$NAMES/$NAME-file" &&
		: > "$NAMES/$NAME-uts" &&
		mount --bind /proc/self/ns/uts "$NAMES/$NAME-uts" || return
	python3 -c '
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$NAMES/$NAME-socket" || return

	run 0 timeout $GUARD "$NSTOP" --net --all --once --interval 0.1 || return
	says out "^ *$(pair_of "$pid" net) .*  $NAME-netns  " || return
	for kind in fifo link dangling device file uts socket; do
		says out "^SKIPPED: $NAMES/$NAME-$kind is not a net namespace$" ||
			return
	done
	does_not_say out "^SKIPPED: .*/$NAME-netns" && [ ! -s "$dir/err" ]
}

# Special files of a user, instead of podman's lists of containers. nstop reads
# the lists for a host name like those of podman.
skips_what_is_no_list()
{
	local pid lists=$PODMAN/containers/overlay-containers

	mkdir -p "$lists" && mkfifo "$lists/containers.json" || return
	ln -s containers.json "$lists/volatile-containers.json" || return
	start_container env HOSTNAME=0123456789ab \
		unshare --fork --kill-child --pid || return
	run 0 timeout $GUARD "$NSTOP" --containers --once --interval 0.3 ||
		return
	says out "^ *$(pair_of "$pid" pid) .* match +- +$pid  bash$"
}

make_names()
{
	local n

	for ((n = 1; n <= NR_NAMES; n++)); do
		ip netns add "$NAME-$n" &&
			ip -n "$NAME-$n" link set lo up || return
	done
}

# start_nstop [ARGUMENT...]: starts nstop, and returns when nstop counts
start_nstop()
{
	# Removes the output of an earlier nstop.
	: > "$dir/out"
	"$NSTOP" --interval 0.3 "$@" > "$dir/out" 2> "$dir/err" 5>&- 6>&- &
	nstop=$!
	prints '^[0-9]+ [a-z]+ namespaces?: '
}

# leave_room NUMBER: limits the open files of nstop to the current number plus this one
leave_room()
{
	local files=("/proc/$nstop/fd"/*)

	limit=$((${#files[@]} + $1))
	prlimit --pid "$nstop" --nofile="$limit:$limit"
}

# prints PATTERN: waits for a line of the output
prints()
{
	wait_for grep -qE -- "$1" "$dir/out" && return
	ktap_print_msg "no line like '$1':"
	tail -n 60 "$dir/out" "$dir/err" | sed 's/^/# /'
	return 1
}

send()
{
	ip netns exec "$1" bash -c 'echo > /dev/udp/127.0.0.1/9'
}

# nstop raises its limit of open files.
raises_the_limit()
{
	local before n status

	before=$(ulimit -Sn)
	make_names && ulimit -Sn $FEW_FILES || return
	start_nstop --net --all
	status=$?
	ulimit -Sn "$before"
	[ $status -eq 0 ] || return
	for n in 1 $NR_NAMES; do
		send "$NAME-$n" || return
		prints " match +[1-9].*  $NAME-$n  " || return
	done
	ends TERM && does_not_say out '^LOST' && [ ! -s "$dir/err" ]
}

tables()
{
	grep -cE '^[0-9]+ net namespaces?: ' "$dir/out"
}

more_tables_than()
{
	[ "$(tables)" -gt "$1" ]
}

# Devices beyond the limit are reported as lost. They are counted when others
# are gone.
says_what_is_missing()
{
	local last limit n tables

	start_nstop --net --all && leave_room $((FOR_A_MOMENT + NR_NAMES / 2)) &&
		make_names || return
	prints "^LOST: [0-9]+ devices not counted, no more than $limit files can be open" ||
		return
	for ((n = 1; n <= NR_NAMES; n++)); do
		prints "  $NAME-$n  " && send "$NAME-$n" || return
	done
	# Waits until the number of counted devices does not change.
	tables=$(tables)
	wait_for more_tables_than $((tables + 2)) &&
		says out " match +[1-9].*  $NAME-[0-9]+  " || return
	for ((n = 1; n <= NR_NAMES; n++)); do
		last=$NAME-$n
		grep -qE " match +[1-9].*  $last  " "$dir/out" || break
	done
	for ((n = 1; n <= NR_NAMES; n++)); do
		[ "$NAME-$n" = "$last" ] || ip netns del "$NAME-$n" || return
	done
	wait_for counts "$last" && ends TERM || return
	does_not_say out MISMATCH && [ ! -s "$dir/err" ]
}

# Sends a datagram, and checks whether it is counted.
counts()
{
	send "$1" && grep -qE " match +[1-9].*  $1  " "$dir/out"
}

# The limit is too low for nstop. Closes inherited files, which count, too.
too_few_files()
{
	run 2 bash -c '
		for fd in /proc/self/fd/*; do
			fd=${fd##*/}
			[ "$fd" -le 2 ] || eval "exec $fd>&-"
		done
		ulimit -n 8
		exec "$@"' - "$NSTOP" --once || return
	says err 'the limit of open files, 8, is too low' || return
	[ ! -s "$dir/out" ]
}

# nstop must not open a file for each level at the same time. The namespaces
# above have no tasks, so all of them are new to nstop.
deeply_nested()
{
	local chain=() level limit pid

	for ((level = 0; level < 30; level++)); do
		chain+=(unshare --user --map-root-user)
	done
	start_nstop --ns user && leave_room $FOR_A_MOMENT || return
	kill -STOP "$nstop"
	start_container "${chain[@]}" || return
	kill -CONT "$nstop"
	prints "^ *$(pair_of "$pid" user) .*  match +$pid  bash$" && ends TERM
}

tests()
{
	cat <<-'TESTS'
		stalled_reader_int stalled_reader INT
		stalled_reader_term stalled_reader TERM
		stalled_reader_of_net_int stalled_reader INT --net
		stalled_reader_of_net_term stalled_reader TERM --net
		stopped_terminal_int stopped_terminal INT
		stopped_terminal_term stopped_terminal TERM
		stopped_terminal_plain stopped_terminal TERM --batch
		skips_what_is_no_namespace
		skips_what_is_no_list
		raises_the_limit
		says_what_is_missing
		too_few_files
		deeply_nested
	TESTS
}

run_tests
