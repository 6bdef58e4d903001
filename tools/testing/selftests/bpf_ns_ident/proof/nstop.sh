#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop: the comparison with /proc, and the exit status.

# shellcheck source=nstop_util.sh
. "$(dirname "$(readlink -f "$0")")/nstop_util.sh"

# These unload the module.
takes_module="walk_matches walk_mismatch_is_found in_a_nested_pid_namespace"

container_matches()
{
	local pid pair

	start_container unshare --fork --kill-child --pid || return
	pair=$(pair_of "$pid" pid) || return
	run 0 "$NSTOP" --once --interval 0.5 || return
	says out "^ *$pair .*  match +$pid  bash$" || return
	# The initial namespace has a row, too, and there is no mismatch.
	says out "^ *$(pair_of $$ pid) .* match  " || return
	says out '^[0-9]+ pid namespaces: [0-9]+ match, 0 mismatch' || return
	! grep MISMATCH "$dir/out"
}

# Hides the files of a process in /proc: they show the namespace of another process.
lie_about()
{
	local file

	mkdir -p "$dir/lie/ns" || return
	for file in stat status comm; do
		cat "/proc/$1/$file" > "$dir/lie/$file" || return
	done
	: > "$dir/lie/ns/pid"
	mount --bind "$dir/lie" "/proc/$1" || return
	over=/proc/$1
	mount --bind "/proc/$2/ns/pid" "/proc/$1/ns/pid"
}

mismatch_is_found()
{
	local pid real lie

	start_container unshare --fork --kill-child --pid || return
	real=$(pair_of "$pid" pid)
	lie=$(pair_of $$ pid)
	lie_about "$pid" $$ || return
	[ "$(pair_of "$pid" pid)" = "$lie" ] || return
	run 1 "$NSTOP" --once --interval 0.5 || return
	says_mismatch "$pid" bash "$real" "$lie" || return
	# Both rows have the verdict.
	says out "^ *$real .* MISMATCH  " || return
	says out "^ *$lie .* MISMATCH  " || return
	says out '^[0-9]+ pid namespaces: [0-9]+ match, 2 mismatch'
}

# A signal does not change the exit status of a mismatch.
mismatch_is_kept()
{
	local nstop pid status

	start_container unshare --fork --kill-child --pid || return
	lie_about "$pid" $$ || return
	# Removes the output of an earlier nstop: a signal before execve(2) would be lost.
	: > "$dir/out"
	"$NSTOP" --interval 0.1 > "$dir/out" 2> "$dir/err" 5>&- 6>&- &
	nstop=$!
	wait_for grep -q '^MISMATCH: ' "$dir/out"
	kill -TERM $nstop
	wait $nstop
	status=$?
	[ $status -eq 1 ] && return
	ktap_print_msg "status $status"
	show
	return 1
}

bad_arguments_are_refused()
{
	local count secs

	for secs in '' 0 0.009 -1 nan inf 1s 86401; do
		refuses "'$secs' is not a number of seconds from 0.01 to 86400$" \
			--once --interval "$secs" || return
	done
	for count in '' 0 -1 1x 99999999999999999999; do
		refuses "'$count' is not a number of tables$" --count "$count" || return
		refuses "'$count' is not a number of rows$" --top "$count" || return
	done
	refuses "--sort 'calls,': there is no such column$" --sort calls, || return
	refuses "--filter 'calls': it is not COLUMN=PATTERN$" --filter calls || return
	refuses "--filter 'rx_bytes=1': there is no such column$" --filter rx_bytes=1 || return
	refuses "--tree needs a type with parents, pid or user, and not net$" \
		--tree --ns net || return
	refuses "unrecognized option '--twice'$" --twice || return
	refuses "option '--interval' requires an argument$" --interval || return
	refuses "invalid option -- 'x'$" -x || return
	refuses "'1' is one argument too many" --once 1
}

help_is_no_error()
{
	run 0 "$NSTOP" --help || return
	says out '^Usage: nstop ' || return
	[ ! -s "$dir/err" ]
}

# Without the module, the programs walk the kernel's structures.
walk_matches()
{
	local status pid pair type

	start_container unshare --fork --kill-child --pid --net --uts --ipc || return
	unload || return
	for type in pid net uts; do
		pair=$(pair_of "$pid" $type)
		run 0 "$NSTOP" --once --interval 0.5 --ns $type &&
			says out "^ *$pair .*  match  " &&
			says out "^the module $MODULE is not loaded: " &&
			says out "^[0-9]+ $type namespaces: [0-9]+ match, 0 mismatch"
		status=$?
		[ $status -eq 0 ] || break
	done
	modprobe $MODULE
	return $status
}

walk_mismatch_is_found()
{
	local status pid

	start_container unshare --fork --kill-child --pid || return
	lie_about "$pid" $$ || return
	unload || return
	run 1 "$NSTOP" --once --interval 0.5 &&
		says out "^MISMATCH: task $pid \(bash\): walk st_dev "
	status=$?
	modprobe $MODULE
	return $status
}

# With kfuncs, the kernel has to record from where nstop loads its programs. nstop
# is the first process of its pid namespace, and the only one there.
in_a_nested_pid_namespace()
{
	local nested=(unshare --pid --fork --mount-proc "$NSTOP" --once --interval 0.5)
	local only='^1 pid namespace: 1 match, 0 mismatch \(1 process compared\)'
	local status

	unload && modprobe $MODULE loader_ns=user || return
	if grep -qaw bpf_prog_origin /sys/kernel/btf/vmlinux; then
		run 0 "${nested[@]}" && says out ' match +1  nstop$' && says out "$only"
	else
		run 2 "${nested[@]}" && says err 'needs CONFIG_BPF_PROG_ORIGIN$'
	fi
	status=$?
	unload && if [ $status -eq 0 ]; then
		run 0 "${nested[@]}" && says out ' match +1  nstop$' && says out "$only"
		status=$?
	fi
	modprobe $MODULE
	return $status
}

tests()
{
	cat <<-'TESTS'
		container_matches
		mismatch_is_found
		mismatch_is_kept
		bad_arguments_are_refused
		help_is_no_error
		walk_matches
		walk_mismatch_is_found
		in_a_nested_pid_namespace
	TESTS
}

run_tests
