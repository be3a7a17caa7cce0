"""Private file servers over a mount: each on a free port of the loopback, with folders of its own,
from the files in packaging/, gone at the end of its with block. What one wrote is shown when the
test in its block fails."""

import contextlib
import csv
import hashlib
import multiprocessing
import multiprocessing.connection
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import traceback

import harness
from harness import ROOT, Skip, check, equal, run

LOG_LINES = 30  # of each log, shown with a failure
# What ganesha says in any case, on a machine that has neither a bus nor Kerberos.
HARMLESS = re.compile('dbus|krb5|keytab|creds|RADOS|Cannot register NFS V4|Changing log level|'
                      'Changed RPC_Debug_Flags', re.IGNORECASE)
STOP_S = 20  # after this a server that was told to end is killed, and the test fails
LOAD_S = float(os.environ.get('FF_LOAD_S', 3))  # of many clients at once
ROOM = '/srv/records'  # where the files in packaging/ look for the mount


def need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Skip(f'{program} is not installed')
    if os.geteuid() != 0:
        raise Skip('servers need root')


def free_port():
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


def packaged(name, directory, *changes):
    """The text of a file in packaging/ for a mount at directory; changes: (from, to)."""
    with open(os.path.join(ROOT, 'packaging', name), encoding='utf-8') as stream:
        text = stream.read()
    for old, new in ((ROOM, directory), *changes):
        check(old in text, f'{name} does not say {old!r}')
        text = text.replace(old, new)
    return text


def listens(port, pid='self'):
    """Whether something listens on the TCP port in the network of the process."""
    for table in ('tcp', 'tcp6'):
        with contextlib.suppress(FileNotFoundError):
            with open(f'/proc/{pid}/net/{table}', encoding='ascii') as lines:
                if any(line.split()[3] == '0A' and line.split()[1].endswith(f':{port:04X}')
                       for line in lines):
                    return True
    return False


class Server:
    """A program in the foreground that serves the port until .stop(); .start() starts it again.

    network: a Network that it runs in. logs: files it writes besides its output.
    """

    def __init__(self, arguments, port, logs=(), network=None):
        self.name = os.path.basename(arguments[0])
        self.arguments = [*(network.inside if network else ()), *arguments]
        self.port, self.network = port, network
        self.output = harness.make_path(self.name)
        self.logs = [self.output, *logs]
        self.process = None
        self.start()

    def start(self):
        with open(self.output, 'ab') as output:
            self.process = subprocess.Popen(self.arguments, stdin=subprocess.DEVNULL,
                                            stdout=output, stderr=output, start_new_session=True,
                                            preexec_fn=_end_with_the_test)
        try:
            harness.wait_for(self._is_ready, f'{self.name} listens on {self.port}')
        except BaseException:
            self.show()
            self._kill()
            raise

    def _is_ready(self):
        check(self.process.poll() is None, f'{self.name} ended: {self.process.returncode}')
        return listens(self.port, self.network.pid if self.network else 'self')

    def stop(self):
        """Ends the server and all it started, and waits for that."""
        if not self.process:
            return
        self._signal(signal.SIGTERM)
        if not self._wait():
            self.show()
            self._kill()
            raise harness.Failure(f'{self.name} does not end')
        self.process = None

    def _kill(self):
        self._signal(signal.SIGKILL)
        check(self._wait(), f'{self.name} outlives SIGKILL')
        self.process = None

    def _signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)

    def _wait(self):
        """Whether the whole process group ended in time; its orphans are children of the test."""
        end = time.monotonic() + STOP_S
        while time.monotonic() < end:
            self.process.poll()
            harness.children()
            try:
                os.killpg(self.process.pid, 0)
            except ProcessLookupError:
                return True
            select.select([], [], [], 0.01)
        return False

    def show(self):
        for path in self.logs:
            with contextlib.suppress(OSError):
                with open(path, encoding='utf-8', errors='replace') as stream:
                    lines = [line for line in stream.read().splitlines()
                             if not HARMLESS.search(line)]
                for line in lines[-LOG_LINES:]:
                    print(f'# {self.name}: {line}')

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and not issubclass(kind, Skip):
            self.show()
        self.stop()


