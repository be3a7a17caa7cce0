# fish completion for framefs

function __framefs_formats
    echo auto
    framefs formats 2>/dev/null | string replace -r '^(\S+)\s+' '$1\t'
end

# Of -o, with their values where there are few.
function __framefs_mount_options
    printf '%s\n' \
        format= frame= formats= max-records= index= noindex layout=auto layout=flat layout=tree \
        names=number names=number-name names=name type= content=payload content=frame \
        content=file control=hidden control=listed control=off interval= push=off separator= \
        verify=off verify=read synthetic= direct_io nodirect_io uid= gid= umask= allow_other \
        setuid= nosandbox nosurvive io_uring=auto io_uring=on io_uring=off foreground debug \
        log=auto log=stderr log=syslog log-level=error log-level=warning log-level=info \
        log-level=debug redact fsname= subtype= sloppy default_permissions auto_unmount \
        max_read= ro nosuid nodev noexec noatime
end

function __framefs_complete
    complete -c framefs -n "__fish_seen_subcommand_from $argv[1]" $argv[2..]
end

set -l commands mount umount upgrade info ls cat index verify synth formats help
complete -c framefs -n "not __fish_seen_subcommand_from $commands" -f
complete -c framefs -n "not __fish_seen_subcommand_from $commands" -l help -d 'Show the commands'
complete -c framefs -n "not __fish_seen_subcommand_from $commands" -l version -d 'Tell the version'
set -l first "not __fish_seen_subcommand_from $commands"
complete -c framefs -n "$first" -a mount -d 'Show records as files'
complete -c framefs -n "$first" -a umount -d 'Unmount, also when the server has died'
complete -c framefs -n "$first" -a upgrade -d 'Let the installed program take over a mount'
complete -c framefs -n "$first" -a info -d 'Show format, number and sizes of records, damage'
complete -c framefs -n "$first" -a ls -d 'List the records'
complete -c framefs -n "$first" -a cat -d 'Print the payloads of records'
complete -c framefs -n "$first" -a index -d 'Build or extend the index files of archives'
complete -c framefs -n "$first" -a verify -d 'Check every length, constant and checksum'
complete -c framefs -n "$first" -a synth -d 'Write the generated stream, or check a copy of it'
complete -c framefs -n "$first" -a formats -d 'List the known formats'
complete -c framefs -n "$first" -a help -d 'Explain a command'

__framefs_complete mount -l format -x -a '(__framefs_formats)' -d 'The format of the archives'
__framefs_complete mount -l frame -x -d 'Describe the frames yourself'
__framefs_complete mount -l formats -r -F -d 'A file of formats of your own'
__framefs_complete mount -l max-records -x -d 'Stop at so many records'
__framefs_complete mount -l index -r -F -d 'The index file'
__framefs_complete mount -l no-index -d 'Neither read nor write an index file'
__framefs_complete mount -l layout -x -a 'auto flat tree' -d 'How records are put in directories'
__framefs_complete mount -l names -x -a 'number number-name name' -d 'How the files are called'
__framefs_complete mount -l type -x -d 'Show records of these types'
__framefs_complete mount -l content -x -a 'payload frame file' -d 'What a file holds'
__framefs_complete mount -l control -x -a 'hidden listed off' -d 'Whether .framefs is there'
__framefs_complete mount -l interval -x -d 'Read the archive in pieces of this size'
__framefs_complete mount -l push -x -a off -d 'Push records of up to this size into the cache'
__framefs_complete mount -l separator -x -d 'Put after each payload in .framefs/all'
__framefs_complete mount -l verify -x -a 'off read' -d 'Check checksums before a record is read'
__framefs_complete mount -l synthetic -x -d 'Show the generated file'
__framefs_complete mount -l direct-io -d 'Let the kernel keep no bytes of files'
__framefs_complete mount -l no-direct-io -d 'Let it keep those of the generated file, too'
__framefs_complete mount -l uid -x -a '(__fish_complete_users)' -d 'The owner of all files'
__framefs_complete mount -l gid -x -a '(__fish_complete_groups)' -d 'The group of all files'
__framefs_complete mount -l umask -x -d 'Permissions to take off'
__framefs_complete mount -l allow-other -d 'Let other users in'
__framefs_complete mount -l setuid -x -a '(__fish_complete_users)' -d 'Whom root\'s server becomes'
__framefs_complete mount -l no-sandbox -d 'Let the server keep all its rights'
__framefs_complete mount -l no-survive -d 'Take the mount away when its server dies'
__framefs_complete mount -l io-uring -x -a 'auto on off' -d 'Take requests through io_uring'
__framefs_complete mount -s o -x -a '(__fish_complete_list , __framefs_mount_options)' -d 'Mount options'
__framefs_complete mount -s f -l foreground -d 'Do not go to the background'
__framefs_complete mount -s d -l debug -d 'Show each request on stderr'
__framefs_complete mount -l log -x -a 'auto stderr syslog' -d 'Where messages go'
__framefs_complete mount -l log-level -x -a 'error warning info debug' -d 'What is logged'
__framefs_complete mount -l redact -d 'Put hashes for names in messages'
__framefs_complete mount -s h -l help -d 'Explain the command'

