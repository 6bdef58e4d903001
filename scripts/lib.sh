# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts here share: names of places, and words to the user. To be sourced.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/bpf-ns-ident

# Where `enter` shows the clone, $WORK and the caller's directory in the root, which is that of a VM.
# shellcheck disable=SC2034 # for those that source this
MNT_TOP=/mnt/clone MNT_WORK=/mnt/work MNT_CWD=/mnt/cwd

# What the kernel says when something is wrong with it: see lib/bug.c, kernel/panic.c, kernel/rcu,
# kernel/locking/lockdep.c, kernel/hung_task.c, mm/slub.c, mm/kmemleak.c.
# shellcheck disable=SC2034 # for those that source this
COMPLAINTS='WARNING: |BUG: |BUG |Oops|Kernel panic|Call Trace:|INFO: (possible|inconsistent|task|rcu)'
COMPLAINTS+='|possible (recursive|circular)|general protection|UBSAN:|KASAN:|rcu: .*stall|[0-9] locks? held'
COMPLAINTS+='|kmemleak: [0-9]+ new suspected'

# For the kernel of a VM on an emulated CPU. At boot, x86 kernels busy-wait for some ticks of the timer,
# and panic if there are none: "IO-APIC + timer doesn't work". On a host that is busy, an emulator may not
# run for as long. On KVM, the kernel skips that by itself.
# shellcheck disable=SC2034 # for those that source this
EMULATED_X86=no_timer_check

# All messages go to stderr: stdout belongs to what the user asked to run.
say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "$*"
	exit 1
}

# base_edits TREE: what goes into a tree that is older than the one that the series is for. That is
# series/NAME.diff, which there need not be.
base_edits() {
	echo "base/$(sed -nE 's/^(VERSION|PATCHLEVEL) = //p' "$1/Makefile" | paste -sd.)"
}

# lock FILE WHAT: waits until nobody else holds it; it is held until this process ends.
lock() {
	local fd

	exec {fd}>> "$1"
	flock --nonblock "$fd" && return
	say "Another make $2. Waiting for it to finish."
	flock "$fd"
}

# The toolchain root depends on what it is made of and on how.
root_dir() {
	echo "$CACHE/root-$(sha256sum "$TOP/scripts/toolchain" "$TOP/scripts/toolchain.packages" |
		cut -d' ' -f1 | sha256sum | cut -c1-12)"
}

# layer_dir NAME: so does what lies over it, see scripts/layer.
layer_dir() {
	echo "$CACHE/layer-$1-$( (root_dir; sha256sum "$TOP/scripts/layer" "$TOP/scripts/$1.packages" |
		cut -d' ' -f1) | sha256sum | cut -c1-12)"
}

# guest_dir ARCH: the same for a tree of another architecture, see scripts/guest.
guest_dir() {
	echo "$CACHE/guest-$1-$(sha256sum "$TOP"/scripts/guest{,.packages} |
		cut -d' ' -f1 | sha256sum | cut -c1-12)"
}

# llvm TOOL: under the name that Debian gives it, else under its own.
llvm() {
	command -v "$1-19" || command -v "$1" || die "There is no $1: install LLVM."
}

# Has make build for $ARCH, if there is one. Without LLVM=, that takes a compiler that is a package.
cross_env() {
	case ${ARCH-} in
	arm64)	export CROSS_COMPILE=aarch64-linux-gnu- ;;
	s390)	export CROSS_COMPILE=s390x-linux-gnu- ;;
	esac
}

# kbuild_env CONFIG: has kbuild take the compiler that a kernel configuration asks for, as KASAN does.
kbuild_env() {
	local clang

	cross_env
	grep -qx CONFIG_CC_IS_CLANG=y "$1" || return 0
	clang=$(llvm clang)
	LLVM=${clang##*/clang}
	export LLVM=${LLVM:-1}
}
