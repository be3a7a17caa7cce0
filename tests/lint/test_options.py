#!/usr/bin/env python3
"""test_options.py FRAMEFS: the commands and options that the program's own help lists are those
of the man page and of the completions for bash, zsh and fish; what the completions offer as
values is what the program accepts."""

import re
import subprocess
import sys

import common

FRAMEFS = sys.argv[1]
PAGE = 'docs/man/framefs.1.scd'
SHELLS = {
    'bash': 'packaging/completions/framefs.bash',
    'zsh': 'packaging/completions/_framefs',
    'fish': 'packaging/completions/framefs.fish',
}


def run(*arguments):
    return subprocess.run([FRAMEFS, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          stdin=subprocess.DEVNULL, check=False, text=True)


def output(*arguments):
    result = run(*arguments)
    if result.returncode != 0:
        raise SystemExit(f'{arguments}: exit status {result.returncode}: {result.stderr}')
    return result.stdout


def option_lines(text):
    """The options of a help text, as it writes them: '-h, --help', '--format=NAME'."""
    found = re.findall(r'^  (?:(-\w)(?:, | )|    )(--\S+|\S+=\S+)?', text, re.MULTILINE)
    labels = set()
    for letter, rest in found:
        if letter and rest.startswith('--'):
            labels.add(f'{letter}, {rest}')
        elif letter or rest.startswith('--'):
            labels.add(f'{letter} {rest}'.strip())
    return labels


def words_of(labels):
    """'-h, --help' and '--format=NAME' as the words '-h', '--help', '--format'."""
    return {word for label in labels for word in re.findall(r'(?<![\w-])--?[a-z][a-z-]*', label)}


def program():
    """Each command with its options and its usage line."""
    overview = output('help')
    names = re.findall(r'^  framefs (\w+) ', overview, re.MULTILINE)
    commands = {}
    for name in names:
        text = output('help', name)
        usage = re.match(r'Usage: (framefs .*)', text).group(1)
        commands[name] = (usage, option_lines(text))
        if output(name, '--help') != text:
            raise SystemExit(f'help {name} and {name} --help differ')
    if len(names) < 5 or any(not options for _, options in commands.values()):
        raise SystemExit('the help is not understood any more')
    return commands


def page_options(text):
    """The options that a piece of the man page explains."""
    labels = set()
    for line in re.findall(r'^(\*-[^\n]*)\n\t', text, re.MULTILINE):
        labels.add(line.replace('*', '').replace('_', '').replace('\\', ''))
    return labels


def man_page():
    """(usage line and options of each command, options that are common)."""
    text = common.text(PAGE)
    commands = {}
    body = re.search(r'^# COMMANDS\n(.*?)^# ', text, re.DOTALL | re.MULTILINE).group(1)
    for piece in re.split(r'^## ', body, flags=re.MULTILINE)[1:]:
        usage = piece.split('\n', 1)[0]
        commands[usage.split()[1]] = (usage, page_options(piece))
    shared = re.search(r'^# COMMON OPTIONS\n(.*?)^# ', text, re.DOTALL | re.MULTILINE).group(1)
    return commands, page_options(shared)


def check_page(commands):
    offences = []
    page, shared = man_page()
    for name in sorted(set(commands) ^ set(page)):
        offences.append(f'command {name} is in the program or in {PAGE}, not in both')
    for name in sorted(set(commands) & set(page)):
        usage, options = commands[name]
        if usage != page[name][0]:
            offences.append(f'{PAGE}: "{page[name][0]}", but help says "{usage}"')
        for label in sorted(options - page[name][1] - shared):
            offences.append(f'{PAGE}: {name} lacks {label}')
        for label in sorted(page[name][1] - options):
            offences.append(f'{PAGE}: {name} has no option {label}')
    every = set().union(*(options for _, options in commands.values()))
    for label in sorted(shared - every):
        offences.append(f'{PAGE}: no command has the common option {label}')
    return offences


def bash_options(text, name):
    body = re.search(r'_framefs_options\(\)\n\{(.*?)\n\}', text, re.DOTALL).group(1)
    piece = re.search(rf'^ +{name}\)(.*?);;', body, re.DOTALL | re.MULTILINE)
    return words_of([piece.group(1)]) if piece else None


def zsh_options(text, name):
    piece = re.search(rf'^_framefs_{name}(?:_command)?\(\) \{{\n(    _arguments.*?)^\}}', text,
                      re.DOTALL | re.MULTILINE)
    if not piece:
        return None
    body = piece.group(1)
    for array in ('common', 'input'):
        if f'${array}' in body:
            body += re.search(rf'^local -a {array}=\((.*?)\)\n', text,
                              re.DOTALL | re.MULTILINE).group(1)
    body = re.sub(r'\[[^\]]*\]', ' ', body).replace('_arguments -S', '')
    return words_of([re.sub(r'[\'"{},()*=]', ' ', body)])


def fish_options(text, name):
    lines = re.findall(rf'^__framefs_complete {name} (.*)', text, re.MULTILINE)
    found = set()
    for line in lines:
        found |= {'-' + letter for letter in re.findall(r'-s (\w)', line)}
        found |= {'--' + option for option in re.findall(r'-l ([\w-]+)', line)}
    return found if lines else None


def check_completions(commands):
    offences = []
    readers = {'bash': bash_options, 'zsh': zsh_options, 'fish': fish_options}
    for shell, path in SHELLS.items():
        text = common.text(path)
        for name, (_, options) in commands.items():
            found = readers[shell](text, name)
            if found is None:
                offences.append(f'{path}: lacks the command {name}')
                continue
            wanted = words_of(options)
            offences += [f'{path}: {name} lacks {word}' for word in sorted(wanted - found)]
            offences += [f'{path}: {name} has no option {word}' for word in sorted(found - wanted)]
        lists = re.findall(r'commands(?:=\'| )([a-z ]{20,})|command:\(([a-z ]{20,})\)', text)
        for pair in lists:
            if set(''.join(pair).split()) != set(commands):
                offences.append(f'{path}: the list of commands is not that of the program')
    return offences


def check_values():
    """Each value that bash offers is accepted: the message, if any, is of something else."""
    offences = []
    text = common.text(SHELLS['bash'])
    choices = {'layout', 'names', 'content', 'control', 'verify', 'log', 'log-level',
               'io-uring'}
    for option in choices:
        values = re.search(rf'--{option}\) echo ([a-z -]+) ;;', text).group(1).split()
        for value in values:
            for arguments in ((f'--{option}={value}',), ('-o', f'{option}={value}')):
                result = run('mount', *arguments, 'x')
                if result.returncode != 2 or 'directory' not in result.stderr:
                    offences.append(f'mount {arguments}: {result.stderr}')
        if run('mount', f'--{option}=nonsense', 'x').stderr.count('directory') > 0:
            offences.append(f'mount --{option}=nonsense is accepted')
    listed = re.search(r'-o\)\s+echo (.*?)\n\s+;;', text, re.DOTALL).group(1)
    for word in listed.replace('\\\n', ' ').split():
        value = {'format=': 'pcap', 'frame=': 'len:u8 data', 'layout=': 'flat', 'names=': 'name',
                 'content=': 'file',
                 'control=': 'off', 'verify=': 'read',
                 'log=': 'auto', 'log-level=': 'info', 'io_uring=': 'off',
                 'interval=': '64', 'push=': 'off', 'max-records=': '9', 'synthetic=': '1',
                 'uid=': '0', 'gid=': '0', 'setuid=': '0',
                 'umask=': '0', 'max_read=': '4096'}.get(word, 'x')
        item = word + value if word.endswith('=') else word
        result = run('mount', '-o', item, 'x')
        if result.returncode not in (1, 2) or 'option' in result.stderr.split('\n')[0]:
            offences.append(f'mount -o {item}: {result.stderr}')
    return offences


def check_lists():
    """fish and zsh offer after -o what bash does, which check_values() tries."""
    offences = []
    bash = re.search(r'-o\)\s+echo (.*?)\n\s+;;', common.text(SHELLS['bash']), re.DOTALL)
    wanted = {word.rstrip('=') for word in bash.group(1).replace('\\\n', ' ').split()}
    fish = re.search(r"function __framefs_mount_options\n +printf '%s.n' (.*?)\nend",
                     common.text(SHELLS['fish']), re.DOTALL)
    zsh = re.search(r"_framefs_mount_options\(\) \{\n +_values -s , 'mount options' (.*?)\n\}",
                    common.text(SHELLS['zsh']), re.DOTALL)
    for shell, found in (('fish', fish), ('zsh', zsh)):
        text = re.sub(r'\([^)]*\)', '', found.group(1)).replace('\\\n', ' ') if found else ''
        names = {re.split('[=:]', word.strip("'"))[0] for word in text.split()}
        for name in sorted(names ^ wanted):
            offences.append(f'{SHELLS[shell]} or {SHELLS["bash"]} lacks -o {name}')
    return offences


def check_syntax():
    offences = []
    for shell, path in SHELLS.items():
        if not common.shutil.which(shell):
            print(f'{shell} is not installed: the syntax of {path} is not checked')
            continue
        result = subprocess.run([shell, '-n', path], cwd=common.ROOT, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, check=False, text=True)
        if result.returncode != 0 or result.stderr:
            offences.append(f'{path}: {result.stderr}')
    return offences


commands_of_program = program()
common.end(check_page(commands_of_program) + check_completions(commands_of_program)
           + check_values() + check_lists() + check_syntax())
