# bash completion for framefs

_framefs_options()
{
    case $1 in
        mount)
            echo --format= --frame= --formats= --max-records= --index= --no-index --layout= --names= --type= --content= \
                --control= --interval= --push= --separator= --verify= --synthetic= --direct-io --no-direct-io \
                --uid= --gid= --umask= --allow-other --setuid= --no-sandbox --no-survive --io-uring= -o \
                --foreground -f --debug -d --log= --log-level= --redact \
                --help -h
            ;;
        umount) echo --lazy -l --dead --help -h ;;
        upgrade) echo --help -h ;;
        info) echo --format= --frame= --formats= --max-records= --index= --no-index --explain --all --histogram --json --help -h ;;
        ls) echo --format= --frame= --formats= --index= --no-index --type= --since= --until= --json --help -h ;;
        cat) echo --format= --frame= --formats= --index= --no-index --content= --separator= --help -h ;;
        index) echo --format= --frame= --formats= --index= --files-from= --force --verify --times --threads= --json --help -h ;;
        verify) echo --format= --frame= --formats= --max-records= --threads= --json --help -h ;;
        synth) echo --check --offset= --help -h ;;
        formats) echo --formats= --json --help -h ;;
        help) echo --help -h ;;
    esac
}

# The words that can follow an option; fails where any text can, or a file.
_framefs_values()
{
    case $1 in
        --format) echo auto "$(framefs formats 2>/dev/null | cut -d ' ' -f 1)" ;;
        --content) echo payload frame file ;;
        --layout) echo auto flat tree ;;
        --names) echo number number-name name ;;
        --control) echo hidden listed off ;;
        --verify) echo off read ;;
        --io-uring) echo auto on off ;;
        --log) echo auto stderr syslog ;;
        --log-level) echo error warning info debug ;;
        --uid | --setuid) compgen -u ;;
        --gid) compgen -g ;;
        -o)
            echo format= frame= formats= max-records= index= noindex layout= names= type= content= control= \
                interval= push= separator= verify= synthetic= direct_io nodirect_io uid= gid= umask= \
                allow_other setuid= \
                nosandbox nosurvive io_uring= foreground debug \
                log= log-level= redact fsname= subtype= sloppy default_permissions \
                auto_unmount max_read= ro nosuid nodev noexec noatime
            ;;
        *) return 1 ;;
    esac
}

_framefs()
{
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} command=${COMP_WORDS[1]}
    local commands='mount umount upgrade info ls cat index verify synth formats help' words list

    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        mapfile -t COMPREPLY < <(compgen -W "$commands --help --version" -- "$cur")
        return
    fi
    # "=" is a word of its own where COMP_WORDBREAKS has it.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    if words=$(_framefs_values "$prev"); then
        # After -o, of a list the last word.
        list=
        if [[ $prev == -o ]]; then
            list=${cur%"${cur##*,}"}
        fi
        mapfile -t COMPREPLY < <(compgen -P "$list" -W "$words" -- "${cur#"$list"}")
    elif [[ $cur == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_framefs_options "$command")" -- "$cur")
    elif [[ $command == help ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$commands" -- "$cur")
    elif [[ $command == formats && $prev != --formats ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$(_framefs_values --format)" -- "$cur")
    elif [[ $command == synth ]]; then
        mapfile -t COMPREPLY < <(compgen -W 'counter lines byte: random:' -- "$cur")
    else
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *= ]]; then
        compopt -o nospace
    fi
}

complete -F _framefs framefs
