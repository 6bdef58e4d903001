#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop: what it does not wait for, and that a signal ends it.

# shellcheck source=nstop_util.sh
. "$(dirname "$(readlink -f "$0")")/nstop_util.sh"

# shellcheck disable=SC2034
takes_python="skips_what_is_no_namespace stopped_terminal_int stopped_terminal_term"

GUARD=60	# seconds, after which nstop hangs

NAMES=/run/netns
NAME=nstop-$$	# since others may have short ones
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

# ends SIGNAL: nstop does, without a mismatch.
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

# waits_in FUNCTION: of the kernel, by extended regular expression
waits_in()
{
	wait_for grep -qE "$1" "/proc/$nstop/wchan" && return
	ktap_print_msg "waits in $(cat "/proc/$nstop/wchan"), not in $1"
	return 1
}

# stalled_reader SIGNAL [ARGUMENT...]: of a pipe that is full from the start
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

# stopped_terminal SIGNAL: by what Ctrl-S does
stopped_terminal()
{
	local pid status

	start python3 -c '
import os, pty, select, subprocess, sys, termios

master, slave = pty.openpty()
termios.tcflow(slave, termios.TCOOFF)
nstop = subprocess.Popen([sys.argv[1], "--interval", "0.1"], stdin=slave,
                         stdout=slave, stderr=2)
os.write(4, b"%d\n" % nstop.pid)
nstop.wait()
os.write(4, b"%d\n" % nstop.returncode)
select.select([3], [], [])
' "$NSTOP" || return
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

# What is in the directory besides is named. A link to a namespace is one.
skips_what_is_no_namespace()
{
	local pid what

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

	run 0 timeout $GUARD "$NSTOP" --net --once --interval 0.1 || return
	says out "^ *$(pair_of "$pid" net) .* $NAME-netns +RX " || return
	for what in fifo link dangling device file uts socket; do
		says out "^SKIPPED: $NAMES/$NAME-$what is not a net namespace$" ||
			return
	done
	does_not_say out "^SKIPPED: .*/$NAME-netns" && [ ! -s "$dir/err" ]
}

# What users have in place of podman's lists of containers, which are looked
# at for the name of a host that podman would give.
skips_what_is_no_list()
{
	local pid lists=$PODMAN/containers/overlay-containers

	mkdir -p "$lists" && mkfifo "$lists/containers.json" || return
	ln -s containers.json "$lists/volatile-containers.json" || return
	start_container env HOSTNAME=0123456789ab \
		unshare --fork --kill-child --pid || return
	run 0 timeout $GUARD "$NSTOP" --containers --once --interval 0.3 ||
		return
	says out "^ *$(pair_of "$pid" pid) .* match +- +bash \($pid\)$"
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
		skips_what_is_no_namespace
		skips_what_is_no_list
	TESTS
}

run_tests