__framefs_complete umount -s l -l lazy -d 'Detach a mount that is in use'
__framefs_complete umount -l dead -d 'Only a mount whose server has died'
__framefs_complete umount -s h -l help -d 'Explain the command'
__framefs_complete upgrade -s h -l help -d 'Explain the command'

__framefs_complete info -l format -x -a '(__framefs_formats)' -d 'The format of the archives'
__framefs_complete info -l frame -x -d 'Describe the frames yourself'
__framefs_complete info -l formats -r -F -d 'A file of formats of your own'
__framefs_complete info -l max-records -x -d 'Stop at so many records'
__framefs_complete info -l index -r -F -d 'The index file'
__framefs_complete info -l no-index -d 'Neither read nor write an index file'
__framefs_complete info -l explain -d 'Show which formats were tried, and why they fell'
__framefs_complete info -l all -d 'Explain formats that no frame fits, too'
__framefs_complete info -l histogram -d 'Show the histogram of sizes'
__framefs_complete info -l json -d 'Print a JSON array'
__framefs_complete info -s h -l help -d 'Explain the command'

__framefs_complete index -l format -x -a '(__framefs_formats)' -d 'The format of the archives'
__framefs_complete index -l frame -x -d 'Describe the frames yourself'
__framefs_complete index -l formats -r -F -d 'A file of formats of your own'
__framefs_complete index -l index -r -F -d 'The index file'
__framefs_complete index -l files-from -r -F -d 'A list of archives'
__framefs_complete index -l force -d 'Scan all, whatever was written before'
__framefs_complete index -l verify -d 'Compute all checksums, too'
__framefs_complete index -l times -d 'Keep the times of records, too'
__framefs_complete index -l threads -x -d 'Index so many archives at once'
__framefs_complete index -l json -d 'Print a JSON array'
__framefs_complete index -s h -l help -d 'Explain the command'

__framefs_complete verify -l format -x -a '(__framefs_formats)' -d 'The format of the archives'
__framefs_complete verify -l frame -x -d 'Describe the frames yourself'
__framefs_complete verify -l formats -r -F -d 'A file of formats of your own'
__framefs_complete verify -l max-records -x -d 'Stop at so many records'
__framefs_complete verify -l threads -x -d 'Compute checksums in so many threads'
__framefs_complete verify -l json -d 'Print a JSON array'
__framefs_complete verify -s h -l help -d 'Explain the command'

__framefs_complete ls -l format -x -a '(__framefs_formats)' -d 'The format of the archive'
__framefs_complete ls -l frame -x -d 'Describe the frames yourself'
__framefs_complete ls -l formats -r -F -d 'A file of formats of your own'
__framefs_complete ls -l index -r -F -d 'The index file'
__framefs_complete ls -l no-index -d 'Neither read nor write an index file'
__framefs_complete ls -l type -x -d 'List records of these types'
__framefs_complete ls -l since -x -d 'List records of this time or later'
__framefs_complete ls -l until -x -d 'List records from before this time'
__framefs_complete ls -l json -d 'Print a JSON object a line'
__framefs_complete ls -s h -l help -d 'Explain the command'

__framefs_complete cat -l format -x -a '(__framefs_formats)' -d 'The format of the archive'
__framefs_complete cat -l frame -x -d 'Describe the frames yourself'
__framefs_complete cat -l formats -r -F -d 'A file of formats of your own'
__framefs_complete cat -l index -r -F -d 'The index file'
__framefs_complete cat -l no-index -d 'Neither read nor write an index file'
__framefs_complete cat -l content -x -a 'payload frame file' -d 'What to print of a record'
__framefs_complete cat -l separator -x -d 'Put after each record'
__framefs_complete cat -s h -l help -d 'Explain the command'

__framefs_complete synth -f -a 'counter lines byte: random:' -d 'Pattern'
__framefs_complete synth -l check -d 'Compare a copy with the stream'
__framefs_complete synth -l offset -x -d 'Begin at this byte'
__framefs_complete synth -s h -l help -d 'Explain the command'

__framefs_complete formats -f -a '(__framefs_formats)'
__framefs_complete formats -l formats -r -F -d 'A file of formats of your own'
__framefs_complete formats -l json -d 'Print a JSON array'
__framefs_complete formats -s h -l help -d 'Explain the command'

__framefs_complete help -f -a "$commands"
__framefs_complete help -s h -l help -d 'Explain the command'
