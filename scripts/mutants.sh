#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests modules one after the other, in the VM, all in one boot: mutants.sh LIST
#
# Each line of the file LIST, which is in $GUEST_WORK, is a name and the tests to run: selftests,
# `kunit` for what the module finds out when it is loaded, `boot` for what the kernel did when it was
# booted, `log` for what it complains of. Where there are modules in modules/NAME they take the place
# of the kernel's own.
#
# The first one has no fault: if a test fails then, the others would not say anything.
#
# What the tests print is for selftest-mutants to read, who ran what and how it ended in between.

. "$(dirname "$0")/lib.sh"
set +e

filter=/sys/module/kunit/parameters/filter_glob
log=/tmp/mutants.log

# virtme-ng has another one, where only one can write at a time.
ln -sf /proc/self/fd/1 /dev/stdout
dmesg > /tmp/boot.log
cd "$GUEST_WORK/selftests/bpf_ns_ident" || exit

# The results of single tests, out of the kernel log.
kunit_results() {
	sed -nE 's/^\[[^]]*\] {5}((not )?ok [0-9]+ )/\1/p'
}

# What programs keep goes when RCU allows it.
unload() {
	local module try

	for module in bpf_ns_ident rust_kfunc; do
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

# Loads the modules of a directory, with their KUnit tests; those that tests load later run none.
load() {
	local file

	for file in "$GUEST_WORK/modules/$1"/*.ko; do
		[ ! -e "$file" ] ||
			mount --bind "$file" "$(modinfo -n "$(basename "$file" .ko)")" || return
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
		path=$(realpath "$(modinfo -n "$(basename "$file" .ko)")")
		while mountpoint --quiet "$path"; do
			umount "$path" || return
		done
	done
}

# As a test, after the others.
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
	*)	timeout --kill-after=5 200 "./$1" 2>&1 ;;
	esac
}

first=1
while read -r name tests <&3; do
	echo "== mutant $name"
	if load "$name" > $log 2>&1; then
		for test in $tests; do
			echo "== test $test"
			run "$test" | tee $log
			echo "== status ${PIPESTATUS[0]}"
			if [ -n "$first" ] && grep --quiet '^not ok' $log; then
				echo "== end"
				exit
			fi
		done
	else
		echo "== problem $(tr '\n' ' ' < $log)"
	fi
	unmount "$name" || exit
	echo "== end"
	first=
done 3< "$GUEST_WORK/$1"
