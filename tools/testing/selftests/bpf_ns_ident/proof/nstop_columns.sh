#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop: compares each column, each verdict and the exit status with a value from another source, and
# tests the options for rows and output.

# shellcheck source=nstop_util.sh
. "$(dirname "$(readlink -f "$0")")/nstop_util.sh"

# shellcheck disable=SC2034
takes_python=$(sed -n 's/^		\([a-z_0-9]*\)\( .*\)\?$/\1/p' "$0" | tr '\n' ' ')

MORE=100	# other calls of the interpreter, at most
ROUND=0.5
nstop=

undo()
{
	if [ -n "$nstop" ]; then
		kill -KILL "$nstop"
		wait "$nstop"
		nstop=
	fi
	rm -f "$dir/go"
} 2> /dev/null

# start_caller THREADS: starts a process in a new pid namespace, with so many threads besides the first.
# The process reads numbers from $dir/go, and makes so many calls. Writes the number of calls in a
# tenth of a second, but at most 5,000, to $dir/calls.
start_caller()
{
	mkfifo "$dir/go" || return
	start unshare --fork --kill-child --pid python3 -c '
import os, sys, threading, time

go = open(sys.argv[1], "r+b", buffering=0)
for _ in range(int(sys.argv[2])):
    threading.Thread(target=lambda: threading.Event().wait(), daemon=True).start()
with open("/proc/self/stat") as stat:
    pid = stat.read().split()[0]
start = time.monotonic()
for _ in range(1000):
    os.getppid()
with open(sys.argv[3], "w") as calls:
    calls.write(str(min(5000, int(100 / (time.monotonic() - start)))))
os.write(4, pid.encode() + b"\n")
os.close(4)
while True:
    for _ in range(int(go.readline())):
        os.getppid()
' "$dir/go" "$1" "$dir/calls"
}

# Starts nstop, and returns when it counts.
start_nstop()
{
	: > "$dir/out"
	"$NSTOP" --json --all --interval $ROUND > "$dir/out" 2> "$dir/err" 5>&- 6>&- &
	nstop=$!
	tables_are 1
}

tables_are()
{
	wait_for sh -c "[ \$(wc -l < '$dir/out') -ge $1 ]"
}

# Waits for a table with an interval that begins after this call.
fresh_table()
{
	tables_are $(($(wc -l < "$dir/out") + 2))
}

# end_nstop STATUS
end_nstop()
{
	local status

	kill -TERM "$nstop"
	wait "$nstop"
	status=$?
	nstop=
	[ $status -eq "$1" ] && return
	ktap_print_msg "status $status, not $1"
	show
	return 1
}

# ident_of FILE: prints arguments for rows()
ident_of()
{
	stat -L -c "dev=%d, ino=%i, id=$(id_of "$1")" "$1"
}

# between LOW HIGH EXPRESSION
between()
{
	json_is True "$1 <= $3 <= $2" && return
	json "'is', $3"
	return 1
}

# Each call is counted once, in its interval and in the total.
calls()
{
	local pid ident calls

	# The calls of one request have to end within a round.
	start_caller 0 && calls=$(cat "$dir/calls") && start_nstop || return
	ident=$(ident_of "/proc/$pid/ns/pid")
	fresh_table
	json_is 0 "rows($ident)[-1]['calls']" || return
	# json_is takes part of a round on a slow machine.
	fresh_table && echo "$calls" > "$dir/go"
	fresh_table && fresh_table && echo $((2 * calls)) > "$dir/go" && fresh_table && fresh_table &&
		end_nstop 0 || return
	between $((3 * calls)) $((3 * calls + MORE)) "sum(row['calls'] for row in rows($ident))" ||
		return
	# nstop does not count while it compares, but nobody calls then.
	between "$calls" $((2 * calls + MORE)) "max(row['calls'] for row in rows($ident))" || return
	json_is True "[sum(row['calls'] for row in rows($ident)[:n + 1])
		       for n in range(len(rows($ident)))] == [row['total'] for row in rows($ident)]" ||
		return
	json_is True "all(abs(row['rate'] * table['seconds'] - row['calls']) <= row['rate'] / 1000 + 1
		for table in tables for row in table['rows'])" || return
	json_is True "all(abs(table['seconds'] - $ROUND) < $SECS for table in tables)"
}

