# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0
#
# Steps of scripts/run: runs each one, prints its progress and the path of its log, and at the end the
# time of each step, by the clock and in CPU time. Needs $logs, the directory of the logs. To be sourced.

times=()
watcher=
attended=
# Process groups beside this one, by name.
declare -A others=()
exec {messages}>&2

stop_watching() {
	if [ -n "$watcher" ]; then
		kill "$watcher" 2> /dev/null || true
		wait "$watcher" 2> /dev/null || true
		watcher=
	fi
}

# end_group PGID: ends a process group and waits for that.
end_group() {
	local try

	[ -n "$1" ] || return 0
	# Repeated, since `enter` may not have installed its handler yet.
	for ((try = 0; try < 50; try++)); do
		kill -s TERM -- "-$1" 2> /dev/null || return 0
		sleep 0.2
	done
	kill -s KILL -- "-$1" 2> /dev/null || true
}

finish() {
	local status=$?

	trap '' HUP INT TERM
	# A step may have redirected stderr to its log when the signal arrived.
	exec 2>&"$messages"
	# No `wait` here: it may hang if a signal has interrupted another `wait`.
	[ -z "$watcher" ] || kill "$watcher" 2> /dev/null || true
	end_group "$attended"
	for group in "${others[@]}"; do
		end_group "$group"
	done
	[ $status -ne 130 ] || say "Interrupted. The next run continues from the finished steps."
	if [ ${#times[@]} -gt 1 ]; then
		say
		get_cpu
		printf '%7s %7s\n' CLOCK CPU >&2
		printf '%s\n' "${times[@]}" >&2
		printf '%7s %7s  %s\n' "$(duration $SECONDS)" "$(duration "$cpu")" "All of it" >&2
	fi
	exit $status
}

# end STATUS: make sends a second signal, which must not interrupt `finish`.
end() {
	trap '' HUP INT TERM
	exit "$1"
}

trap finish EXIT
trap 'end 129' HUP
trap 'end 130' INT
trap 'end 143' TERM

# Prints 1:05, or 5 s. date(1) cannot.
duration() {
	if [ "$1" -ge 60 ]; then
		printf '%d:%02d\n' $(($1 / 60)) $(($1 % 60))
	else
		printf '%d s\n' "$1"
	fi
}

# Sets cpu to the CPU seconds of all processes that this shell has waited for. bash reaps a background
# job as soon as it ends. Subtract the time of such a job until `join`.
ticks=$(getconf CLK_TCK)
get_cpu() {
	local fields name

	# Builtins only, since a command would be another process. The name ends at the last `)`.
	read -r fields < "/proc/$BASHPID/stat"
	read -ra fields <<< "${fields##*) }"
	cpu=$(((fields[13] + fields[14]) / ticks))
	for name in "${!others[@]}"; do
		kill -0 "${others[$name]}" 2> /dev/null || cpu=$((cpu - $(cat "$logs/$name.cpu")))
	done
}

# Prints the progress until it is killed: in place on a terminal, otherwise every minute.
watch_log() {
	local title=$1 log=$2 expected=$3 start=$SECONDS lines share last never

	trap - EXIT HUP INT TERM
	# No `sleep`, which would outlive this shell.
	exec {never}<> <(:)
	while ! read -r -t "$([ -t 2 ] && echo 1 || echo 60)" -u "$never"; do
		lines=$(wc -l < "$log") share=''
		if [ "$lines" -lt "$expected" ]; then
			share=" $((100 * lines / expected))%"
		fi
		last=$(tail -n 1 "$log" | tr -cd '[:print:]' | cut -c "1-50")
		if [ -t 2 ]; then
			printf '\r\033[K%s: %s%s  %s' "$title" "$(duration $((SECONDS - start)))" \
				"$share" "$last" >&2
		else
			say "    $(duration $((SECONDS - start)))$share  $last"
		fi
	done
}

# took TITLE START CPU: records the time since $SECONDS and $cpu had these values.
took() {
	get_cpu
	times+=("$(printf '%7s %7s  %s' "$(duration $((SECONDS - $2)))" "$(duration $((cpu - $3)))" "$1")")
}

# attend COMMAND...: runs it in its own process group, without stdin. A signal interrupts `wait`, but
# not a foreground command.
attend() {
	local status=0

	[ "$1" != inside ] || set -- "$TOP/scripts/enter" "${@:2}"
	# A function runs in a subshell. Any other command gets a signal when this shell ends.
	[ "$(type -t "$1")" = function ] || set -- setpriv --pdeathsig TERM "$@"
	# A background job already has its own group.
	[ -n "${is_beside-}" ] || set -m
	"$@" < /dev/null &
	attended=$!
	set +m
	wait "$attended" || status=$?
	attended=
	return $status
}

# step NAME TITLE LINES HINT COMMAND...: LINES is the length of the log of a full run.
step() {
	local title=$2 expected=$3 hint=$4 start=$SECONDS log=$logs/$1.log status=0 cpu before
	shift 4

	say "$title ($log)"
	get_cpu
	before=$cpu
	: > "$log"
	if [ -z "${is_beside-}" ]; then
		watch_log "$title" "$log" "$expected" &
		watcher=$!
	fi
	# No stdin, so that no command waits for input.
	attend "$@" >> "$log" 2>&1 || status=$?
	stop_watching
	[ ! -t 2 ] || printf '\r\033[K' >&2
	took "$title" "$start" "$before"
	[ $status -ne 130 ] || exit 130
	if [ $status -ne 0 ]; then
		tail -n 30 "$log" >&2
		say "FAILED, status $status: $title. The end of $log is above."
		[ -z "$hint" ] || say "$hint"
		exit 1
	fi
}

# beside NAME COMMAND...: runs its steps in the background. `join` waits for them and prints them.
beside() {
	local name=$1
	shift

	# A process group of its own.
	set -m
	(
		set +m
		# Not `name`: a function that ends this shell may have its own.
		is_beside=$name times=() others=()
		trap 'get_cpu; echo "$cpu" > "$logs/$is_beside.cpu"
			printf "%s\n" "${times[@]}" | sed "/^$/d" > "$logs/$is_beside.times"' EXIT
		"$@"
	) < /dev/null > "$logs/$name.log" 2>&1 &
	set +m
	others[$name]=$!
}

# join NAME
join() {
	local status=0 theirs

	if kill -0 "${others[$1]}" 2> /dev/null; then
		say "Waiting for the background steps ($logs/$1.log)"
	fi
	wait "${others[$1]}" || status=$?
	unset "others[$1]"
	cat "$logs/$1.log" >&2
	mapfile -t theirs < "$logs/$1.times"
	times+=("${theirs[@]}")
	[ $status -eq 0 ] || exit 1
}

# show NAME TITLE COMMAND...: passes stdout to the user, and stderr to the log.
show() {
	local title=$2 log=$logs/$1.log
	shift 2

	say "$title ($log)"
	attend "$@" 2> "$log" || die "FAILED: $title. See $log."
}

# run NAME COMMAND...: passes stdout and stderr to the user.
run() {
	local title=$1 start=$SECONDS status=0 cpu before
	shift

	get_cpu
	before=$cpu
	attend "$@" || status=$?
	took "$title" "$start" "$before"
	return $status
}

inside() {
	"$TOP/scripts/enter" "$@"
}
