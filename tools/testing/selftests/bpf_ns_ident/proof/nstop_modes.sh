#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop with other types of namespaces, and with pids in another pid namespace.

# shellcheck source=nstop_util.sh
. "$(dirname "$(readlink -f "$0")")/nstop_util.sh"

# shellcheck disable=SC2034
takes_python="thread_is_on_its_own move_is_no_mismatch moves_in_many_rounds"
takes_python+=" i386_move_is_no_mismatch"
# shellcheck disable=SC2034
takes_i386=i386_move_is_no_mismatch

ROUND=0.3	# long enough for a few system calls of each container

# new TYPE: prints a command that runs another command in a new namespace. Its
# own process is not in that namespace.
new()
{
	case $1 in
	mnt)		echo unshare --mount ;;
	pid|time)	echo unshare --fork --kill-child "--$1" ;;
	user)		echo unshare --user --map-root-user ;;
	*)		echo unshare "--$1"
	esac
}

# row PAIR DEPTH PID COMMAND: expects a row with a match, indented by its depth.
row()
{
	says out "^ *$1 .*  match +$3 {$((2 + 2 * $2))}$4\$"
}

groups_by()
{
	local type=$1 depth=0 pid tree=()

	case $type in
	pid|user)	depth=1 tree=(--tree) ;;
	esac
	# shellcheck disable=SC2046
	start_container $(new "$type") || return
	run 0 "$NSTOP" --once --interval $ROUND --ns "$type" "${tree[@]}" || return
	says out "^System calls in .* by $type namespace$" || return
	row "$(pair_of "$pid" "$type")" $depth "$pid" bash || return
	# The initial namespace has a row, too, and there is no mismatch.
	row "$(pair_of $$ "$type")" 0 '[0-9]+' '[^ ].*' || return
	says out "^[0-9]+ $type namespaces: [0-9]+ match, 0 mismatch"
}

# nested_are DEPTH TYPE: a namespace in another one, as a row below it or beside it.
nested_are()
{
	local depth=$1 type=$2 pid outer tree=()

	[ "$depth" -eq 0 ] || tree=(--tree)

	# shellcheck disable=SC2046
	start_container $(new "$type") || return
	outer=$pid
	# shellcheck disable=SC2046
	start_container nsenter --target "$outer" "--$type" $(new "$type") ||
		return
	run 0 "$NSTOP" --once --interval $ROUND --ns "$type" "${tree[@]}" || return
	row "$(pair_of "$outer" "$type")" $((depth > 0)) "$outer" bash || return
	row "$(pair_of "$pid" "$type")" "$depth" "$pid" bash
}

# A thread in a namespace of its own is counted separately.
thread_is_on_its_own()
{
	local pid pair

	start_python <<-'PYTHON' || return
		import ctypes, os, select, threading

		CLONE_NEWUTS = 0x4000000

		def thread():
		    assert ctypes.CDLL(None).unshare(CLONE_NEWUTS) == 0
		    os.write(4, b"%d\n" % threading.get_native_id())
		    while not select.select([3], [], [], 0.05)[0]:
		        pass

		threading.Thread(target=thread).start()
	PYTHON
	run 0 "$NSTOP" --once --interval $ROUND --ns uts || return
	pair=$(pair_of "$pid" uts)
	[ "$pair" != "$(pair_of $$ uts)" ] || return
	# ST_DEV ST_INO ID CALLS CALLS/S TOTAL TASKS STAT(2)
	says out "^ *$pair +[0-9]+ +[0-9]+ +[0-9.]+ +[0-9]+ +1  match +$pid  python3[^ ]*$" ||
		return
	does_not_say out MISMATCH
}

# Starts a process that moves between two namespaces as fast as possible.
start_mover()
{
	start_python <<-'PYTHON'
		import ctypes, os, select

		CLONE_NEWUTS = 0x4000000
		libc = ctypes.CDLL(None)

		first = os.open("/proc/self/ns/uts", os.O_RDONLY)
		assert libc.unshare(CLONE_NEWUTS) == 0
		second = os.open("/proc/self/ns/uts", os.O_RDONLY)
		os.write(4, b"%d\n" % os.getpid())
		while not select.select([3], [], [], 0)[0]:
		    for _ in range(100):
		        assert libc.setns(first, CLONE_NEWUTS) == 0
		        assert libc.setns(second, CLONE_NEWUTS) == 0
	PYTHON
}

move_is_no_mismatch()
{
	local pid

	start_mover || return
	run 0 "$NSTOP" --once --interval $ROUND --ns uts || return
	says out '^[0-9]+ could not be compared' || return
	does_not_say out MISMATCH
}

