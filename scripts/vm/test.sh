#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs tests in a VM, all in one boot: test.sh NAME DIR PART...
#
# Writes the output of each part (*.ktap, *.log) and the kernel log (dmesg-NAME) to DIR. TIMEOUT
# overrides the seconds that a test program may take. TIMEOUT_FACTOR multiplies those of a single
# test. FULL=1 adds slow tests. TESTS selects selftests.

set -u

name=$1 out=$2
shift 2
kunit_filter=/sys/module/kunit/parameters/filter_glob
selftests=$GUEST_WORK/selftests/run_kselftest.sh

run_kunit() {
	# Built-in suites ran at boot, and those of the module when it was loaded. Each has its own
	# report.
	dmesg | sed 's/^\[ *[0-9.]*\] //' |
		awk -v out="$out/kunit-" '/^KTAP version/ { n++ } n { print > (out n ".ktap") }'
}

# kselftest FILE TEST...
kselftest() {
	local file=$1 test tests=()
	shift

	for test in "$@"; do
		tests+=(--test "$test")
	done
	# Tests load the module many times. Its KUnit tests ran once before.
	[ ! -w $kunit_filter ] || echo none > $kunit_filter
	# Only one process at a time can write to the /dev/stdout of virtme-ng.
	ln -sf /proc/self/fd/1 /dev/stdout
	# kselftest puts "# " before each line of a test, where KTAP has spaces. Unbuffered, so that the
	# file names the test that hangs or crashes.
	"$selftests" ${TIMEOUT:+--override-timeout "$TIMEOUT"} "${tests[@]}" 2>&1 |
		sed --unbuffered 's/^# /  /' > "$out/$file.ktap"
}

# These tests also run on kernels without the module, each in a VM of that name.
run_portable() {
	kselftest "portable-$name" bpf_ns_ident/proof:portable bpf_ns_ident/proof:userspace
}

# Loads a program with ns_ident.bpf.h by cilium/ebpf, also with ns_ident_how=1.
run_loaders() {
	local how said version dir=$GUEST_WORK/loaders

	version=$(cat "$dir/version")
	{
		printf 'KTAP version 1\n1..2\n'
		for how in 0 1; do
			if said=$("$dir/loader" "$dir/one.bpf.o" $how 2>&1); then
				[ $how -ne 0 ] || echo "# answer: a program loaded by $version: ${said%% *}"
				echo "ok $((how + 1)) $version, ns_ident_how $how"
			else
				sed 's/^/# /' <<< "$said"
				echo "not ok $((how + 1)) $version, ns_ident_how $how"
			fi
		done
	} > "$out/loaders-$name.ktap"
}

# Prints a KTAP line for $1, and how $1 got identities. The rest is a command that has printed that.
program_result() {
	local n=$1 program=$2 how

	shift 2
	if how=$("$@"); then
		echo "# answer: $program: $how"
		echo "ok $n $program$([ "$how" != none ] || echo ' # SKIP the kernel is too old')"
	else
		echo "not ok $n $program"
	fi
}

# nstop shows the container as a match.
nstop_shows() {
	grep -qE "^ *${1/ / +} .* match +$2 " "$out/nstop-$name.log" || return
	if grep -q '^the module bpf_ns_ident is not loaded' "$out/nstop-$name.log"; then
		echo walk
	else
		echo kfunc
	fi
}

# The agent has a line with the namespaces of all types that the process $1 is in.
agent_shows() {
	local type pattern

	if grep -q '^agent: this kernel is too old' "$out/agent-$name.log"; then
		echo none
		return
	fi
	for type in cgroup ipc mnt net pid time user uts; do
		pattern=$(stat -L -c "\"$type\":{\"dev\":%d,\"ino\":%i," "/proc/$1/ns/$type")
		grep '"event":"exec"' "$out/agent-$name.log" | grep -qF "$pattern" || return
	done
	sed -n 's/.*"event":"started".*"by":"\([a-z]*\)".*/\1/p' "$out/agent-$name.log"
}

# The agent finds or lists the pid namespace of the process $3.
agent_has() {
	local result='not ok'

	! grep -qE '"type":"pid".*"tids":\[([0-9]+,)*'"$3"'[],]' "$out/$2-$name.log" || result=ok
	echo "$result $1 agent --$2"
}

