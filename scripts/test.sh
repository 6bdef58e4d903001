#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests that run in a VM, as they run there, all in one boot: test.sh NAME DIR PART...
#
# Leaves in DIR what each part printed (*.ktap, *.log), and the kernel log (dmesg-NAME). TIMEOUT is
# how many seconds a test program may take, if it is not what its settings say. FULL=1 is for what
# takes long. TESTS are the selftests to run, all by default.

set -u

name=$1 out=$2
shift 2
kunit_filter=/sys/module/kunit/parameters/filter_glob
selftests=$GUEST_WORK/selftests/run_kselftest.sh

run_kunit() {
	# Built-in suites have run at boot, and the module's when it was loaded: each time that is
	# a report of its own.
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
	# Tests load the module many times. Once is enough for its KUnit tests.
	[ ! -w $kunit_filter ] || echo none > $kunit_filter
	# virtme-ng has another one, where only one can write at a time.
	ln -sf /proc/self/fd/1 /dev/stdout
	# kselftest puts "# " before each line of a test, where KTAP has spaces.
	"$selftests" ${TIMEOUT:+--override-timeout "$TIMEOUT"} "${tests[@]}" 2>&1 |
		sed 's/^# /  /' > "$out/$file.ktap"
}

# The tests of nstop are a part of their own.
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
	TORTURE=1 TIMEOUT=7200 kselftest torture bpf_ns_ident:{who_may,damaged_btf,load_faults,stress}
}

run_demo() {
	local status=0

	NSTOP=$GUEST_WORK/nstop/nstop "$GUEST_TOP/scripts/demo.sh" > "$out/demo.log" 2>&1 ||
		status=$?
	printf 'KTAP version 1\n1..1\n%s 1 demo\n' \
		"$([ $status -eq 0 ] && echo ok || echo not ok)" > "$out/demo.ktap"
}

# With the programs that people run.
run_field() {
	[ ! -w $kunit_filter ] || echo none > $kunit_filter
	PYTHONDONTWRITEBYTECODE=1 python3 "$GUEST_TOP/scripts/field" ${FULL:+--full} \
		"$out/field.ktap" > "$out/field.log" 2>&1
}

for part in "$@"; do
	echo "$part"
	"run_$part"
done
# Says in the log how many leaks there are. The first scan may come too soon for what is young.
if [ -w /sys/kernel/debug/kmemleak ]; then
	for _ in 1 2 3; do
		echo scan > /sys/kernel/debug/kmemleak
		sleep 6
	done
	cat /sys/kernel/debug/kmemleak > "$out/kmemleak-$name"
fi
dmesg > "$out/dmesg-$name"