# The process uses system calls of i386, which have other numbers.
i386_move_is_no_mismatch()
{
	local pid

	start_python <<-'PYTHON' || return
		import ctypes, mmap, os, select

		CLONE_NEWUTS = 0x4000000
		SETNS = 346

		# push %rbx; mov %edi, %eax; mov %esi, %ebx; mov %edx, %ecx
		# int $0x80; pop %rbx; ret
		code = mmap.mmap(-1, 4096, prot=7)
		code.write(bytes.fromhex("53 89f8 89f3 89d1 cd80 5b c3"))
		call = ctypes.CFUNCTYPE(*4 * [ctypes.c_int])(
		    ctypes.addressof(ctypes.c_char.from_buffer(code)))

		first = os.open("/proc/self/ns/uts", os.O_RDONLY)
		assert ctypes.CDLL(None).unshare(CLONE_NEWUTS) == 0
		second = os.open("/proc/self/ns/uts", os.O_RDONLY)
		os.write(4, b"%d\n" % os.getpid())
		while not select.select([3], [], [], 0)[0]:
		    for _ in range(100):
		        assert call(SETNS, first, CLONE_NEWUTS) == 0
		        assert call(SETNS, second, CLONE_NEWUTS) == 0
	PYTHON
	run 0 "$NSTOP" --once --interval $ROUND --ns uts || return
	says out '^[0-9]+ could not be compared' || return
	does_not_say out MISMATCH
}

# A task that has moved is compared again in the next round.
moves_are_no_mismatch_in_many_rounds()
{
	local pid nstop line rounds=0 status

	start_mover || return
	mkfifo "$dir/rounds" || return
	exec 8<> "$dir/rounds"
	: > "$dir/err"
	"$NSTOP" --interval 0.1 --ns uts > "$dir/rounds" 8>&- &
	nstop=$!
	while [ $rounds -lt 3 ] && read -r -t $SECS line <&8; do
		case $line in
		*'could not be compared'*)	rounds=$((rounds + 1))
		esac
		echo "$line"
	done > "$dir/out"
	kill -TERM $nstop
	wait $nstop
	status=$?
	exec 8>&-
	rm "$dir/rounds"
	[ $status -eq 0 ] && [ $rounds -eq 3 ] && does_not_say out MISMATCH &&
		return
	ktap_print_msg "status $status after $rounds rounds"
	show
	return 1
}

# Hides the files of a thread in /proc: they show the namespace of another thread.
lie_about_thread()
{
	over=/proc/$1/task/$1
	mkdir -p "$dir/lie/ns" && cat "$over/stat" > "$dir/lie/stat" &&
		: > "$dir/lie/ns/uts" && mount --bind "$dir/lie" "$over" &&
		mount --bind "/proc/$2/ns/uts" "$over/ns/uts"
}

mismatch_is_found()
{
	local pid real lie

	start_container unshare --uts || return
	real=$(pair_of "$pid" uts)
	lie=$(pair_of $$ uts)
	lie_about_thread "$pid" $$ || return
	run 1 "$NSTOP" --once --interval $ROUND --ns uts || return
	says_mismatch "$pid" bash "$real" "$lie" || return
	says out "^ *$real .* MISMATCH  " || return
	says out "^ *$lie .* MISMATCH  " || return
	says out '^[0-9]+ uts namespaces: [0-9]+ match, 2 mismatch'
}

# Sets $outer and $inner to processes in nested pid namespaces, and $middle to
# the pid of $inner in the namespace of $outer.
start_nested()
{
	local pid

	start_container unshare --fork --kill-child --pid || return
	outer=$pid
	start_container nsenter --target "$outer" --pid \
		unshare --fork --kill-child --pid || return
	inner=$pid
	middle=$(awk '/^NSpid:/ { print $(NF - 1) }' "/proc/$inner/status")
	[ "$middle" -gt 1 ]
}

# pids_as_seen_by PID INITIAL OUTER INNER: expects these pids.
pids_as_seen_by()
{
	local pair

	run 0 "$NSTOP" --once --interval $ROUND --tree --pids-as-seen-by "$1" ||
		return
	pair=$(pair_of "$1" pid)
	says out "; pids as in that of process $1: st_dev ${pair/ +/, st_ino }, id [0-9]+," ||
		return
	row "$(pair_of $$ pid)" 0 "$2" '[^ ].*' || return
	row "$(pair_of "$outer" pid)" 1 "$3" bash || return
	row "$(pair_of "$inner" pid)" 2 "$4" bash || return
	does_not_say out MISMATCH
}

pids_as_seen_by_outer()
{
	local outer inner middle

	start_nested && pids_as_seen_by "$outer" - 1 "$middle"
}

