# SPDX-License-Identifier: GPL-2.0
#
# Functions for the tests of nstop. Each test file defines tests(), which prints
# a line for each test, with its name and optionally its command, and then calls
# run_tests. Tests in takes_python are skipped without Python, and tests in
# takes_i386 on a kernel without system calls of i386.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
. "$DIR/../../kselftest/ktap_helpers.sh"

MODULE=bpf_ns_ident
# shellcheck disable=SC2034
NSTOP=$DIR/nstop
SECS=20		# timeout, for a slow machine

dir=
containers=()
over=
takes_python=
takes_module=
takes_i386=

# Test files override this, to undo further changes.
undo()
{
	:
}

# Undoes the changes of a test.
clean_up()
{
	undo
	if [ -n "$over" ]; then
		umount --recursive "$over"
		over=
	fi
	if [ ${#containers[@]} -gt 0 ]; then
		kill -KILL "${containers[@]}"
		wait "${containers[@]}" 2> /dev/null
		containers=()
	fi
}

finish()
{
	clean_up
	rm -rf "$dir"
}

# Prints the output of the last command.
show()
{
	sed 's/^/# /' "$dir/out" "$dir/err"
}

# run STATUS COMMAND...: expects this exit status.
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

# does_not_say FILE PATTERN
does_not_say()
{
	grep -qE -- "$2" "$dir/$1" || return 0
	ktap_print_msg "a line like '$2':"
	show
	return 1
}

# refuses PATTERN ARGUMENT...: expects this error of nstop, and no other output.
refuses()
{
	local pattern=$1
	shift

	run 2 "$NSTOP" "$@" || return
	says err "^(.*/)?nstop: $pattern" || return
	[ ! -s "$dir/out" ]
}

# wait_for COMMAND...: repeats the command until it succeeds, or for $SECS seconds.
wait_for()
{
	local end=$((SECONDS + SECS))

	until "$@"; do
		[ $SECONDS -lt $end ] || return
		sleep 0.1
	done
}

# start COMMAND...: starts a command that writes a number, mostly its pid, to fd
# 4, and ends when fd 3 is closed. Sets $pid to that number.
start()
{
	"$@" 3< "$dir/stop" 4> "$dir/ready" 5>&- 6>&- &
	containers+=($!)
	read -r -t $SECS pid <&5 && return
	ktap_print_msg "not up: $*"
	return 1
}

# start_container COMMAND...: starts a process that makes system calls from time
# to time. The command creates the namespaces for that process.
start_container()
{
	# shellcheck disable=SC2016
	start "$@" bash -c '
		read -r pid rest < /proc/self/stat
		echo "$pid" >&4
		exec 4>&-
		while :; do
			read -r -t 0.05 -u 3
			[ $? -gt 128 ] || exit
		done
	' container
}

# Repeats rmmod, since RCU delays the end of programs of other tests.
unload()
{
	wait_for rmmod $MODULE 2> "$dir/err" && return
	ktap_print_msg "$(tail -n 1 "$dir/err")"
	return 1
}

# says_mismatch PID COMMAND KFUNC STAT: expects the note with the pairs of both sources.
says_mismatch()
{
	local kfunc=${3/ +/, st_ino } stat=${4/ +/, st_ino }

	says out "^MISMATCH: task $1 \($2\): kfunc st_dev $kfunc, id [0-9]+; stat\(2\) st_dev $stat, id"
}

# pair_of PID TYPE: prints the pair of the namespace, st_dev and st_ino, as a pattern
pair_of()
{
	stat -L -c '%d +%i' "/proc/$1/ns/$2"
}

# json EXPRESSION: prints the value of the expression in Python, a list as lines. `tables` are the objects
# in $dir/out. rows(COLUMN=VALUE, ...) are the rows of all tables with these values.
json()
{
	python3 -c '
import json, sys

tables = [json.loads(line) for line in open(sys.argv[1]) if line.endswith("}\n")]

def rows(**wanted):
    return [row for table in tables for row in table["rows"]
            if all(row[column] == value for column, value in wanted.items())]

value = eval("(" + sys.argv[2] + ")")
print(*value if isinstance(value, list) else [value], sep="\n")
' "$dir/out" "$1"
}

# json_is VALUE EXPRESSION: checks the value of the expression.
json_is()
{
	local got

	got=$(json "$2") && [ "$got" = "$1" ] && return
	printf "# %s is '%s', not '%s'\n" "${2//[$'\n\t']/ }" "${got//$'\n'/ }" "${1//$'\n'/ }"
	show
	return 1
}

# id_of FILE: prints the result of NS_GET_ID
id_of()
{
	python3 -c '
import array, fcntl, sys
value = array.array("Q", [0])
fcntl.ioctl(open(sys.argv[1]), 0x8008b70d, value)
print(value[0])' "$1"
}

# start_python [ARGUMENT...]: like start, with a program in Python on stdin.
start_python()
{
	start python3 -c "$(cat)" "$@"
}

run_tests()
{
	local name command

	ktap_print_header
	if [ "$(id -u)" -ne 0 ]; then
		ktap_skip_all "this needs root"
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
	exec 5<> "$dir/ready" 6<> "$dir/stop"

	ktap_set_plan "$(tests | wc -l)"
	while read -r name command <&7; do
		if [[ " $takes_python " == *" $name "* ]] && ! type -P python3 > /dev/null; then
			ktap_test_skip "$name (there is no python3)"
			continue
		fi
		if [[ " $takes_i386 " == *" $name "* ]] && [ ! -e /proc/sys/abi/vsyscall32 ]; then
			ktap_test_skip "$name (this kernel has no CONFIG_IA32_EMULATION)"
			continue
		fi
		if [[ " $takes_module " == *" $name "* ]] && [ ! -e "/sys/module/$MODULE/initstate" ]; then
			ktap_test_skip "$name ($MODULE is built in)"
			continue
		fi
		# shellcheck disable=SC2086
		ktap_test_result "$name" ${command:-$name}
		clean_up
	done 7< <(tests)
	ktap_finished
}
