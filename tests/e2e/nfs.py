"""NFS spoken by hand, for file handles that outlive a connection: a client that keeps nothing but
them (RFC 5531 calls, RFC 1813 for version 3, RFC 7530 for version 4.0). No file is opened: reads of
version 4 carry the anonymous state.

V3 and V4 are alike: .root(path), .lookup(handle, name), .attributes(handle), .read(handle, offset,
count), .names(handle)."""

import contextlib
import os
import socket
import struct

import harness

STALE = 70  # NFS3ERR_STALE, NFS4ERR_STALE
IO = 5
BADHANDLE = 10001
DIRECTORY, REGULAR = 2, 1
LISTING_BYTES = 32768


class NfsError(Exception):
    def __init__(self, status):
        super().__init__(f'NFS status {status}')
        self.status = status


class Reader:
    """XDR."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        self.at += count
        return self.data[self.at - count:self.at]

    def u32(self):
        return struct.unpack('>I', self.take(4))[0]

    def u64(self):
        return struct.unpack('>Q', self.take(8))[0]

    def opaque(self):
        count = self.u32()
        content = self.take(count)
        self.take(-count % 4)
        return content

    def status(self):
        status = self.u32()
        if status:
            raise NfsError(status)


def opaque(content):
    return struct.pack('>I', len(content)) + content + bytes(-len(content) % 4)


def u32(*values):
    return struct.pack(f'>{len(values)}I', *values)


def u64(value):
    return struct.pack('>Q', value)


class Connection:
    """Remote procedures of one program over TCP; network: a servers.Network that has the server."""

    def __init__(self, port, program, version, network=None, uid=0):
        self.program, self.version, self.last = program, version, 0
        self.credentials = opaque(u32(0) + opaque(b'test') + u32(uid, uid, 0))
        with network.entered() if network else contextlib.nullcontext():
            self.socket = socket.create_connection(('127.0.0.1', port), harness.LIMIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.socket.close()

    def call(self, procedure, arguments):
        """The reply's results, as a Reader."""
        self.last += 1
        message = (u32(self.last, 0, 2, self.program, self.version, procedure, 1)
                   + self.credentials + u32(0, 0) + arguments)
        self.socket.sendall(u32(0x80000000 | len(message)) + message)
        reply, last = b'', False
        while not last:
            head, = struct.unpack('>I', self._receive(4))
            reply += self._receive(head & 0x7fffffff)
            last = head >> 31
        reply = Reader(reply)
        harness.equal((reply.u32(), reply.u32(), reply.u32()), (self.last, 1, 0), 'head of a reply')
        reply.u32()
        reply.opaque()
        harness.equal(reply.u32(), 0, 'acceptance of a call')
        return reply

    def _receive(self, count):
        parts = []
        while count:
            part = self.socket.recv(count)
            if not part:
                raise ConnectionError('the server hung up')
            parts.append(part)
            count -= len(part)
        return b''.join(parts)


class V4(Connection):
    PUTFH, PUTROOTFH, LOOKUP, GETFH, GETATTR, READ, READDIR = 22, 24, 15, 10, 9, 25, 26
    TYPE, SIZE, FILEID = 1 << 1, 1 << 4, 1 << 20

    def __init__(self, port, network=None, uid=0):
        super().__init__(port, 100003, 4, network, uid)

    def compound(self, *operations):
        """operations: (number, arguments); the results stand behind those of the last one."""
        reply = self.call(1, opaque(b'') + u32(0, len(operations))
                          + b''.join(u32(number) + arguments for number, arguments in operations))
        reply.status()
        reply.opaque()
        harness.equal(reply.u32(), len(operations), 'results')
        for number, _ in operations:
            harness.equal(reply.u32(), number, 'operation')
            reply.status()
        return reply

    def root(self, path):
        names = [(self.LOOKUP, opaque(os.fsencode(name))) for name in path.strip('/').split('/')]
        return self.compound((self.PUTROOTFH, b''), *names, (self.GETFH, b'')).opaque()

    def lookup(self, handle, name):
        return self.compound((self.PUTFH, opaque(handle)),
                             (self.LOOKUP, opaque(os.fsencode(name))), (self.GETFH, b'')).opaque()

    def attributes(self, handle):
        """(kind, size, inode)"""
        reply = self.compound((self.PUTFH, opaque(handle)),
                              (self.GETATTR, u32(1, self.TYPE | self.SIZE | self.FILEID)))
        reply.take(4 * reply.u32() + 4)
        return reply.u32(), reply.u64(), reply.u64()

    def read(self, handle, offset, count):
        """At most count bytes, less at the end."""
        reply = self.compound((self.PUTFH, opaque(handle)),
                              (self.READ, bytes(16) + u64(offset) + u32(count)))
        reply.u32()
        return reply.opaque()

    def names(self, handle):
        found, cookie, verifier, end = [], 0, bytes(8), False
        while not end:
            reply = self.compound((self.PUTFH, opaque(handle)), (
                self.READDIR, u64(cookie) + verifier + u32(LISTING_BYTES, LISTING_BYTES, 0)))
            verifier = reply.take(8)
            while reply.u32():
                cookie = reply.u64()
                found.append(os.fsdecode(reply.opaque()))
                reply.take(4 * reply.u32())
                reply.opaque()
            end = reply.u32()
        return found


class V3(Connection):
    GETATTR, LOOKUP, READ, READDIR = 1, 3, 6, 16
    ATTRIBUTES_BYTES = 84

    def __init__(self, port, network=None, uid=0, mount_port=None):
        super().__init__(port, 100003, 3, network, uid)
        self.mount_port, self.network = mount_port, network

    def root(self, path):
        with Connection(self.mount_port, 100005, 3, self.network) as mount:
            reply = mount.call(1, opaque(os.fsencode(path)))
            reply.status()
            return reply.opaque()

    def _optional_attributes(self, reply):
        if reply.u32():
            reply.take(self.ATTRIBUTES_BYTES)

    def lookup(self, handle, name):
        reply = self.call(self.LOOKUP, opaque(handle) + opaque(os.fsencode(name)))
        reply.status()
        return reply.opaque()

    def attributes(self, handle):
        """(kind, size, inode)"""
        reply = self.call(self.GETATTR, opaque(handle))
        reply.status()
        kind = reply.u32()
        reply.take(16)
        size = reply.u64()
        reply.take(24)
        return kind, size, reply.u64()

    def read(self, handle, offset, count):
        """At most count bytes, less at the end."""
        reply = self.call(self.READ, opaque(handle) + u64(offset) + u32(count))
        reply.status()
        self._optional_attributes(reply)
        reply.take(8)
        return reply.opaque()

    def names(self, handle):
        found, cookie, verifier, end = [], 0, bytes(8), False
        while not end:
            reply = self.call(self.READDIR,
                              opaque(handle) + u64(cookie) + verifier + u32(LISTING_BYTES))
            reply.status()
            self._optional_attributes(reply)
            verifier = reply.take(8)
            while reply.u32():
                reply.u64()
                found.append(os.fsdecode(reply.opaque()))
                cookie = reply.u64()
            end = reply.u32()
        return [name for name in found if name not in ('.', '..')]


def read_all(client, handle, size, piece=1 << 20):
    """The file's bytes, by requests of a piece; a short answer is asked on."""
    parts, offset = [], 0
    while offset < size:
        part = client.read(handle, offset, min(piece, size - offset))
        harness.check(part, f'nothing at {offset} of {size} bytes')
        parts.append(part)
        offset += len(part)
    return b''.join(parts)
