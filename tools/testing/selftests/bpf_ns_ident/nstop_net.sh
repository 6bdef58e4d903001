#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop --net: traffic by net namespace, beside what iproute2 says of it.

# shellcheck source=nstop_util.sh
. "$(dirname "$(readlink -f "$0")")/nstop_util.sh"

# shellcheck disable=SC2034
takes_python="counts_as_ip_does counts_loopback this_namespace_is_there"
takes_python+=" comes_and_goes moved_device_is_no_mismatch"
takes_python+=" destroyed_after_a_move moved_before_it_looks number_is_used_again"

PACKETS=7
BYTES=1000

# The names are those of this run, since others may have the short ones.
A=nstop-$$-a
B=nstop-$$-b
nstop=

undo()
{
	if [ -n "$nstop" ]; then
		kill -KILL "$nstop"
		wait "$nstop"
		nstop=
	fi
	ip netns del $A
	ip netns del $B
} 2> /dev/null

# Two named namespaces, and a cable between them. Nothing but us sends.
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
	# Nobody asks a few seconds later whether the other end is still there.
	for ns in $A $B; do
		ip netns exec $ns sh -c 'echo 3600 > \
			/proc/sys/net/ipv4/neigh/cable/delay_first_probe_time'
	done
	ip -n $A address add 10.255.0.1/24 dev cable || return
	ip -n $B address add 10.255.0.2/24 dev cable || return
	ip -n $A link set cable up && ip -n $B link set cable up
}

# send ADDRESS [COMMAND...]: so many datagrams of that size, which nobody is
# there for, by that command.
send()
{
	"${@:2}" python3 -c "
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for _ in range($PACKETS):
    s.sendto(bytes($BYTES), ('$1', 9))
"
}

# link NETNS: what ip -s link has: RX packets, bytes, TX packets, bytes.
link()
{
	ip -n "$1" -s -j link show | python3 -c '
import json, sys
stats = [device["stats64"] for device in json.load(sys.stdin)]
print(*(sum(s[way][what] for s in stats)
        for way in ("rx", "tx") for what in ("packets", "bytes")))
'
}

# Starts nstop, that counts when this returns.
start_nstop()
{
	: > "$dir/tables"
	: > "$dir/out"
	seen=0
	"$NSTOP" --net --interval 0.3 > "$dir/tables" 2> "$dir/err" \
		5>&- 6>&- &
	nstop=$!
	next_table
}

# see LINE: what is in the tables up to there has been read.
see()
{
	sed -n "$((seen + 1)),\$ p; $1 q" "$dir/tables" >> "$dir/out"
	seen=$1
}

# next_table [PATTERN]: reads one table, up to SECS until one has such a line. Not
# by `read`, which takes a system call for each byte of a pipe: a slow kernel would
# never get to the end of what nstop prints.
next_table()
{
	local pattern=${1-} line end=$((SECONDS + SECS))

	while [ $SECONDS -lt $end ]; do
		# Its last line has a line feed, too.
		line=$(awk -v seen="$seen" -v lines="$(wc -l < "$dir/tables")" \
			   -v pattern="$pattern" '
			NR > lines { exit }
			NR > seen && $0 ~ pattern { found = 1 }
			NR > seen && /^[0-9]+ net namespaces?: / && found {
				print NR
				exit
			}' "$dir/tables")
		if [ -n "$line" ]; then
			see "$line"
			return
		fi
		sleep 0.1
	done
	ktap_print_msg "no table with a line like '$pattern'"
	cat "$dir/tables" > "$dir/out"
	show
	return 1
}

# Reads on to a table that was begun after this was called.
fresh_table()
{
	local lines

	lines=$(wc -l < "$dir/tables")
	[ "$lines" -eq "$seen" ] || see "$lines"
	next_table && next_table
}

# With all that was until now.
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

# netns_pair NAME: st_dev st_ino of the file, as a pattern
netns_pair()
{
	stat -L -c '%d +%i' "/run/netns/$1"
}

# sum NAME: of all tables, as link does, by BPF and then by the devices.
sum()
{
	awk -v name="$1" '
		/ RX / { here = index($0, " " name " ") }
		here { packets[$(NF - 4)] += $(NF - 3); bytes[$(NF - 4)] += $(NF - 1)
		       link_packets[$(NF - 4)] += $(NF - 2)
		       link_bytes[$(NF - 4)] += $NF }
		/ TX / { here = 0 }
		END { print packets["RX"], bytes["RX"], packets["TX"], bytes["TX"]
		      print link_packets["RX"], link_bytes["RX"], link_packets["TX"],
			    link_bytes["TX"] }' "$dir/out"
}

# counts NAME NUMBERS: the same from both sides.
counts()
{
	[ "$(sum "$1")" = "$2"$'\n'"$2" ] && return
	ktap_print_msg "$1: want $2, got $(sum "$1" | tr '\n' ' ')"
	show
	return 1
}

# delta BEFORE... AFTER...: of four numbers each
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
	says out "^ *$(netns_pair $A) +[0-9]+ match +$A +RX " || return
	says out "^ *$(netns_pair $B) +[0-9]+ match +$B +RX " || return
	# That is the traffic, with 42 bytes of headers.
	read -r _ _ packets bytes <<< "$a"
	[ "$packets" -ge $PACKETS ] &&
		[ "$bytes" -ge $((PACKETS * (BYTES + 42))) ] || return
	does_not_say out MISMATCH
}

