#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# nstop on a terminal: the live view, its keys, and the terminal after it.

# shellcheck source=nstop_util.sh
. "$(dirname "$(readlink -f "$0")")/nstop_util.sh"

# shellcheck disable=SC2034
takes_python=$(sed -n 's/^		\([a-z_0-9]*\)\( .*\)\?$/\1/p' "$0" | tr '\n' ' ')

# live SCRIPT [ARGUMENT...]: runs nstop on a terminal with 24 lines of 80 columns, and a script in
# Python. type() hits keys. wait() waits until all its patterns are on the screen. lines() returns the
# screen. end() waits for the end of nstop, and returns its status.
live()
{
	local script=$1 status
	shift

	TERM=${term:-linux} python3 - "$script" "$NSTOP" "$@" 3<&- 4>&- 5>&- 6>&- > "$dir/out" 2> "$dir/err" <<-'PYTHON'
		import fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time

		SECS = 60
		master, slave = pty.openpty()

		def resize(rows, columns):
		    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

		resize(24, 80)
		before = termios.tcgetattr(slave)
		# This terminal type has few control sequences, which move() interprets.
		nstop = subprocess.Popen(sys.argv[2:], stdin=slave, stdout=slave, stderr=slave,
		                         start_new_session=True,
		                         preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
		raw = b""
		screen, row, column = {}, 0, 0

		SEQUENCE = re.compile(rb"\x1b(?:\[([?>]?)([\d;]*)([@-~])|[()][A-Z0-9]|[78=>cM])|[\x00-\x1f]")

		def put(text):
		    global row, column
		    for c in text.decode(errors="replace"):
		        screen[row, column] = c
		        column += 1

		def move(match):
		    global row, column, screen
		    control = match.group(0)
		    if control == b"\r":
		        column = 0
		    elif control == b"\n":
		        row += 1
		    elif control == b"\b":
		        column -= 1
		    if match.group(3) is None or match.group(1):
		        return
		    numbers = [int(n or 0) for n in match.group(2).split(b";")]
		    number, final = numbers[0], match.group(3)
		    if final == b"H":
		        row, column = max(number, 1) - 1, (max(numbers[1], 1) if len(numbers) > 1 else 1) - 1
		    elif final == b"d":
		        row = max(number, 1) - 1
		    elif final == b"G":
		        column = max(number, 1) - 1
		    elif final in b"ABCD":
		        n = max(number, 1)
		        row += n * {b"A": -1, b"B": 1}.get(final, 0)
		        column += n * {b"D": -1, b"C": 1}.get(final, 0)
		    elif final == b"J":
		        screen = {at: c for at, c in screen.items() if number == 0 and at < (row, column)}
		    elif final == b"K":
		        for at in [at for at in screen if at[0] == row and
		                   (number == 2 or (at[1] >= column) == (number == 0))]:
		            del screen[at]
		    elif final == b"X":
		        for n in range(max(number, 1)):
		            screen.pop((row, column + n), None)
		    elif final == b"P":
		        n = max(number, 1)
		        line = {at[1]: c for at, c in screen.items() if at[0] == row}
		        for at in line:
		            del screen[row, at]
		        for at, c in line.items():
		            if at < column or at >= column + n:
		                screen[row, at if at < column else at - n] = c
		    elif final == b"@":
		        n = max(number, 1)
		        line = {at[1]: c for at, c in screen.items() if at[0] == row}
		        for at in line:
		            del screen[row, at]
		        for at, c in line.items():
		            screen[row, at if at < column else at + n] = c
		    elif final in b"LM":
		        n = max(number, 1) * (1 if final == b"L" else -1)
		        screen = {(r + n if r >= row else r, at): c for (r, at), c in screen.items()
		                  if r < row or r + n >= row}

		def read(secs):
		    global raw
		    if not select.select([master], [], [], secs)[0]:
		        return False
		    raw += os.read(master, 65536)
		    while raw:
		        match = SEQUENCE.search(raw)
		        if not match:
		            # The rest of a sequence may follow.
		            if b"\x1b" in raw:
		                break
		            put(raw)
		            raw = b""
		            break
		        if b"\x1b" in raw[:match.start()]:
		            break
		        put(raw[:match.start()])
		        move(match)
		        raw = raw[match.end():]
		    return True

		def lines():
		    rows = max([at[0] for at in screen], default=-1) + 1
		    return ["".join(screen.get((row, column), " ")
		                    for column in range(max([at[1] for at in screen if at[0] == row],
		                                            default=-1) + 1)).rstrip() for row in range(rows)]

		def wait(*patterns):
		    until = time.monotonic() + SECS
		    while not all(any(re.search(p, line) for line in lines()) for p in patterns):
		        if time.monotonic() > until:
		            sys.exit("\n".join([f"not on the screen: {patterns}", *lines()]))
		        read(0.2)

		def wait_not(pattern):
		    until = time.monotonic() + SECS
		    while any(re.search(pattern, line) for line in lines()):
		        if time.monotonic() > until:
		            sys.exit("\n".join([f"still on the screen: {pattern}", *lines()]))
		        read(0.2)

		def type(keys):
		    os.write(master, keys.encode())

		def end():
		    until = time.monotonic() + SECS
		    while nstop.poll() is None:
		        if time.monotonic() > until:
		            nstop.kill()
		            sys.exit("nstop does not end")
		        read(0.1)
		    while read(0.1):
		        pass
		    if termios.tcgetattr(slave) != before:
		        sys.exit("the terminal is not as it was")
		    return nstop.returncode

		try:
		    exec(sys.argv[1])
		finally:
		    if nstop.poll() is None:
		        nstop.kill()
	PYTHON
	status=$?
	[ $status -eq 0 ] && return
	show
	return 1
}

shows_and_quits()
{
	local pid

	start_container unshare --fork --kill-child --pid || return
	live "
wait(r'^nstop \d\d:\d\d:\d\d  System calls in ', r'^by calls',
     r'^\d+ pid namespaces: \d+ match, 0 mismatch', r'^ *ST_DEV +ST_INO .* PID  FIRST COMMAND',
     r'^ *$(pair_of "$pid" pid) .*  match +$pid  bash')
assert max(map(len, lines())) <= 80, lines()
type('q')
assert end() == 0" --interval 0.5
}

signals_end_it()
{
	local signal

	for signal in INT TERM; do
		live "
wait(r'^by calls')
nstop.send_signal(signal.SIG$signal)
assert end() == 0" --interval 5 || return
	done
	# Ctrl-C while nstop reads a line.
	live "
wait(r'^by calls')
type('f')
wait(r'^Filter, COLUMN=PATTERN:')
type('\x03')
assert end() == 0" --interval 5
}

# The exit status has a mismatch.
mismatch_is_kept()
{
	local pid

	start_container unshare --fork --kill-child --pid || return
	mkdir -p "$dir/lie/ns" && cat "/proc/$pid/stat" > "$dir/lie/stat" &&
		: > "$dir/lie/ns/pid" && mount --bind "$dir/lie" "/proc/$pid" || return
	over=/proc/$pid
	mount --bind /proc/$$/ns/pid "/proc/$pid/ns/pid" || return
	live "
wait(r'  MISMATCH +', r', 2 mismatch', r'^MISMATCH: task $pid ')
type('q')
assert end() == 1" --interval 0.5
}

keys_work()
{
	local pid other pair

	start_container unshare --fork --kill-child --pid || return
	other=$pid
	# A namespace without calls.
	start unshare --fork --kill-child --pid python3 -c '
import os, select
os.write(4, os.readlink("/proc/self").encode() + b"\n")
select.select([3], [], [])' || return
	pid=$(pgrep -n python3)
	pair=$(pair_of "$pid" pid)
	live "
idle = r'^ *$pair '
wait(r'^by calls', r'  match +$other  bash')
assert not any(re.search(idle, line) for line in lines()), lines()
type('a')
wait(r'^by calls, idle ones too', idle)
type('a')
wait_not(idle)
type('a')
wait(idle)
type('>')
wait(r'^by rate')
type('<<')
wait(r'^by id')
type('r')
wait(r'^by id, low to high')
assert [int(line.split()[2]) for line in lines() if re.match(r' +\d+ \d{10} ', line)] == \
    sorted(int(line.split()[2]) for line in lines() if re.match(r' +\d+ \d{10} ', line))
type('t')
wait(r'below parents', r'  match +$other    bash')
type('fpid=$other\n')
wait(r', pid=$other')
wait_not(idle)
type('=')
wait(idle)
type('n1\n')
wait(r', first 1')
wait_not(idle)
type('=')
type('fnothing\n')
wait(r'^it is not COLUMN=PATTERN')
type('d3x\n')
wait(r'^that is not a number of seconds')
type('p')
wait(r'\(paused\)')
type('p')
wait_not(r'\(paused\)')
type('h')
wait(r'^q +quit', r'^< > +sort')
type('h')
wait_not(r'^q +quit')
type('q')
assert end() == 0" --interval 0.5
}

# The terminal gets smaller. Scrolling then shows the other rows.
size_and_scrolling()
{
	local n

	for n in 1 2 3 4 5 6 7 8; do
		start_container unshare --fork --kill-child --pid || return
	done
	live "
wait(r'^ST_DEV|^ +ST_DEV', r'  match +$pid  bash')
type('<r')
wait(r'^by id, low to high')
resize(9, 60)
wait(r'^ +ST_INO|^ +ST_DEV', r'  match +1  ')
time.sleep(1)
while read(0.2):
    pass
screen.clear()
type('h'); wait('quit'); type('h')
wait(r'  match +1  ')
assert len(lines()) <= 9 and max(map(len, lines())) <= 60, lines()
assert not any(re.search(r'  match +$pid  bash', line) for line in lines()), lines()
type('\x1b[F')
type('\x1b[4~')
wait(r'  match +$pid  bash')
type('q')
assert end() == 0" --interval 0.5
}

net_is_shown()
{
	ip link set lo up
	live "
wait(r'^nstop .* Traffic in ', r'^by bytes', r'^\d+ net namespaces?: ')
type('a')
wait(r'  \(this one\)')
type('q')
assert end() == 0" --net --interval 0.5
}

# An error message appears after the view.
errors_are_seen()
{
	local nstop=$NSTOP
	local NSTOP=unshare

	live "
assert end() == 2
assert any('initial uts namespace' in line for line in lines()), lines()" --uts "$nstop" --interval 0.5
}

# --count and --batch print plain tables on a terminal.
plain_on_request()
{
	live "
assert end() == 0
assert '\x1b' not in raw.decode() and any('STAT(2)' in line for line in lines()), lines()" \
		--count 2 --interval 0.1 || return
	live "
wait(r'STAT\(2\)')
nstop.send_signal(signal.SIGTERM)
assert end() == 0" --batch --interval 0.1
}

# ncurses has no description of the terminal.
unknown_terminal_is_plain()
{
	term=nonsense live "
wait(r'STAT\(2\)')
nstop.send_signal(signal.SIGTERM)
assert end() == 0" --interval 0.1
}

tests()
{
	cat <<-'TESTS'
		shows_and_quits
		signals_end_it
		mismatch_is_kept
		keys_work
		size_and_scrolling
		net_is_shown
		errors_are_seen
		plain_on_request
		unknown_terminal_is_plain
	TESTS
}

if ! "$NSTOP" --version | grep -q 'with ncurses'; then
	ktap_print_header
	ktap_skip_all "nstop has been built without ncurses"
	exit "$KSFT_SKIP"
fi
run_tests
