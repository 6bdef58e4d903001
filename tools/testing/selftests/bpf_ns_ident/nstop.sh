#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop: what it finds out, and what its exit status says of it.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
. "$DIR/../kselftest/ktap_helpers.sh"

MODULE=bpf_ns_ident
NSTOP=$DIR/nstop
SECS=20		# for what takes no time but on a slow machine

dir=
containers=()
over=

# Undoes what a test did, too.
clean_up()
{
	if [ -n "$over" ]; then
		umount --recursive "$over"
		over=
	fi
	if [ ${#containers[@]} -gt 0 ]; then
		kill -KILL "${containers[@]}"
		wait "${containers[@]}" 2> /dev/null
		containers=()
	fi
	modprobe $MODULE
}

finish()
{
	clean_up
	rm -rf "$dir"
}

# The output of the last command, for whoever wonders.
show()
{
	sed 's/^/# /' "$dir/out" "$dir/err"
}

# run STATUS COMMAND...: expects that exit status.
run()
{
	local want=$1 status
	shift

	"$@" > "$dir/out" 2> "$dir/err"
	status=$?
	[ $status -eq "$want" ] && return
	ktap_print_msg "status $status, not $want: ${*##*/}"
	show
	return 1
}

# says FILE PATTERN: expects a line, by extended regular expression.
says()
{
	grep -qE -- "$2" "$dir/$1" && return
	ktap_print_msg "no line like '$2':"
	show
	return 1
}

# Starts a process in a pid namespace of its own that makes a system call now
# and then, as long as this script runs. Sets $pid to its number here.
start_container()
{
	# shellcheck disable=SC2016
	unshare --fork --kill-child --pid bash -c '
		read -r pid rest < /proc/self/stat
		echo "$pid" > "$1/ready"
		while :; do
			read -r -t 0.05 -u 3
			[ $? -gt 128 ] || exit
		done
	' container "$dir" 3< "$dir/stop" 4>&- 5>&- &
	containers+=($!)
	read -r -t $SECS pid <&4 && return
	ktap_print_msg "no container"
	return 1
}

# The pair by which a namespace is known: st_dev st_ino.
pair_of()
{
	stat -L -c '%d %i' "/proc/$1/ns/pid"
}

container_matches()
{
	local pid pair

	start_container || return
	pair=$(pair_of "$pid") || return
	run 0 "$NSTOP" --once --interval 0.5 || return
	says out "^ *${pair/ / +} .* match  +bash \($pid\)$" || return
	# The initial namespace is there as well, and nothing is wrong.
	says out "^ *$(pair_of $$ | sed 's/ / +/') .* match  " || return
	says out '^[0-9]+ pid namespaces: [0-9]+ match, 0 mismatch' || return
	! grep MISMATCH "$dir/out"
}

# Hides what /proc says of a process: there it is in the namespace of another.
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
	local pid told lie

	start_container || return
	told=$(pair_of "$pid")
	lie=$(pair_of $$)
	lie_about "$pid" $$ || return
	[ "$(pair_of "$pid")" = "$lie" ] || return
	run 1 "$NSTOP" --once --interval 0.5 || return
	says out "^MISMATCH: task $pid \(bash\)$" || return
	says out "^  kfunc   st_dev ${told/ /, st_ino }, id " || return
	says out "^  stat\(2\) st_dev ${lie/ /, st_ino }, id " || return
	# Both rows are wrong, and say so.
	says out "^ *${told/ / +} .* MISMATCH  " || return
	says out "^ *${lie/ / +} .* MISMATCH  " || return
	says out '^[0-9]+ pid namespaces: [0-9]+ match, 2 mismatch'
}

# refuses PATTERN ARGUMENT...: expects that, and nothing but that.
refuses()
{
	local pattern=$1
	shift

	run 2 "$NSTOP" "$@" || return
	says err "^(.*/)?nstop: $pattern" || return
	[ ! -s "$dir/out" ]
}

bad_arguments_are_refused()
{
	local secs

	for secs in '' 0 -1 nan inf 1s 86401; do
		refuses "'$secs' is not a number of seconds up to 86400$" \
			--once --interval "$secs" || return
	done
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

# What was loaded by others goes when RCU allows it.
unload()
{
	local end=$((SECONDS + SECS))

	until rmmod $MODULE 2> "$dir/err"; do
		if [ $SECONDS -ge $end ]; then
			ktap_print_msg "$(cat "$dir/err")"
			return 1
		fi
	done
}

module_absent_is_an_error()
{
	unload || return
	refuses ".*: modprobe $MODULE$" --once
}

TESTS="
	container_matches
	mismatch_is_found
	bad_arguments_are_refused
	help_is_no_error
	module_absent_is_an_error
"

ktap_print_header
if [ "$(id -u)" -ne 0 ]; then
	ktap_skip_all "this takes root"
	exit "$KSFT_SKIP"
fi
if ! modprobe $MODULE; then
	ktap_skip_all "there is no module $MODULE"
	exit "$KSFT_SKIP"
fi

dir=$(mktemp -d) || exit "$KSFT_FAIL"
trap finish EXIT
trap 'exit 1' HUP INT TERM
mkfifo "$dir/ready" "$dir/stop"
exec 4<> "$dir/ready" 5<> "$dir/stop"

# shellcheck disable=SC2086
ktap_set_plan "$(echo $TESTS | wc -w)"
for test in $TESTS; do
	ktap_test_result "$test" "$test"
	clean_up
done
ktap_finished