def _end_with_the_test():
    harness.libc.prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG


# ---- NFS ----

GANESHA = '''
NFS_CORE_PARAM {{
  NFS_Port = {nfs}; MNT_Port = {mnt}; NLM_Port = {nlm}; Rquota_Port = {quota}; {bind}
  Protocols = {protocols}; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false;
  mount_path_pseudo = true;
}}
NFSV4 {{
  Graceless = true; Lease_Lifetime = 10; RecoveryBackend = fs; RecoveryRoot = "{folder}";
  Only_Numeric_Owners = true;
}}
NFS_KRB5 {{ Active_krb5 = false; }}
'''
EXPORT = '/records'  # as packaging/ganesha calls it


def ganesha(directory, network=None):
    """nfs-ganesha over the mount: NFSv4, and in a network of its own NFSv3 too."""
    need('ganesha.nfsd')
    folder = harness.make_dir('ganesha')
    ports = {name: free_port() for name in ('nfs', 'mnt', 'nlm', 'quota')}
    protocols = '3, 4' if network else '4'
    config = GANESHA.format(folder=folder, protocols=protocols,
                            bind='' if network else 'Bind_addr = 127.0.0.1;', **ports)
    config += packaged('ganesha/framefs.conf', directory,
                       ('Protocols = 4;', f'Protocols = {protocols};'))
    log = os.path.join(folder, 'log')
    server = Server(['ganesha.nfsd', '-F', '-f', harness.write(config.encode(), 'ganesha.conf'),
                     '-L', log, '-p', os.path.join(folder, 'pid'), '-N', 'NIV_WARN'],
                    ports['nfs'], [log], network)
    server.mount_port = ports['mnt']
    return server


class Network:
    """A network namespace that has nothing but a loopback and rpcbind, until the with block ends.

    rpcbind becomes another user and loses the signal of _end_with_the_test: a shell ends it when
    the pipe ends that the test holds.
    """

    SCRIPT = ('ip link set lo up || exit; echo up; exec 3<&0; rpcbind -f & cat <&3 & wait -n; '
              'kill $(jobs -p); wait')

    def __init__(self):
        need('unshare', 'nsenter', 'ip', 'rpcbind')
        self.holder = subprocess.Popen(['unshare', '-n', 'bash', '-c', self.SCRIPT],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, start_new_session=True)
        self.pid = self.holder.pid
        self.inside = ('nsenter', '-t', str(self.pid), '-n', '--')
        if self.holder.stdout.readline() == b'up\n':
            harness.wait_for(lambda: self.holder.poll() is not None or listens(111, self.pid),
                             'rpcbind listens')
        if self.holder.poll() is not None:
            # Also where the machine's own rpcbind runs: a lock in /run lets no other one run.
            raise Skip(f'no network with rpcbind: {self._end()}')

    def _end(self):
        return self.holder.communicate()[1].decode('utf-8', 'replace').strip()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._end()

    @contextlib.contextmanager
    def entered(self):
        """Sockets that the calling thread makes meanwhile are of this network."""
        here = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
        there = os.open(f'/proc/{self.pid}/ns/net', os.O_RDONLY)
        try:
            check(harness.libc.setns(there, 0) == 0, 'setns')
            yield
        finally:
            check(harness.libc.setns(here, 0) == 0, 'setns back')
            os.close(here)
            os.close(there)


# ---- Samba ----

SAMBA = '''[global]
  smb ports = {port}
  interfaces = 127.0.0.1/8
  bind interfaces only = yes
  private dir = {folder}
  lock directory = {folder}
  state directory = {folder}
  cache directory = {folder}
  pid directory = {folder}
  ncalrpc dir = {folder}/ncalrpc
  log file = {folder}/log
  map to guest = Bad User
  load printers = no
  disable spoolss = yes
'''
SHARE = 'records'  # as packaging/samba calls it