pids_as_seen_by_inner()
{
	local outer inner middle

	start_nested && pids_as_seen_by "$inner" - - 1
}

pids_as_seen_by_initial()
{
	local outer inner middle

	start_nested && pids_as_seen_by $$ 1 "$outer" "$inner"
}

# Combines --ns and --pids-as-seen-by.
pids_by_net_namespace()
{
	local pid

	start_container unshare --fork --kill-child --pid unshare --net ||
		return
	run 0 "$NSTOP" --once --interval $ROUND --ns net \
		--pids-as-seen-by "$pid" || return
	row "$(pair_of "$pid" net)" 0 1 bash || return
	row "$(pair_of $$ net)" 0 - '[^ ].*'
}

bad_arguments_are_refused()
{
	local arg

	for arg in '' foo PID pi pidx net,pid; do
		refuses "'$arg' is not a type of namespace" --once --ns "$arg" ||
			return
	done
	for arg in '' 0 -1 1x x 2147483648 99999999999999999999; do
		refuses "'$arg' is not the pid of a process$" \
			--once --pids-as-seen-by "$arg" || return
	done
	# The number exceeds the maximum pid.
	refuses "there is no process 4194305$" \
		--once --pids-as-seen-by 4194305 || return
	refuses "option '--ns' requires an argument$" --ns || return
	refuses "option '--pids-as-seen-by' requires an argument$" \
		--pids-as-seen-by
}

# name_is WANTED COMMAND...: expects this container name for a process that the command starts.
name_is()
{
	local wanted=$1
	shift

	start_container "$@" || return
	run 0 "$NSTOP" --once --interval $ROUND --containers || return
	says out " CONTAINER +PID  FIRST COMMAND$" || return
	says out "^ *$(pair_of "$pid" pid) .* match +$wanted +$pid  bash$"
}

# to_cgroup PATH: sets $move to a command that runs another command in a cgroup.
to_cgroup()
{
	mkdir -p "$cgroups/$1"
	# shellcheck disable=SC2016
	move=(sh -c 'echo $$ > "$0/cgroup.procs" && exec "$@"' "$cgroups/$1")
}

# container_names tests the other paths.
try_container_names()
{
	local new="unshare --fork --kill-child --pid" move id forged

	id=$(printf '%064d' 1)
	forged=$(printf '%064d' 2)
	to_cgroup nstop-test/crun-one.scope
	# shellcheck disable=SC2086
	name_is 'crun:one\?' "${move[@]}" $new || return
	to_cgroup 'nstop-test/systemd-nspawn@t\x2dwo.service/payload'
	# shellcheck disable=SC2086
	name_is systemd-nspawn:t-wo "${move[@]}" $new || return
	to_cgroup "nstop-test/docker-$id.scope/inner"
	# shellcheck disable=SC2086
	name_is "docker:$id/inner" $new "${move[@]}" $new || return
	to_cgroup "nstop-test/docker-$id.scope/a/b/c/docker-$forged.scope"
	# shellcheck disable=SC2086
	name_is "docker:$id/docker:$forged" "${move[@]}" $new || return
	to_cgroup nstop-test/docker-registry.service
	# shellcheck disable=SC2086
	name_is - "${move[@]}" $new || return
	# The name alone is enough if a runtime has a container of that name.
	to_cgroup nstop-test/nstop-three
	# shellcheck disable=SC2086
	name_is - "${move[@]}" $new || return
	mkdir -p /run/runc/nstop-three
	# shellcheck disable=SC2086
	name_is runc:nstop-three "${move[@]}" $new
}

container_names()
{
	local cgroups=$dir/cgroups status

	mkdir "$cgroups"
	mount -t cgroup2 cgroup2 "$cgroups" || return
	try_container_names
	status=$?
	clean_up
	rmdir /run/runc/nstop-three 2> /dev/null
	wait_for find "$cgroups/nstop-test" -depth -type d -exec rmdir {} + \
		2> /dev/null
	umount "$cgroups"
	return $status
}

# Each line is a test: its name and its command.
tests()
{
	local type

	for type in cgroup ipc mnt net pid time user uts; do
		echo "$type groups_by $type"
	done
	cat <<-'TESTS'
		nested_pid nested_are 2 pid
		nested_user nested_are 2 user
		nested_uts nested_are 0 uts
		thread_is_on_its_own
		move_is_no_mismatch
		i386_move_is_no_mismatch
		moves_in_many_rounds moves_are_no_mismatch_in_many_rounds
		mismatch_is_found
		pids_as_seen_by_outer
		pids_as_seen_by_inner
		pids_as_seen_by_initial
		pids_by_net_namespace
		container_names
		bad_arguments_are_refused
	TESTS
}

run_tests
