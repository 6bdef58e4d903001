#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop --net: traffic by net namespace, compared with the output of iproute2.

# shellcheck source=nstop_util.sh
. "$(dirname "$(readlink -f "$0")")/nstop_util.sh"

# shellcheck disable=SC2034
takes_python="counts_as_ip_does counts_loopback this_namespace_is_there"
takes_python+=" comes_and_goes moved_device_is_no_mismatch"
takes_python+=" destroyed_after_a_move moved_before_it_looks number_is_used_again"
takes_python+=" no_names_is_no_error no_name_is_needed no_name_is_needed_without_listns"
takes_python+=" directories_are_searched directories_are_searched_without_listns"
takes_python+=" device_that_fails_is_skipped"

PACKETS=7
BYTES=1000

# Unique names, as other namespaces may have short ones.
A=nstop-$$-a
B=nstop-$$-b
nstop=

undo()
{
	if [ -n "$over" ]; then
		umount --recursive "$over"
		over=
	fi
	if [ -n "$nstop" ]; then
		kill -KILL "$nstop"
		wait "$nstop"
		nstop=
	fi
	ip netns del $A
	ip netns del $B
	rm -f /run/docker/netns/$A
} 2> /dev/null

# Creates two named namespaces, and a cable between them. Only the test sends.
make_pair()
{
	local ns

	for ns in $A $B; do
		ip netns add $ns || return
		ip netns exec $ns sh -c '
			for all in /proc/sys/net/ipv6/conf/*/disable_ipv6; do
				[ ! -e "$all" ] || echo 1 > "$all"
			done'
		ip -n $ns link set lo up || return
	done
	ip -n $A link add cable type veth peer name cable netns $B || return
	# Delays the probe of the neighbour, which would be additional traffic.
	for ns in $A $B; do
		ip netns exec $ns sh -c 'echo 3600 > \
			/proc/sys/net/ipv4/neigh/cable/delay_first_probe_time'
	done
	ip -n $A address add 10.255.0.1/24 dev cable || return
	ip -n $B address add 10.255.0.2/24 dev cable || return
	ip -n $A link set cable up && ip -n $B link set cable up || return
	# Before that state, the kernel drops packets.
	for ns in $A $B; do
		wait_for sh -c "ip -n $ns link show cable | grep -q 'state UP'" || return
	done
}

# send ADDRESS [COMMAND...]: sends datagrams to an unused port, optionally from
# the namespace that the command enters.
send()
{
	"${@:2}" python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range($PACKETS):
    s.sendto(bytes($BYTES), ('$1', 9))
"
}

# link NETNS: prints the counters of ip -s link: RX packets, bytes, TX packets, bytes.
link()
{
	ip -n "$1" -s -j link show | python3 -c '
import json, sys
stats = [device["stats64"] for device in json.load(sys.stdin)]
print(*(sum(s[way][unit] for s in stats)
        for way in ("rx", "tx") for unit in ("packets", "bytes")))
'
}

# Starts nstop, and returns when it counts.
start_nstop()
{
	: > "$dir/tables"
	: > "$dir/out"
	seen=0
	"$NSTOP" --net --all --json --interval 0.3 > "$dir/tables" 2> "$dir/err" \
		5>&- 6>&- &
	nstop=$!
	next_table
}

# next_table [EXPRESSION]: reads up to a table for which it is true, for up to SECS. A table is a line.
next_table()
{
	local expression=${1-True} end=$((SECONDS + SECS)) lines

	while [ $SECONDS -lt $end ]; do
		lines=$(wc -l < "$dir/tables")
		while [ "$seen" -lt "$lines" ]; do
			seen=$((seen + 1))
			sed -n "$seen p" "$dir/tables" >> "$dir/out"
			[ "$expression" = True ] && return
			[ "$(json "any($expression for table in tables[-1:])")" = True ] && return
		done
		sleep 0.1
	done
	ktap_print_msg "no table with $expression"
	show
	return 1
}

# Reads up to a table with an interval that begins after this call.
fresh_table()
{
	local lines

	lines=$(wc -l < "$dir/tables")
	while [ "$seen" -lt "$lines" ]; do
		next_table || return
	done
	next_table && next_table
}

# has NAME CONDITION: prints an expression: has the table a row with that name and condition?
has()
{
	echo "any(row['name'] == '$1' and $2 for row in table['rows'])"
}

# Ends nstop, after a last table.
end_nstop()
{
	local status

	fresh_table || return
	kill -TERM "$nstop"
	wait "$nstop"
	status=$?
	nstop=
	[ $status -eq "$1" ] && return
	ktap_print_msg "status $status, not $1"
	show
	return 1
}

# sum NAME: prints the sums of all tables like link does, from BPF and then from the devices.
sum()
{
	json "[' '.join(str(sum(row[way + unit + source] for row in rows(name='$1')))
		for way in ('rx_', 'tx_') for unit in ('packets', 'bytes'))
	       for source in ('', '_link')]"
}

# counts NAME NUMBERS: checks that both sources have these sums.
counts()
{
	[ "$(sum "$1")" = "$2"$'\n'"$2" ] && return
	ktap_print_msg "$1: want $2, got $(sum "$1" | tr '\n' ' ')"
	show
	return 1
}

# is_there NAME FILE: checks that there is a row with the identity of the file and a match.
is_there()
{
	local dev ino

	read -r dev ino < <(stat -L -c '%d %i' "$2")
	json_is True "bool(rows(dev=$dev, ino=$ino, id=$(id_of "$2"), verdict='match', name='$1'))"
}

# delta BEFORE... AFTER...: prints the differences of four numbers each
delta()
{
	echo $(($5 - $1)) $(($6 - $2)) $(($7 - $3)) $(($8 - $4))
}

counts_as_ip_does()
{
	local before_a before_b a b packets bytes

	make_pair && start_nstop || return
	before_a=$(link $A)
	before_b=$(link $B)
	send 10.255.0.2 ip netns exec $A && end_nstop 0 || return
	# shellcheck disable=SC2046,SC2086
	{
		a=$(delta $before_a $(link $A))
		b=$(delta $before_b $(link $B))
	}
	counts $A "$a" && counts $B "$b" || return
	is_there $A /run/netns/$A && is_there $B /run/netns/$B || return
	# The counters have the traffic, with 42 bytes of headers.
	read -r _ _ packets bytes <<< "$a"
	[ "$packets" -ge $PACKETS ] &&
		[ "$bytes" -ge $((PACKETS * (BYTES + 42))) ] || return
	# The totals and the rates fit the counters.
	json_is True "rows(name='$A')[-1]['tx_total'] ==
		sum(row['tx_bytes'] for row in rows(name='$A'))" &&
		json_is True "all(abs(row['tx_rate'] * table['seconds'] - row['tx_bytes']) <= row['tx_rate'] / 1000 + 1
			for table in tables for row in table['rows'])" &&
		json_is True "all(row['bytes'] == row['rx_bytes'] + row['tx_bytes'] for row in rows())" &&
		json_is 2 "rows(name='$A')[-1]['devices']" || return
	does_not_say out MISMATCH
}

# Traffic of a namespace to itself only counts there.
counts_loopback()
{
	make_pair && start_nstop && send 127.0.0.1 ip netns exec $A &&
		end_nstop 0 || return
	is_there $A /run/netns/$A && counts $B "0 0 0 0"
}

this_namespace_is_there()
{
	start_nstop && ip link set lo up && send 127.0.0.1 && end_nstop 0 ||
		return
	is_there "(this one)" /proc/self/ns/net
}

comes_and_goes()
{
	start_nstop && json_is '[]' "rows(name='$A') or '[]'" || return
	make_pair && next_table "$(has $A True) and $(has $B True)" || return
	send 10.255.0.2 ip netns exec $A || return
	next_table "$(has $B "row['verdict'] == 'match' and row['rx_packets']")" || return
	ip netns del $A && fresh_table || return
	: > "$dir/out"
	next_table && json_is '[]' "rows(name='$A') or '[]'" || return
	# The removal of the namespace also removes both ends of the cable,
	# unless nstop keeps the namespace.
	run 1 ip -n $B link show cable && end_nstop 0
}

# While nstop waits, a device moves to the namespace of $pid, with the links that count its packets.
move_and_send()
{
	ip -n $A link set cable netns "$pid" || return
	nsenter --target "$pid" --net sh -c '
		ip address add 10.255.0.1/24 dev cable && ip link set cable up' ||
		return
	send 10.255.0.1 ip netns exec $B
}

moved_device_is_no_mismatch()
{
	local pid

	make_pair && start_container unshare --net && start_nstop || return
	kill -STOP "$nstop"
	move_and_send || return
	kill -CONT "$nstop"
	next_table "any(row['ino'] == $(stat -L -c %i "/proc/$pid/ns/net") and row['rx_packets']
		and row['verdict'] == 'match' for row in table['rows'])" && end_nstop 0 &&
		does_not_say out MISMATCH
}

# Kills the process in the namespace of $pid, which ends the namespace and the device.
destroy()
{
	kill -KILL "$pid"
	wait "$pid" 2> /dev/null
	unset 'containers[-1]'
	wait_for sh -c "! ip -n $B link show cable 2> /dev/null"
}

# is_moved INO: waits for a row without a file, which is not a mismatch.
is_moved()
{
	next_table "any(row['ino'] == $1 and row['rx_packets'] and row['verdict'] == 'moved'
		for row in table['rows'])" &&
		json_is "0 1" "'{mismatch} {moved}'.format(**tables[-1]['summary'])" &&
		end_nstop 0 && does_not_say out MISMATCH
}

# The device moves to a new namespace. Both are gone when nstop looks for them.
destroyed_after_a_move()
{
	local ino pid

	make_pair && start_nstop || return
	kill -STOP "$nstop"
	start_container unshare --net || return
	ino=$(stat -L -c %i "/proc/$pid/ns/net")
	move_and_send && destroy || return
	kill -CONT "$nstop"
	is_moved "$ino"
}

# Stops nstop after it has opened the directory of names, until this process is killed.
stop_as_it_looks()
{
	start python3 -c '
import ctypes, os, select, sys

PTRACE_SYSCALL, PTRACE_SEIZE, PTRACE_INTERRUPT = 24, 0x4206, 0x4207
WALL = 0x40000000
pid = int(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)

def ptrace(request):
    if libc.ptrace(ctypes.c_long(request), pid, None, None) < 0:
        raise OSError(ctypes.get_errno(), f"ptrace {request:#x}")

def looks():
    fds = f"/proc/{pid}/fd/"
    return "/run/netns" in [os.readlink(fds + fd) for fd in os.listdir(fds)]

ptrace(PTRACE_SEIZE)
ptrace(PTRACE_INTERRUPT)
os.waitpid(pid, WALL)
looked = True
while looked or not looks():
    looked = looks()
    ptrace(PTRACE_SYSCALL)
    os.waitpid(pid, WALL)
os.write(4, b"%d\n" % os.getpid())
select.select([3], [], [])
' "$1"
}

# The same, after nstop has read the counters, and before it looks for devices.
moved_before_it_looks()
{
	local ino pid tracer

	make_pair && start_nstop && stop_as_it_looks "$nstop" || return
	tracer=$pid
	start_container unshare --net || return
	ino=$(stat -L -c %i "/proc/$pid/ns/net")
	move_and_send && destroy || return
	kill -KILL "$tracer"
	wait "$tracer" 2> /dev/null
	containers=()
	is_moved "$ino"
}

# Another device gets the number of a device that has moved.
number_is_used_again()
{
	local pid index

	make_pair && start_container unshare --net && start_nstop || return
	send 10.255.0.2 ip netns exec $A && fresh_table || return
	index=$(ip netns exec $A cat /sys/class/net/cable/ifindex) &&
		kill -STOP "$nstop" || return
	ip -n $A link set cable netns "$pid" &&
		ip -n $A link add again index "$index" type veth \
			peer name other || return
	: > "$dir/out"
	kill -CONT "$nstop"
	fresh_table || return
	ip -n $A address add 10.254.0.1/24 dev again &&
		ip -n $A neighbour add 10.254.0.2 lladdr 02:00:00:00:00:01 \
			dev again && ip -n $A link set other up &&
		ip -n $A link set again up || return
	fresh_table && send 10.254.0.2 ip netns exec $A && end_nstop 0 ||
		return
	# The counters of the moved device do not count for the other one. The
	# two sources are read at different times, so the traffic may be in
	# different tables.
	json_is "True True" "'%s %s' % tuple(any(row['rx_packets' + source] for row in
		rows(name='$A', verdict='match')) for source in ('', '_link'))" || return
	json_is True "all(row[way + unit + source] < 1000000 for row in rows(name='$A')
		for way in ('rx_', 'tx_') for unit in ('packets', 'bytes') for source in ('', '_link'))"
}

no_names_is_no_error()
{
	if [ -d /run/netns ]; then
		mount -t tmpfs none /run/netns || return
		over=/run/netns
	fi
	run 0 "$NSTOP" --net --all --json --once --interval 0.1 || return
	json_is "['(this one)']" \
		"str([row['name'] for row in rows(ino=$(stat -L -c %i /proc/self/ns/net))])"
}

not_from_a_container()
{
	run 2 unshare --net "$NSTOP" --net --once || return
	says err 'is not in the initial net namespace$' || return
	[ ! -s "$dir/out" ]
}

not_with_the_others()
{
	refuses "--net counts on devices: " --net --ns net || return
	refuses "--net counts on devices: " --net --pids-as-seen-by 1 || return
	refuses "--net counts on devices: " --net --tree
}

# hide_listns COMMAND...: runs a command without listns(2), like on a kernel before Linux 6.19.
hide_listns()
{
	python3 -c '
import ctypes, os, struct, sys

LISTNS, ENOSYS = 470, 38
PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
ALLOW, ERRNO = 0x7fff0000, 0x50000

# The number is the first member of struct seccomp_data.
code = b"".join(struct.pack("HBBI", *insn) for insn in (
    (0x20, 0, 0, 0), (0x15, 0, 1, LISTNS), (0x06, 0, 0, ERRNO | ENOSYS), (0x06, 0, 0, ALLOW)))
buf = ctypes.create_string_buffer(code)
prog = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code) // 8, ctypes.addressof(buf)))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, prog, 0, 0):
    raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")
os.execvp(sys.argv[1], sys.argv[1:])
' "$@"
}

# no_name_is_needed [COMMAND...]: finds a namespace without a name, and its first process.
no_name_is_needed()
{
	local dev ino pid

	start_container unshare --net || return
	read -r dev ino < <(stat -L -c '%d %i' "/proc/$pid/ns/net")
	nsenter --target "$pid" --net ip link set lo up || return
	run 0 "$@" "$NSTOP" --net --all --json --once --interval 0.1 || return
	json_is "[(None, $pid, 'bash', 1)]" "str([(row['name'], row['pid'], row['command'], row['devices'])
		for row in rows(dev=$dev, ino=$ino, id=$(id_of "/proc/$pid/ns/net"))])"
}

# directories_are_searched [COMMAND...]: finds a namespace without processes in a directory of a runtime.
directories_are_searched()
{
	local name=/run/docker/netns/$A

	mkdir -p "${name%/*}" && : > "$name" && unshare --net="$name" true || return
	over=$name
	run 0 "$@" "$NSTOP" --net --all --json --once --interval 0.1 || return
	is_listed "$name" "$name"
}

# is_listed NAME FILE
is_listed()
{
	json_is 1 "len(rows(dev=$(stat -L -c %d "$2"), ino=$(stat -L -c %i "$2"), id=$(id_of "$2"),
		name='$1'))"
}

# take_links NETNS DEVICE: attaches the maximum number of links to one side of the device.
take_links()
{
	start ip netns exec "$1" python3 -c '
import ctypes, errno, os, platform, select, socket, struct, sys

PROG_LOAD, LINK_CREATE = 5, 28
SCHED_CLS, TCX_INGRESS = 3, 46
SYS_BPF = {"x86_64": 321, "aarch64": 280, "s390x": 351}[platform.machine()]
libc = ctypes.CDLL(None, use_errno=True)

def bpf(command, attr):
    fd = libc.syscall(SYS_BPF, command, ctypes.create_string_buffer(attr, 128), 128)
    if fd < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command})")
    return fd

# r0 = TCX_NEXT; exit
insns = ctypes.create_string_buffer(struct.pack("=BBhiBBhi", 0xb7, 0, 0, -1, 0x95, 0, 0, 0))
license = ctypes.create_string_buffer(b"GPL")
index = socket.if_nametoindex(sys.argv[1])
while True:
    prog = bpf(PROG_LOAD, struct.pack("=IIQQ", SCHED_CLS, 2, ctypes.addressof(insns),
                                      ctypes.addressof(license)))
    try:
        bpf(LINK_CREATE, struct.pack("=IIII", prog, index, TCX_INGRESS, 0))
    except OSError as error:
        if error.errno == errno.ERANGE:
            break
        raise
os.write(4, b"%d\n" % os.getpid())
select.select([3], [], [])
' "$2"
}

# A device that accepts no further link is reported, and all others are counted.
device_that_fails_is_skipped()
{
	local pid

	make_pair && take_links $B cable && start_nstop || return
	send 10.255.0.2 ip netns exec $A && end_nstop 0 || return
	json_is 1 "rows(name='$B')[-1]['devices']" && json_is 2 "rows(name='$A')[-1]['devices']" &&
		json_is True "any(note['kind'] == 'skipped' and 'device cable of net namespace $B' in note['text']
			for note in tables[-1]['notes'])" &&
		is_there $A /run/netns/$A
}

tests()
{
	cat <<-'TESTS'
		counts_as_ip_does
		counts_loopback
		this_namespace_is_there
		comes_and_goes
		moved_device_is_no_mismatch
		destroyed_after_a_move
		moved_before_it_looks
		number_is_used_again
		no_names_is_no_error
		not_from_a_container
		not_with_the_others
		no_name_is_needed
		no_name_is_needed_without_listns no_name_is_needed hide_listns
		directories_are_searched
		directories_are_searched_without_listns directories_are_searched hide_listns
		device_that_fails_is_skipped
	TESTS
}

run_tests
