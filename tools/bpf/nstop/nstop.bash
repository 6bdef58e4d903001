# bash completion for nstop                                -*- shell-script -*-
# SPDX-License-Identifier: GPL-2.0

_nstop()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} word
	local columns='dev ino id verdict container pid command'
	local calls='calls rate total tasks parent'
	local traffic='rx_packets rx_packets_link rx_bytes rx_bytes_link rx_rate tx_packets
		tx_packets_link tx_bytes tx_bytes_link tx_rate bytes rx_total tx_total devices name'

	columns+=" $calls"
	for word in "${COMP_WORDS[@]}"; do
		case $word in
		-N | --net)	columns=${columns/$calls/$traffic} ;;
		esac
	done

	COMPREPLY=()
	case $prev in
	-t | --ns)
		mapfile -t COMPREPLY < <(compgen -W 'cgroup ipc mnt net pid time user uts' -- "$cur") ;;
	-p | --pids-as-seen-by)
		mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [0-9]*)" -- "$cur") ;;
	-s | --sort)
		mapfile -t COMPREPLY < <(compgen -W "$columns" -- "$cur") ;;
	-f | --filter)
		mapfile -t COMPREPLY < <(compgen -W "$columns" -S = -- "$cur")
		compopt -o nospace ;;
	-n | --count | -i | --interval | --top)
		;;
	*)
		mapfile -t COMPREPLY < <(compgen -W '--ns --net --containers --pids-as-seen-by --sort
			--tree --top --filter --all --count --once --interval --batch --json --verbose
			--version --help' -- "$cur") ;;
	esac
}
complete -F _nstop nstop