# The number of threads, and the pid, the command and the parent of the first process.
tasks()
{
	local pid ident tasks

	start_caller 5 || return
	ident=$(ident_of "/proc/$pid/ns/pid")
	run 0 "$NSTOP" --json --all --once --interval $ROUND || return
	json_is "[(6, $pid, '$(cat "/proc/$pid/comm")', $(id_of /proc/$$/ns/pid), 'match')]" \
		"str([(row['tasks'], row['pid'], row['command'], row['parent'], row['verdict'])
		      for row in rows($ident)])" || return
	# find and nstop count themselves.
	tasks=$(find /proc/[0-9]*/task -mindepth 1 -maxdepth 1 2> /dev/null | wc -l)
	between $((tasks - 10)) $((tasks + 10)) "sum(row['tasks'] for row in rows())"
}

# lsns(8) lists the same namespaces.
namespaces_are_those_of_lsns()
{
	local pid type=$1

	start_container unshare --fork --kill-child --pid --user --map-root-user --uts --net || return
	run 0 "$NSTOP" --json --all --once --interval $ROUND --ns "$type" || return
	json_is "$(lsns --noheadings --output NS --type "$type" | tr -d ' ' | sort -n)" \
		"sorted(row['ino'] for row in rows() if row['tasks'])"
}

# The iterator compares tasks without calls.
idle_tasks_are_compared()
{
	local pid ident

	start_caller 3 || return
	ident=$(ident_of "/proc/$pid/ns/pid")
	run 0 "$NSTOP" --json --all --once --interval $ROUND || return
	json_is "0 match" "'{calls} {verdict}'.format(**rows($ident)[0])" || return
	between "$(($(find /proc -maxdepth 1 -name '[0-9]*' | wc -l) - 3))" 1000000 \
		"tables[0]['summary']['compared']"
}

# A difference from /proc for a task without calls is a mismatch.
idle_mismatch_is_found()
{
	local pid ident

	start_caller 0 || return
	ident=$(ident_of "/proc/$pid/ns/pid")
	mkdir -p "$dir/lie/ns" && cat "/proc/$pid/stat" > "$dir/lie/stat" &&
		: > "$dir/lie/ns/pid" && mount --bind "$dir/lie" "/proc/$pid" || return
	over=/proc/$pid
	mount --bind /proc/$$/ns/pid "/proc/$pid/ns/pid" || return
	run 1 "$NSTOP" --json --once --interval $ROUND || return
	json_is "0 MISMATCH" "'{calls} {verdict}'.format(**rows($ident)[0])" || return
	json_is "2 1" "'{mismatch} {mismatches}'.format(**tables[0]['summary'])"
}

# The exit status includes the first interval if later ones have no mismatch.
earlier_mismatch_is_kept()
{
	local pid

	start_caller 0 || return
	mkdir -p "$dir/lie/ns" && cat "/proc/$pid/stat" > "$dir/lie/stat" &&
		: > "$dir/lie/ns/pid" && mount --bind "$dir/lie" "/proc/$pid" &&
		mount --bind /proc/$$/ns/pid "/proc/$pid/ns/pid" || return
	over=/proc/$pid
	start_nstop || return
	umount --recursive "$over"
	over=
	fresh_table && fresh_table && end_nstop 1 || return
	json_is "2 0" "'%d %d' % tuple(table['summary']['mismatch'] for table in (tables[0], tables[-1]))"
}

# In nstop, NS_GET_ID returns another id than the kfuncs.
net_mismatch_is_found()
{
	[ -e "$DIR/nstop_lie.so" ] || return
	ip link set lo up || return
	: > "$dir/out"
	LD_PRELOAD=$DIR/nstop_lie.so "$NSTOP" --net --json --all --interval $ROUND \
		> "$dir/out" 2> "$dir/err" 5>&- 6>&- &
	nstop=$!
	tables_are 1 && bash -c 'echo > /dev/udp/127.0.0.1/9' && fresh_table && end_nstop 1 || return
	json_is "MISMATCH None" "'{verdict} {name}'.format(**[row for row in
		rows(id=$(id_of /proc/self/ns/net)) if row['rx_packets']][0])" || return
	json_is True "sum(table['summary']['mismatch'] for table in tables) ==
		len(rows(verdict='MISMATCH')) > 0"
}

