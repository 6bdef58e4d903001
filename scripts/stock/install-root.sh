# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# A root file system over the toolchain root, for dkms-check and deb-check, and a VM that boots it. The
# distribution's kernel is from scripts/stock/stock-kernel. To be sourced with the arguments of the script.
# The script then runs in its own namespaces.

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

# --boot RELEASE COMMAND: `boot` below runs this in the root.
if [ "${1-}" = --boot ]; then
	PATH=$TOP/scripts/vm/virtme:$PATH
	cd /
	# As in scripts/vm/vm.
	{
		timeout --kill-after=10 600 vng --verbose --disable-kvm --force-9p --user root --rw \
			--root / --memory 2G --run "/usr/lib/modules/$2/vmlinuz" \
			--append "panic=-1 oops=panic $EMULATED_X86" -- "exec 2>&1
			$3" < /dev/null 2>&1 >&3 3>&- | cat > "$WORK/install-console.log"
	} 3>&1 | cat
	exit
fi

root=$WORK/install/root
stock=$CACHE/stock-amd64
# shellcheck disable=SC2034 # for those that source this
nstop=$MNT_WORK/nstop/nstop
release=$(ls "$stock/root/usr/lib/modules")

# Runs a command in the root as its administrator, without booting the kernel.
inside() {
	NETWORK=1 BASE=$CACHE ROOT=$root "$TOP/scripts/enter" env RELEASE="$release" \
		DEBIAN_FRONTEND=noninteractive "$@"
}

# boot TITLE COMMAND: runs the command in the VM. The console log stays in $WORK.
boot() {
	local status=0

	say "$1"
	ROOT=$root "$TOP/scripts/enter" "$0" --boot "$release" "$2" || status=$?
	[ $status -ne 0 ] || return 0
	say "The last lines of the console, $WORK/install-console.log:"
	tail -n 40 "$WORK/install-console.log" >&2
	die "FAILED, status $status: $1"
}

# Prints the files of an installation. -xdev skips mounts.
list_traces() {
	inside sh -c 'find / -xdev \( -name "*bpf[-_]ns[-_]ident*" -o -name "nstop*" \) \
		! -path "/mnt/*" ! -path "/usr/src/build*" ! -path "/root/*"'
}

# packages PACKAGE...: installs these packages, and the kernel.
packages() {
	# shellcheck disable=SC2016 # the shell in there expands it
	inside sh -c 'apt-get update && apt-get install --yes --no-install-recommends \
		--target-release "*-backports" busybox-static "linux-headers-$RELEASE" \
		"linux-binary-$RELEASE" "linux-modules-$RELEASE" linux-source-7.3 "$@" &&
		depmod "$RELEASE"' - "$@" > "$WORK/install/apt.log" 2>&1 ||
		{ tail -n 20 "$WORK/install/apt.log" >&2
		  die "Installing the packages failed, see above."; }
}

# scripts/stock/stock-kernel has prepared the parts for Rust that the headers lack. With FULL=1, dkms prepares
# them again, which takes some minutes.
prepare() {
	[ -z "${FULL-}" ] || return 0
	# shellcheck disable=SC2016 # the shell in there expands it
	inside sh -c 'dir=/var/lib/bpf-ns-ident/$RELEASE && mkdir -p "$dir" &&
		ln -s "$0/linux-7.3/tree" "$dir/source" && ln -s "$1/kernel" "$dir/build" &&
		touch "$dir/.complete"' "$CACHE" "$stock"
}

if [ "${1-}" != --inside ]; then
	rm -rf "$WORK/install"
	mkdir -p "$WORK"/install/{root,upper,work}
	setpriv --pdeathsig KILL unshare --mount --pid --fork --kill-child --mount-proc \
		"$0" --inside
	rm -rf "$WORK/install"
	exit
fi

mount -t overlay -o "lowerdir=$(root_dir),upperdir=$WORK/install/upper,workdir=$WORK/install/work" \
	overlay "$root"