# Runs nstop and the agent beside a container with all types of namespaces.
run_programs() {
	local agent container pid pair

	"$GUEST_WORK/agent/agent" --events exec --no-snapshot > "$out/agent-$name.log" 2>&1 &
	agent=$!
	timeout 60 sh -c 'until [ -s "$0" ]; do sleep 0.1; done' "$out/agent-$name.log"
	unshare --cgroup --fork --ipc --kill-child --map-root-user --mount --net --pid --time --user --uts \
		sh -c 'while :; do sleep 0.1; done' &
	container=$!
	until pid=$(pgrep --parent $container); do sleep 0.1; done
	pair=$(stat -L -c '%d %i' "/proc/$pid/ns/pid")
	sleep 1
	"$GUEST_WORK/nstop/nstop" --once > "$out/nstop-$name.log" 2>&1
	# The agent has ended if the kernel is too old.
	kill -INT $agent 2> /dev/null
	wait $agent
	"$GUEST_WORK/agent/agent" --find "${pair/ /:}" > "$out/find-$name.log" 2>&1
	"$GUEST_WORK/agent/agent" --list > "$out/list-$name.log" 2>&1
	{
		printf 'KTAP version 1\n1..4\n'
		program_result 1 nstop nstop_shows "$pair" "$pid"
		program_result 2 "the agent" agent_shows "$pid"
		agent_has 3 find "$pid"
		agent_has 4 list "$pid"
	} > "$out/programs-$name.ktap"
	kill -KILL $container
}

# Runs the commands of README.md: the trace has the pair that stat(1) prints.
run_readme() {
	local dir pair result='not ok'

	dir=$(mktemp -d)
	ln -s "$GUEST_TOP/tools" "$dir/tools"
	ln -s "$(command -v clang-19 || command -v clang)" "$dir/clang"
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	sed -n '/^## In your own BPF program/,/^One line/s/^    //p' "$GUEST_TOP/README.md" |
		(cd "$dir" && PATH=$dir:$PATH bash -e) > "$out/readme-$name.log" 2>&1
	pair=$(grep -m 1 '^st_dev' "$out/readme-$name.log")
	[ -z "$pair" ] || ! grep -q "bpf_trace_printk: $pair id" "$out/readme-$name.log" || result=ok
	printf 'KTAP version 1\n1..1\n%s 1 readme\n' "$result" > "$out/readme-$name.ktap"
	rm -rf "$dir" /sys/fs/bpf/execve
}

# The tests of nstop are a separate part.
run_selftest() {
	local tests

	tests=$("$selftests" --list)
	if [ -n "${TESTS-}" ]; then
		tests=$(grep -E ":(${TESTS// /|})\$" <<< "$tests")
	else
		tests=$(grep -v :nstop <<< "$tests")
	fi
	# shellcheck disable=SC2086 # several
	kselftest selftest $tests
}

run_nstop() {
	# shellcheck disable=SC2046 # several
	kselftest nstop $("$selftests" --list | grep :nstop)
}

# Needs a VM of its own, which stays locked down.
run_lockdown() {
	LOCKDOWN=1 kselftest lockdown bpf_ns_ident/proof:lockdown.sh
}

# The long forms of tests that have one.
run_torture() {
	# shellcheck disable=SC2046,SC2086 # several
	TORTURE=1 TIMEOUT=7200 kselftest torture $(printf 'bpf_ns_ident/proof:%s ' \
		${TESTS:-who_may damaged_btf load_faults stress task_stress walk})
}

run_demo() {
	local status=0

	NSTOP=$GUEST_WORK/nstop/nstop "$GUEST_TOP/scripts/vm/demo.sh" > "$out/demo.log" 2>&1 ||
		status=$?
	printf 'KTAP version 1\n1..1\n%s 1 demo\n' \
		"$([ $status -eq 0 ] && echo ok || echo not ok)" > "$out/demo.ktap"
}

# Runs the tests with common software.
run_field() {
	[ ! -w $kunit_filter ] || echo none > $kunit_filter
	PYTHONDONTWRITEBYTECODE=1 python3 "$GUEST_TOP/scripts/proof/field" ${FULL:+--full} \
		"$out/field.ktap" > "$out/field.log" 2>&1
}

# Runs the loaders and tracers.
run_clients() {
	PYTHONDONTWRITEBYTECODE=1 python3 "$GUEST_TOP/scripts/proof/clients" \
		"$out/clients.ktap" > "$out/clients.log" 2>&1
}

for part in "$@"; do
	echo "$part"
	"run_$part"
done
# Logs the number of leaks. Several scans, since one scan ignores recent allocations.
if [ -w /sys/kernel/debug/kmemleak ]; then
	for _ in 1 2 3; do
		echo scan > /sys/kernel/debug/kmemleak
		sleep 6
	done
	cat /sys/kernel/debug/kmemleak > "$out/kmemleak-$name"
fi
dmesg > "$out/dmesg-$name"