# A task that ends before the comparison, together with its namespace.
gone()
{
	local ino

	start_nstop || return
	kill -STOP "$nstop"
	ino=$(unshare --fork --pid --mount-proc stat -L -c %i /proc/self/ns/pid) || return
	kill -CONT "$nstop"
	fresh_table && end_nstop 0 || return
	json_is True "any(row['calls'] and row['verdict'] == 'gone' and not row['tasks']
		for row in rows(ino=$ino)) and any(table['summary']['gone'] for table in tables)"
}

# Without CAP_SYS_PTRACE, nstop cannot read the namespaces of other tasks.
denied()
{
	local pid ino

	start_container unshare --fork --kill-child --pid || return
	ino=$(stat -L -c %i "/proc/$pid/ns/pid")
	run 0 setpriv --bounding-set -sys_ptrace --inh-caps -sys_ptrace \
		"$NSTOP" --json --all --once --interval $ROUND || return
	json_is "denied 0" "'{verdict} {tasks}'.format(**rows(ino=$ino)[0])" || return
	json_is True "tables[0]['summary']['denied'] > 0 and
		any('CAP_SYS_PTRACE' in note['text'] for note in tables[0]['notes'])"
}

# A user namespace without tasks, the parent of another one.
nothing()
{
	local pid

	start_container unshare --user --map-root-user unshare --user --map-root-user || return
	run 0 "$NSTOP" --json --all --once --interval $ROUND --ns user || return
	json_is "[(0, 0, None, None)]" "str([(row['tasks'], row['calls'], row['verdict'], row['pid'])
		for row in rows() if row['id'] == rows(ino=$(stat -L -c %i "/proc/$pid/ns/user"))[0]['parent']])"
}

# The options select and sort rows. By default, rows without calls are hidden, and the busiest is first.
rows_are_chosen()
{
	local pid ino

	start_caller 0 || return
	ino=$(stat -L -c %i "/proc/$pid/ns/pid")
	start_container unshare --fork --kill-child --pid || return
	start_container unshare --fork --kill-child --pid || return
	run 0 "$NSTOP" --json --once --interval $ROUND || return
	json_is '[]' "rows(ino=$ino) or '[]'" || return
	json_is True "tables[0]['summary']['hidden'] >= 1 and all(row['calls'] for row in rows())" ||
		return
	json_is True "[row['calls'] for row in rows()] ==
		sorted((row['calls'] for row in rows()), reverse=True)" || return
	run 0 "$NSTOP" --json --once --all --interval $ROUND --sort -id || return
	json_is True "[row['id'] for row in rows()] == sorted(row['id'] for row in rows())" || return
	run 0 "$NSTOP" --json --once --all --interval $ROUND --sort command || return
	json_is True "[row['command'] for row in rows()] ==
		sorted(row['command'] for row in rows())" || return
	run 0 "$NSTOP" --json --once --all --interval $ROUND --top 2 --sort +id || return
	json_is 2 "len(rows())" || return
	run 0 "$NSTOP" --json --once --all --interval $ROUND --filter ino=$ino || return
	json_is "[$ino]" "str([row['ino'] for row in rows()])" || return
	run 0 "$NSTOP" --json --once --all --interval $ROUND --filter 'command=ba*' \
		--filter "pid=$pid" || return
	json_is "[('bash', $pid)]" "str([(row['command'], row['pid']) for row in rows()])"
}

# --count prints so many tables, each with its time.
count()
{
	run 0 "$NSTOP" --json --count 3 --interval 0.1 || return
	json_is 3 "len(tables)" || return
	json_is True "sorted(set(table['time'] for table in tables)) ==
		[table['time'] for table in tables]" || return
	run 0 "$NSTOP" --count 3 --interval 0.1 || return
	[ "$(grep -cE '^20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:]{8}[+-][0-9]{4}$' "$dir/out")" -eq 3 ] && return
	ktap_print_msg "there are no three times"
	show
	return 1
}

