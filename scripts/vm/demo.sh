#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The demonstration in the VM: starts containers with pid namespaces, and counts
# their system calls with nstop. As root: NSTOP=/path/to/nstop demo.sh
#
# The exit status is 0 only if nstop shows every started namespace as a match,
# and if a load from inside a container is refused.

set -u

MODULE=bpf_ns_ident
NSTOP=${NSTOP:-nstop}
DEPTH=10
UP_SECS=30	# for all workloads to come up, on a slow machine

dir=
pids=()
failures=0

step()
{
	printf '\n%s\n' "$*"
}

fail()
{
	printf 'FAILED: %s\n' "$*"
	failures=$((failures + 1))
}

die()
{
	fail "$@"
	exit 1
}

# Killing the first process of a pid namespace ends all processes in it.
cleanup()
{
	if [ ${#pids[@]} -gt 0 ]; then
		kill -KILL "${pids[@]}" 2>/dev/null
		wait "${pids[@]}" 2>/dev/null
	fi
	if [ -n "$dir" ]; then
		rm -rf "$dir"
	fi
}

# The workload makes a few system calls ten times a second, until it is killed or
# until the other end of $dir/stop is closed. Its name is the one for the table.
# It first starts the command in the remaining arguments.
write_workload()
{
	cat > "$dir/workload" <<-'WORKLOAD' || die "cannot write to $dir"
		#!/bin/bash
		dir=${0%/*}
		if [ $# -gt 0 ]; then "$@" & fi
		exec 3< "$dir/stop"
		echo "${0##*/}" > "$dir/ready"
		while :; do
			read -r -t 0.1 -u 3
			[ $? -gt 128 ] || exit
		done
	WORKLOAD
	chmod +x "$dir/workload"
}

# Sets $workload to the path that runs the workload under the name $1.
name_workload()
{
	workload=$dir/$1
	ln -s workload "$workload" || die "cannot write to $dir"
	names+=("$1")
}

start()
{
	# Close fd 9, so that the workloads see the end of $dir/stop.
	unshare --fork --kill-child --pid "$@" 9>&- &
	pids+=("$!")
}

start_workloads()
{
	local chain=() i

	name_workload alpha
	start "$workload"

	name_workload beta-inner
	chain=("$workload")
	name_workload beta
	start "$workload" unshare --fork --kill-child --pid "${chain[@]}"

	chain=()
	for ((i = DEPTH; i > 0; i--)); do
		name_workload "deep-$i"
		if [ ${#chain[@]} -gt 0 ]; then
			chain=(unshare --fork --kill-child --pid "${chain[@]}")
		fi
		chain=("$workload" "${chain[@]}")
	done
	start "${chain[@]}"

	name_workload container
	start --user --map-root-user --mount --mount-proc --net --ipc --uts \
	      --cgroup --time "$workload"
}

# Each workload writes its name when it starts.
await_workloads()
{
	local end=$((SECONDS + UP_SECS)) missing=" ${names[*]} " name pid

	while [ -n "${missing// /}" ]; do
		if read -r -t 1 name <&8; then
			missing=${missing/" $name "/ }
			continue
		fi
		for pid in "${pids[@]}"; do
			kill -0 "$pid" 2>/dev/null ||
				die "unshare failed, these did not start:$missing"
		done
		[ "$SECONDS" -lt "$end" ] ||
			die "these did not start within $UP_SECS s:$missing"
	done
}

# Prints the pid of the workload $1 in the current pid namespace.
pid_of()
{
	local comm name

	for comm in /proc/[0-9]*/comm; do
		{ read -r name < "$comm"; } 2>/dev/null || continue
		if [ "$name" = "$1" ]; then
			comm=${comm%/comm}
			echo "${comm#/proc/}"
			return
		fi
	done
	return 1
}

# Prints the columns of the row of workload $1: st_dev st_ino verdict.
row_of()
{
	awk -v name="$1" '
		$1 == "ST_DEV" { for (i = 1; i < NF; i++) if ($i == "STAT(2)") verdict = i }
		$NF == name { print $1, $2, $verdict }' "$dir/table"
}

check_table()
{
	local name dev ino verdict pid pair

	printf 'The same by hand:\n'
	for name in "${names[@]}"; do
		read -r dev ino verdict < <(row_of "$name")
		if [ -z "${verdict-}" ]; then
			fail "$name is not in the table"
			continue
		fi
		[ "$verdict" = match ] || fail "$name is '$verdict'"

		if ! pid=$(pid_of "$name") ||
		   ! pair=$(stat -L -c '%d %i' "/proc/$pid/ns/pid"); then
			fail "$name has exited"
			continue
		fi
		[ "$pair" = "$dev $ino" ] ||
			fail "$name is $pair, and not $dev $ino"
		case $name in
		alpha|beta|beta-inner|"deep-$DEPTH"|container)
			printf "  stat -L -c '%%d %%i' /proc/%s/ns/pid  %s  (%s)\n" \
			       "$pid" "$pair" "$name"
		esac
	done
}

last_refusal()
{
	dmesg | grep "$MODULE: prog .* refused" | tail -n 1
}

# Runs nstop in namespaces of the container, where the load must be refused with
# the message $1. The remaining arguments are options of nsenter.
must_be_refused()
{
	local words=$1 status
	shift

	nsenter --target "$container" "$@" "$NSTOP" --once --interval 0.1 \
		> "$dir/refusal" 2>&1
	status=$?
	sed 's/^/  /' "$dir/refusal"
	if [ "$status" -eq 0 ]; then
		fail "that load should have been refused"
	elif [ "$status" -ne 2 ] || ! grep -q "$words" "$dir/refusal"; then
		fail "the refusal has another message (status $status)"
	fi
}

trap cleanup EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

[ "$(id -u)" -eq 0 ] || die "not root: run as root"
NSTOP=$(command -v "$NSTOP") || die "nstop not found: set NSTOP to its path"
case $NSTOP in
/*)	;;
*)	NSTOP=$PWD/$NSTOP
esac

step "1. Load the module."
# Reload the module if it is loaded and not in use.
modprobe --remove --quiet "$MODULE"
echo "\$ modprobe $MODULE"
modprobe "$MODULE" || die "cannot load $MODULE: see the kernel log"
echo "The module has these kfuncs:"
sed -n "s/.* T \(bpf_[a-z_]*\)\t\[$MODULE\]\$/  \1/p" /proc/kallsyms | sort

step "2. Start workloads in pid namespaces of their own: two side by side (alpha, beta),
   one nested in one of them (beta-inner), one nested $DEPTH deep (deep-1 to deep-$DEPTH),
   and one in a container with all eight kinds of namespaces (container)."
dir=$(mktemp -d) || die "cannot create a temporary directory"
mkfifo "$dir/ready" "$dir/stop" || die "cannot write to $dir"
exec 8<> "$dir/ready" 9<> "$dir/stop"
names=()
write_workload
start_workloads
await_workloads

step "3. Count the system calls by pid namespace: nstop --once --tree"
COLUMNS=80 "$NSTOP" --once --tree --sort -id > "$dir/table"
status=$?
cat "$dir/table"
[ "$status" -eq 0 ] || fail "nstop's exit status is $status"
echo
check_table

step "4. Load the same program from inside the container: first as its own root, which bpf(2)
   itself rejects; then by root of the host in all of its namespaces but the user namespace,
   as in a privileged container, which the module must refuse."
if container=$(pid_of container); then
	must_be_refused "does not permit" --all
	echo
	before=$(last_refusal)
	must_be_refused "can only be loaded from the initial namespaces" \
		--mount --net --ipc --uts --cgroup --time --pid
	after=$(last_refusal)
	if [ "$before" = "$after" ]; then
		fail "the kernel log has no reason for the refused load"
	else
		printf '  %s\n' "$after"
	fi
else
	fail "the container has exited"
fi

read -r namespaces matches < <(awk '/ pid namespaces?: / { print $1, $4 }' "$dir/table")
# The initial namespace is in the table, too.
[ "${namespaces:-0}" -gt ${#names[@]} ] || fail "some namespaces are missing"

result="${namespaces:-0} pid namespaces, ${matches:-0} match"
if [ "$failures" -gt 0 ]; then
	step "$result; $failures FAILED."
	exit 1
fi
step "$result."
