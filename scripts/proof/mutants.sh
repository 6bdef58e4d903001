#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests modules one after another in the VM, in one boot: mutants.sh LIST
#
# Each line of $GUEST_WORK/LIST has a name and the tests to run: selftests, `kunit` for the tests at the
# load of the module, `boot` for the tests at the boot of the kernel, `log` for bug reports in the kernel
# log. Modules in modules/NAME replace those of the kernel.
#
# The first entry has no fault. If one of its tests fails, the other entries prove nothing.
#
# selftest-mutants parses the output: the output of the tests, and lines with their names and statuses.

. "$(dirname "$0")/../lib.sh"
set +e

filter=/sys/module/kunit/parameters/filter_glob
log=/tmp/mutants.log

# Only one process at a time can write to the /dev/stdout of virtme-ng.
ln -sf /proc/self/fd/1 /dev/stdout
dmesg > /tmp/boot.log
cd "$GUEST_WORK/selftests/bpf_ns_ident/proof" || exit

# Prints the results of single tests from the kernel log.
kunit_results() {
	sed -nE 's/^\[[^]]*\] {5}((not )?ok [0-9]+ )/\1/p'
}

# Programs release the module only after an RCU grace period, so retry.
unload() {
	local module try

	for module in bpf_ns_ident rust_kfunc rust_kfunc_ref; do
		for ((try = 0; try < 100; try++)); do
			[ -e "/sys/module/$module" ] || break
			rmmod "$module" 2> /dev/null || sleep 0.2
		done
		if [ -e "/sys/module/$module" ]; then
			echo "$module cannot be unloaded"
			return 1
		fi
	done
}

# Prints where the kernel, or a test, finds a module.
path_of() {
	local file=$GUEST_WORK/selftests/bpf_ns_ident/proof/$1.ko

	[ -e "$file" ] || file=$(realpath "$(modinfo -n "$1")")
	echo "$file"
}

# Loads the modules of a directory with their KUnit tests. Later loads by tests skip KUnit.
load() {
	local file

	for file in "$GUEST_WORK/modules/$1"/*.ko; do
		[ ! -e "$file" ] ||
			mount --bind "$file" "$(path_of "$(basename "$file" .ko)")" || return
	done
	unload || return
	dmesg --clear
	printf '*' > $filter
	if ! modprobe bpf_ns_ident; then
		dmesg | tail
		return 1
	fi
	echo none > $filter
	dmesg > /tmp/load.log
}

unmount() {
	local file path

	for file in "$GUEST_WORK/modules/$1"/*.ko; do
		[ -e "$file" ] || continue
		path=$(path_of "$(basename "$file" .ko)")
		while mountpoint --quiet "$path"; do
			umount "$path" || return
		done
	done
}

# Runs as the last test.
complaints() {
	echo 1..1
	if dmesg | grep -E -m 5 "$COMPLAINTS" | sed 's/^/# /' | grep .; then
		echo "not ok 1 no_complaint"
	else
		echo "ok 1 no_complaint"
	fi
}

run() {
	case $1 in
	boot)	kunit_results < /tmp/boot.log ;;
	kunit)	kunit_results < /tmp/load.log ;;
	log)	complaints ;;
	*)	[ -e "$1" ] || set -- "../$1"
		timeout --kill-after=5 200 "./$1" 2>&1 ;;
	esac
}

while read -r name tests <&3; do
	echo "== mutant $name"
	if load "$name" > $log 2>&1; then
		for test in $tests; do
			echo "== test $test"
			run "$test" | tee $log
			echo "== status ${PIPESTATUS[0]}"
			# Without a fault, a failed test makes all results useless.
			if [ "$name" = no-fault ] && grep --quiet '^not ok' $log; then
				echo "== end"
				exit
			fi
		done
	else
		echo "== problem $(tr '\n' ' ' < $log)"
	fi
	unmount "$name" || exit
	echo "== end"
done 3< "$GUEST_WORK/$1"