# Different names have different output. Printable UTF-8 is not changed.
names_are_escaped()
{
	local name number=0 wanted ino names=(
		'plain'			'plain'
		'größe'			'größe'
		'容器'			'容器'
		$'a\tb'			'a\x09b'
		'a\x09b'		'a\\x09b'
		$'\xff\xfe'		'\xff\xfe'
		$'nb\xc2\xa0sp'		'nb\u00a0sp'
		$'rtl\xe2\x80\xae'		'rtl\u202e'
		$'e\xcc\x81'		'e\u0301'
		$'\e[31m'		'\x1b[31m'
		'a b'			'a b'
	)

	for ((number = 0; number < ${#names[@]}; number += 2)); do
		name=${names[number]} wanted=${names[number + 1]}
		start unshare --fork --kill-child --pid python3 -c '
import os, select, sys
with open("/proc/self/comm", "wb") as comm:
    comm.write(os.fsencode(sys.argv[1]))
os.write(4, os.readlink("/proc/self").encode() + b"\n")
select.select([3], [], [])' "$name" || return
		ino=$(stat -L -c %i "/proc/$pid/ns/pid")
		run 0 env LC_ALL=C "$NSTOP" --json --once --all --interval 0.1 --filter ino="$ino" || return
		json_is "$wanted" "rows()[0]['command']" || return
		run 0 env LC_ALL=C "$NSTOP" --once --all --interval 0.1 --filter ino="$ino" || return
		grep -qF -- "  $wanted" "$dir/out" && continue
		show
		return 1
	done
}

# A table fits into COLUMNS. Without it, a pipe gets all columns.
width()
{
	local columns

	start_container unshare --fork --kill-child --pid || return
	for columns in 40 60 80 200; do
		run 0 env COLUMNS=$columns "$NSTOP" --once --all --interval 0.1 || return
		if grep -E '^ *[0-9S]' "$dir/out" | grep -v 'compared)$' | grep -E "^.{$((columns + 1)),}$"; then
			ktap_print_msg "longer than $columns"
			return 1
		fi
	done
	run 0 "$NSTOP" --once --all --interval 0.1 || return
	says out '^ *ST_DEV +ST_INO +ID +CALLS +CALLS/S +TOTAL +TASKS +STAT\(2\) +PID  FIRST COMMAND$' ||
		return
	run 0 env COLUMNS=60 "$NSTOP" --once --all --interval 0.1 || return
	says out '^ *ST_INO +ID +CALLS .*STAT\(2\) +PID  FIRST COMMAND$' || return
	does_not_say out 'CALLS/S'
}

version_is_said()
{
	run 0 "$NSTOP" --version || return
	says out '^nstop [^ ]+ \(libbpf v?[0-9.]+, with(out)? ncurses\)$'
}

# The man page and the completion have all options.
options_are_documented()
{
	local option

	run 0 "$NSTOP" --help || return
	for option in $(grep -oE -- '--[a-z-]+' "$dir/out" | sort -u); do
		if [ -e "$DIR/nstop.8" ]; then
			grep -qF -- "${option//-/\\-}" "$DIR/nstop.8" ||
				{ ktap_print_msg "$option is not in nstop.8"; return 1; }
			grep -qF -- "$option" "$DIR/nstop.bash" ||
				{ ktap_print_msg "$option is not in nstop.bash"; return 1; }
		fi
	done
}

tests()
{
	cat <<-'TESTS'
		calls
		tasks
		lsns_pid namespaces_are_those_of_lsns pid
		lsns_user namespaces_are_those_of_lsns user
		lsns_net namespaces_are_those_of_lsns net
		idle_tasks_are_compared
		idle_mismatch_is_found
		earlier_mismatch_is_kept
		net_mismatch_is_found
		gone
		denied
		nothing
		rows_are_chosen
		count
		names_are_escaped
		width
		version_is_said
		options_are_documented
	TESTS
}

run_tests
