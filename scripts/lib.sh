# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Shared by the scripts here: paths, messages, environment. To be sourced.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/bpf-ns-ident

# Mount points of the clone, $WORK and the caller's directory in the toolchain root and in a VM.
# shellcheck disable=SC2034 # for those that source this
MNT_TOP=/mnt/clone MNT_WORK=/mnt/work MNT_CWD=/mnt/cwd

# Kernel messages that report a bug: see lib/bug.c, kernel/panic.c, kernel/rcu,
# kernel/locking/lockdep.c, kernel/hung_task.c, mm/slub.c, mm/kmemleak.c.
# shellcheck disable=SC2034 # for those that source this
COMPLAINTS='WARNING: |BUG: |BUG |Oops|Kernel panic|Call Trace:|INFO: (possible|inconsistent|task|rcu)'
COMPLAINTS+='|possible (recursive|circular)|general protection|UBSAN:|KASAN:|rcu: .*stall|[0-9] locks? held'
COMPLAINTS+='|kmemleak: [0-9]+ new suspected'

# Command line for the kernel of a VM on an emulated CPU. At boot, x86 kernels busy-wait for some timer
# ticks, and panic without them: "IO-APIC + timer doesn't work". On a busy host, the emulator may be
# descheduled for that long. On KVM, the kernel skips the check itself.
# shellcheck disable=SC2034 # for those that source this
EMULATED_X86=no_timer_check

# Messages go to stderr, since stdout is for the command of the user.
say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "$*"
	exit 1
}

# The names of the series, in order.
series_names() {
	sed 's/#.*//; s/[[:space:]].*//; /^$/d' "$TOP/series/order"
}

# The patches of all series, in order, as SERIES/PATCH.
series_patches() {
	local name

	for name in $(series_names); do
		sed "s/#.*//; s/[[:space:]].*//; /^\$/d; s,^,$name/," "$TOP/series/$name/order"
	done
}

# base_edits TREE: prints NAME for the edits series/NAME.diff, which an older tree needs before the
# series. The file may be missing.
base_edits() {
	echo "base/$(sed -nE 's/^(VERSION|PATCHLEVEL) = //p' "$1/Makefile" | paste -sd.)"
}

# lock FILE WHAT: waits for the lock, and holds it until this process ends.
lock() {
	local fd

	exec {fd}>> "$1"
	flock --nonblock "$fd" && return
	say "Another make $2. Waiting for it."
	flock "$fd"
}

# The path of the toolchain root depends on the package list and on the script that makes it.
root_dir() {
	echo "$CACHE/root-$(sha256sum "$TOP"/scripts/toolchain/toolchain{,.packages} |
		cut -d' ' -f1 | sha256sum | cut -c1-12)"
}

# layer_dir NAME: the same for a layer over it, see scripts/toolchain/layer.
layer_dir() {
	echo "$CACHE/layer-$1-$( (root_dir; sha256sum "$TOP"/scripts/toolchain/{layer,"$1.packages"} |
		cut -d' ' -f1) | sha256sum | cut -c1-12)"
}

# guest_dir ARCH: the same for a tree of another architecture, see scripts/toolchain/guest.
guest_dir() {
	echo "$CACHE/guest-$1-$(sha256sum "$TOP"/scripts/toolchain/guest{,.packages} |
		cut -d' ' -f1 | sha256sum | cut -c1-12)"
}

# llvm TOOL: prints the path, with Debian's name for version 19, or else without a version.
llvm() {
	command -v "$1-19" || command -v "$1" || die "Neither $1-19 nor $1 is in \$PATH: install LLVM."
}

# Sets the compiler for $ARCH. Without LLVM=, that is a separate package.
cross_env() {
	case ${ARCH-} in
	arm64)	export CROSS_COMPILE=aarch64-linux-gnu- ;;
	s390)	export CROSS_COMPILE=s390x-linux-gnu- ;;
	esac
}

# kbuild_env CONFIG: selects the compiler that a kernel configuration needs, such as clang for KASAN.
kbuild_env() {
	local clang

	cross_env
	grep -qx CONFIG_CC_IS_CLANG=y "$1" || return 0
	clang=$(llvm clang)
	LLVM=${clang##*/clang}
	export LLVM=${LLVM:-1}
}