# What a namespace sends to itself is in there, and nowhere else.
counts_loopback()
{
	make_pair && start_nstop && send 127.0.0.1 ip netns exec $A &&
		end_nstop 0 || return
	says out "^ *$(netns_pair $A) +[0-9]+ match +$A +RX +[1-9]" || return
	counts $B "0 0 0 0"
}

this_namespace_is_there()
{
	start_nstop && ip link set lo up && send 127.0.0.1 && end_nstop 0 ||
		return
	says out "^ *$(pair_of $$ net) +[0-9]+ match +\(this one\) +RX +[1-9]"
}

comes_and_goes()
{
	start_nstop && does_not_say out " $A " || return
	make_pair && next_table " $A " && next_table " $B " || return
	send 10.255.0.2 ip netns exec $A || return
	next_table " match +$B +RX +[1-9]" || return
	ip netns del $A && fresh_table || return
	: > "$dir/out"
	next_table && does_not_say out " $A " || return
	# With it goes its end of the cable, and the other one, unless nstop
	# keeps it.
	run 1 ip -n $B link show cable && end_nstop 0
}

# While nstop waits, a device goes to the namespace of $pid, where it does not
# look, and takes what counts its packets along.
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
	next_table ', 0 mismatch, 1 moved' && end_nstop 0 || return
	says out "^ *$(pair_of "$pid" net) +[0-9]+ moved +- +RX +[1-9]"
}

# As above, and then it is nowhere any more when nstop looks for it.
destroyed_after_a_move()
{
	local pid

	make_pair && start_container unshare --net && start_nstop || return
	kill -STOP "$nstop"
	move_and_send || return
	nsenter --target "$pid" --net ip link del cable || return
	kill -CONT "$nstop"
	next_table ', 0 mismatch, 1 moved' && end_nstop 0 || return
	says out "^ *$(pair_of "$pid" net) +[0-9]+ moved +- +RX +[1-9]"
}

# Stops nstop when it has opened the directory of names, and until this is killed.
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

# As above, after nstop has read what was counted, and before it looks.
moved_before_it_looks()
{
	local container pid tracer

	make_pair && start_container unshare --net && start_nstop || return
	container=$pid
	stop_as_it_looks "$nstop" || return
	tracer=$pid
	pid=$container
	move_and_send && nsenter --target "$pid" --net ip link del cable ||
		return
	kill -KILL "$tracer"
	wait "$tracer" 2> /dev/null
	unset 'containers[-1]'
	next_table ', 0 mismatch, 1 moved' && end_nstop 0 || return
	says out "^ *$(pair_of "$pid" net) +[0-9]+ moved +- +RX +[1-9]"
}

# Another device has its number, while it is somewhere else.
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
	# What has not counted more than this counts no more for that one. Each
	# side may be read before or after what was sent, so may be in a table
	# without the other one.
	says out " match +$A +RX +[1-9][0-9]{0,5} " || return
	says out " $A +RX +[0-9]+ +[1-9][0-9]{0,5} " || return
	does_not_say out '[0-9]{15}'
}

no_names_is_no_error()
{
	if [ -d /run/netns ]; then
		mount -t tmpfs none /run/netns || return
		over=/run/netns
	fi
	run 0 "$NSTOP" --net --once --interval 0.1 || return
	says out '^1 net namespace: '
}

not_from_a_container()
{
	run 2 unshare --net "$NSTOP" --net --once || return
	says err 'is not in the initial net namespace$' || return
	[ ! -s "$dir/out" ]
}

not_with_the_others()
{
	refuses "--net is about devices: " --net --ns net || return
	refuses "--net is about devices: " --net --pids-as-seen-by 1 || return
	refuses "--net is about devices: " --net --containers
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
	TESTS
}

run_tests