def samba(directory, *changes):
    need('smbd')
    folder, port = harness.make_dir('samba'), free_port()
    config = SAMBA.format(folder=folder, port=port)
    config += packaged('samba/framefs.conf', directory, *changes)
    path = harness.write(config.encode(), 'smb.conf')
    server = Server(['smbd', '-F', '--no-process-group', '-s', path], port,
                    [os.path.join(folder, 'log')])
    server.config = path
    return server


def smbclient(server, commands, **more):
    need('smbclient')
    return run('smbclient', '-s', server.config, '-N', '-p', str(server.port),
               f'//127.0.0.1/{SHARE}', '-c', commands, **more)


# ---- the web, rsync, sftp ----

NGINX = '''daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
events {{ }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    {location}
  }}
}}
'''


def nginx(directory):
    need('nginx')
    folder, port = harness.make_dir('nginx'), free_port()
    config = NGINX.format(folder=folder, port=port,
                          location=packaged('web/nginx.conf', directory))
    log = os.path.join(folder, 'log')
    return Server(['nginx', '-e', log, '-c', harness.write(config.encode(), 'nginx.conf')], port,
                  [log])


def rsyncd(directory):
    need('rsync')
    port = free_port()
    config = packaged('web/rsyncd.conf', directory)
    return Server(['rsync', '--daemon', '--no-detach', '--address=127.0.0.1', f'--port={port}',
                   '--config=' + harness.write(config.encode(), 'rsyncd.conf')], port)


# ---- what is served ----

def manifest():
    """(path, records, digest of their payloads) of the archives that are whole."""
    with open(os.path.join(harness.DATA, 'MANIFEST.tsv'), encoding='utf-8', newline='') as stream:
        rows = [row for row in csv.DictReader(stream, delimiter='\t') if row['state'] == 'good']
    check(rows, 'no archive')
    return [(os.path.join(harness.DATA, row['file']), int(row['records_framed']),
             row['payload_digest']) for row in rows]


def digest_of(contents):
    """(count, sha256 over a line a record: its size and the bytes' sha256), as manifests have it"""
    total, count = hashlib.sha256(), 0
    for count, content in enumerate(contents, 1):
        total.update(f'{len(content)} {hashlib.sha256(content).hexdigest()}\n'.encode())
    return count, total.hexdigest()


def at_once(count, function, meanwhile=None):
    """function(a generator of its own) in as many processes at once: what they returned.

    meanwhile is called again and again until all have ended.
    """
    fork = multiprocessing.get_context('fork')
    clients, found, failures = {}, [], []
    for number in range(count):
        here, there = fork.Pipe(duplex=False)
        client = fork.Process(target=_report, args=(there, function, harness.seeded(number)))
        client.start()
        there.close()
        clients[here] = client
    while clients:
        for here in multiprocessing.connection.wait(clients, 0.01 if meanwhile else None):
            client = clients.pop(here)
            try:
                result, failure = here.recv()
            except EOFError:
                result, failure = None, 'a client was killed'
            found.append(result)
            failures += [failure] if failure else []
            client.join()
            client.close()
            here.close()
        if meanwhile and clients:
            meanwhile()
    for failure in failures:
        if isinstance(failure, Skip):
            raise failure
    check(not failures, f'{len(failures)} of {count} clients failed:\n' + '\n'.join(failures[:1]))
    return found


def _report(channel, function, random):
    try:
        channel.send((function(random), None))
    except Skip as skip:
        channel.send((None, skip))
    except BaseException:  # whatever it is, the test has to tell it
        channel.send((None, traceback.format_exc()))


