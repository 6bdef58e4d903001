#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The tests that run in the VM, as they run there, all in one boot: test.sh DIR PART...
#
# Leaves in DIR what each part printed (*.ktap, *.log), and the kernel log (dmesg). TIMEOUT is how
# many seconds a test program may take, if it is not what its settings say. FULL=1 is for what takes
# long.

set -u

out=$1
shift
kunit_filter=/sys/module/kunit/parameters/filter_glob

run_kunit() {
	# Built-in suites have run at boot, and the module's when it was loaded: each time that is
	# a report of its own.
	dmesg | sed 's/^\[ *[0-9.]*\] //' |
		awk -v out="$out/kunit-" '/^KTAP version/ { n++ } n { print > (out n ".ktap") }'
}

run_selftest() {
	# Tests load the module many times. Once is enough for its KUnit tests.
	[ ! -w $kunit_filter ] || echo none > $kunit_filter
	# virtme-ng has another one, where only one can write at a time.
	ln -sf /proc/self/fd/1 /dev/stdout
	# kselftest puts "# " before each line of a test, where KTAP has spaces.
	"$GUEST_WORK/selftests/run_kselftest.sh" ${TIMEOUT:+--override-timeout "$TIMEOUT"} 2>&1 |
		sed 's/^# /  /' > "$out/selftest.ktap"
}

# The long forms of tests that have one.
run_torture() {
	local name tests=()

	[ ! -w $kunit_filter ] || echo none > $kunit_filter
	ln -sf /proc/self/fd/1 /dev/stdout
	for name in who_may damaged_btf load_faults stress; do
		tests+=(--test "bpf_ns_ident:$name")
	done
	TORTURE=1 "$GUEST_WORK/selftests/run_kselftest.sh" --override-timeout 7200 "${tests[@]}" \
		2>&1 | sed 's/^# /  /' > "$out/torture.ktap"
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
	cat /sys/kernel/debug/kmemleak > "$out/kmemleak"
fi
dmesg > "$out/dmesg"
