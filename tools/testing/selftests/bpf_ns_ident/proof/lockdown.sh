#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Under lockdown=confidentiality, the kernel rejects programs that read its memory,
# and accepts the kfuncs. Only a reboot ends the lockdown, so this test only runs
# with LOCKDOWN=1.

DIR=$(dirname "$(readlink -f "$0")")
# shellcheck source=/dev/null
. "$DIR/../../kselftest/ktap_helpers.sh"

LOCKDOWN_FILE=/sys/kernel/security/lockdown
# bpffs rejects names with a dot.
PINS=/sys/fs/bpf/ns_ident_lockdown

# load NAME: loads and attaches progs/NAME.bpf.c.
load()
{
	"$DIR/bpftool" prog loadall "$DIR/$1.bpf.o" "$PINS" autoattach 2>&1
}

unload()
{
	rm -rf "$PINS"
}

# Compares the keys of the map with the pair of a new pid namespace.
kfunc_reports_the_pair()
{
	local ino maps

	load which_pidns || return
	ino=$(unshare --pid --fork --mount-proc stat -L -c %i /proc/self/ns/pid)
	maps=$("$DIR/bpftool" -j map dump name execs)
	unload
	[ -n "$ino" ] && grep -q "\"ino\":$ino," <<< "$maps"
}

core_read_is_rejected()
{
	local out

	if out=$(load core_read); then
		unload
		return 1
	fi
	grep -q 'cannot use helper bpf_probe_read' <<< "$out" && return
	ktap_print_msg "$out"
	return 1
}

core_read_is_accepted()
{
	load core_read && unload
}

lock_down()
{
	echo confidentiality > $LOCKDOWN_FILE
}

ktap_print_header
mountpoint -q /sys/kernel/security ||
	mount -t securityfs none /sys/kernel/security 2> /dev/null
if [ -z "$LOCKDOWN" ]; then
	ktap_skip_all "LOCKDOWN=1 is not set: only a reboot ends the lockdown"
	exit "$KSFT_SKIP"
fi
if [ ! -w $LOCKDOWN_FILE ]; then
	ktap_skip_all "this kernel has no CONFIG_SECURITY_LOCKDOWN_LSM"
	exit "$KSFT_SKIP"
fi
mountpoint -q /sys/fs/bpf || mount -t bpf none /sys/fs/bpf
modprobe bpf_ns_ident
ktap_set_plan 5
# Without the lockdown, the kernel accepts both.
for test in core_read_is_accepted kfunc_reports_the_pair lock_down core_read_is_rejected \
	    kfunc_reports_the_pair; do
	if $test; then
		ktap_test_pass "$test"
	else
		ktap_test_fail "$test"
	fi
done
ktap_finished