class Load:
    """What clients read at once for LOAD_S seconds: 100,000 records in directories of 1000, these
    directories, and a file of 1 TiB that no cache holds."""

    COUNT = 100000
    ARGUMENTS = ('--format=tag4-i64le', '-o', 'layout=tree,allow_other,control=listed,synthetic=1T')

    def __init__(self):
        self.payloads = [b'record %d of the archive\n' % n for n in range(self.COUNT)]
        self.arguments = (*self.ARGUMENTS, harness.write(harness.tag4(self.payloads)))

    def record(self, random):
        """(path, bytes) of any of them."""
        number = random.randrange(self.COUNT)
        return f'/000/{number // 1000:03}/{number:09}', self.payloads[number]

    def run(self, connect, meanwhile=None):
        """Eight clients, each connect() called in its process."""
        end = time.monotonic() + LOAD_S

        def client_reads(random):
            client, steps = connect(), 0
            file = client.open('/synthetic')
            while time.monotonic() < end:
                self._step(client, file, random)
                steps += 1
                if meanwhile:
                    meanwhile.step()
            return steps
        steps = at_once(8, client_reads, meanwhile)
        print(f'# {sum(steps)} things read, {meanwhile.count if meanwhile else 0} changes')
        check(min(steps) > 0, 'a client read nothing')
        check(not meanwhile or meanwhile.count > 1, 'not both a kill and an upgrade')

    def _step(self, client, file, random):
        kind = random.randrange(20)
        if kind == 0:
            number = random.randrange(self.COUNT // 1000)
            equal([name for name, _ in client.list(f'/000/{number:03}')]
                  == [f'{number:06}{n:03}' for n in range(1000)], True, f'directory {number}')
        elif kind < 8:
            offset = 8 * random.randrange((1 << 37) - 8192)
            count = 8 * random.randrange(1, 8192)
            want = b''.join(n.to_bytes(8, 'big') for n in range(offset, offset + count, 8))
            check(client.pread(file, count, offset) == want, f'{count} bytes at {offset}')
        else:
            path, payload = self.record(random)
            equal(client.read(path), payload, path)


def check_ranges(client, payloads, random):
    """Reads any ranges of the records, and far behind in the generated file."""
    for number, payload in enumerate(payloads):
        handle = client.open(f'/{number:08}')
        for _ in range(40):
            offset, count = random.randrange(len(payload) + 2), random.randrange(1, 300000)
            check(client.pread(handle, count, offset) == payload[offset:offset + count],
                  f'{count} bytes at {offset} of record {number}')
        client.close(handle)
    handle = client.open('/.framefs/synthetic')
    for offset in (0, 8, 1 << 31, 1 << 32, (1 << 40) - 8):
        equal(client.pread(handle, 8, offset), offset.to_bytes(8, 'big'), f'8 bytes at {offset}')
    client.close(handle)


def need_survival():
    release = os.uname().release
    if tuple(map(int, re.findall(r'\d+', release)[:2])) < (6, 9):
        raise Skip(f'Linux {release}: only 6.9 sends unanswered requests again')


class Changes:
    """Another process serves the mount whenever its clients have come on by so many steps: by turns
    the worker is killed and the program upgraded. As long as they come on, it goes on.

    steps(): how far they are; without it by their calls of step().
    """

    def __init__(self, mount, each, steps=None):
        self.mount, self.each, self.count, self.next = mount, each, 0, each
        self.called = multiprocessing.get_context('fork').Value('Q', 0)
        self.steps = steps or (lambda: self.called.value)

    def step(self):
        """By a client: one thing more is done."""
        with self.called.get_lock():
            self.called.value += 1

    def __call__(self):
        if self.steps() >= self.next:
            (upgrade if self.count % 2 else kill_worker)(self.mount)
            self.count += 1
            self.next = self.steps() + self.each


def kill_worker(mount):
    """Kills it, and waits until another one has answered."""
    worker = mount.worker
    os.kill(worker, signal.SIGKILL)
    harness.wait_for(lambda: stat(mount, 'framefs_worker_pid') != worker, 'another worker')


def upgrade(mount):
    harness.framefs('upgrade', mount.dir)


def stat(mount, name):
    match = re.search(rf'^{re.escape(name)} (\d+)$', mount.control('stats').decode(), re.MULTILINE)
    check(match, f'no {name} in stats')
    return int(match[1])


def listings(mount):
    """How many requests of listings were answered."""
    return stat(mount, 'framefs_requests_total{op="readdirplus"}')
