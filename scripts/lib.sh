# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# What the scripts here share: names of places, and words to the user. To be sourced.

set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/bpf-ns-ident

# All messages go to stderr: stdout belongs to what the user asked to run.
say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "$*"
	exit 1
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

# llvm TOOL: under the name that Debian gives it, else under its own.
llvm() {
	command -v "$1-19" || command -v "$1" || die "There is no $1: install LLVM."
}
