#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Runs tests in a VM, all in one boot: test.sh NAME DIR PART...
#
# Writes the output of each part (*.ktap, *.log) and the kernel log (dmesg-NAME) to DIR. TIMEOUT
# overrides the seconds that a test program may take. FULL=1 adds slow tests. TESTS selects
# selftests.

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
	kselftest "portable-$name" bpf_ns_ident:portable bpf_ns_ident:userspace
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

	tests=${TESTS:+$(printf ' bpf_ns_ident:%s' $TESTS)}
	# shellcheck disable=SC2086 # several
	kselftest selftest ${tests:-$("$selftests" --list | grep -v :nstop)}
}

run_nstop() {
	# shellcheck disable=SC2046 # several
	kselftest nstop $("$selftests" --list | grep :nstop)
}

# The long forms of tests that have one.
run_torture() {
	# shellcheck disable=SC2046,SC2086 # several
	TORTURE=1 TIMEOUT=7200 kselftest torture $(printf 'bpf_ns_ident:%s ' \
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
