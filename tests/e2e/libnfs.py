"""libnfs, the NFS client in user space, through its C interface."""

import ctypes
import os

import harness

TIMEOUT_MS = 60000


class _Entry(ctypes.Structure):
    pass


_Entry._fields_ = [('next', ctypes.POINTER(_Entry)), ('name', ctypes.c_char_p),
                   ('inode', ctypes.c_uint64), ('type', ctypes.c_uint32),
                   ('mode', ctypes.c_uint32), ('size', ctypes.c_uint64)]


class _Stat(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in (
        'dev', 'ino', 'mode', 'nlink', 'uid', 'gid', 'rdev', 'size', 'blksize', 'blocks', 'atime',
        'mtime', 'ctime', 'atime_nsec', 'mtime_nsec', 'ctime_nsec', 'used')]


def _load():
    try:
        library = ctypes.CDLL('libnfs.so.13')
    except OSError as error:
        raise harness.Skip(f'libnfs: {error}') from error
    pointer, number, text = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_char_p
    place = ctypes.POINTER(ctypes.c_void_p)
    for name, result, arguments in (
            ('nfs_init_context', pointer, []), ('nfs_destroy_context', None, [pointer]),
            ('nfs_get_error', text, [pointer]),
            ('nfs_parse_url_dir', pointer, [pointer, text]), ('nfs_destroy_url', None, [pointer]),
            ('nfs_set_timeout', None, [pointer, ctypes.c_int]),
            ('nfs_mount', ctypes.c_int, [pointer, text, text]),
            ('nfs_open', ctypes.c_int, [pointer, text, ctypes.c_int, place]),
            ('nfs_close', ctypes.c_int, [pointer, pointer]),
            ('nfs_pread', ctypes.c_int, [pointer, pointer, number, number, text]),
            ('nfs_stat64', ctypes.c_int, [pointer, text, ctypes.POINTER(_Stat)]),
            ('nfs_opendir', ctypes.c_int, [pointer, text, place]),
            ('nfs_readdir', ctypes.POINTER(_Entry), [pointer, pointer]),
            ('nfs_closedir', None, [pointer, pointer])):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


class Client:
    """A mount of the URL in this process. To be used by one thread at a time."""

    def __init__(self, url):
        self.lib = _load()
        self.context = self.lib.nfs_init_context()
        self.lib.nfs_set_timeout(self.context, TIMEOUT_MS)
        parsed = self.lib.nfs_parse_url_dir(self.context, os.fsencode(url))
        harness.check(parsed, f'libnfs does not take {url}')
        server, path = ctypes.cast(parsed, ctypes.POINTER(ctypes.c_char_p * 2)).contents
        try:
            self._checked(self.lib.nfs_mount(self.context, server, path), 'mount')
        except OSError:
            self.lib.nfs_destroy_context(self.context)
            raise
        finally:
            self.lib.nfs_destroy_url(parsed)

    def _checked(self, result, what):
        if result < 0:
            told = (self.lib.nfs_get_error(self.context) or b'').decode()
            raise OSError(-result, f'{os.strerror(-result)} ({told})', what)
        return result

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.lib.nfs_destroy_context(self.context)

    def stat(self, path):
        found = _Stat()
        self._checked(self.lib.nfs_stat64(self.context, os.fsencode(path), ctypes.byref(found)),
                      path)
        return found

    def open(self, path):
        handle = ctypes.c_void_p()
        self._checked(self.lib.nfs_open(self.context, os.fsencode(path), os.O_RDONLY,
                                        ctypes.byref(handle)), path)
        return handle

    def pread(self, handle, count, offset):
        buffer = ctypes.create_string_buffer(count)
        got = self._checked(self.lib.nfs_pread(self.context, handle, offset, count, buffer),
                            'pread')
        return buffer.raw[:got]

    def close(self, handle):
        self._checked(self.lib.nfs_close(self.context, handle), 'close')

    def read(self, path, piece=1 << 20):
        handle = self.open(path)
        parts = []
        while not parts or parts[-1]:
            parts.append(self.pread(handle, piece, sum(map(len, parts))))
        self.close(handle)
        return b''.join(parts)

    def list(self, path):
        """(name, whether it is a directory) of all entries but . and .., in order."""
        stream = ctypes.c_void_p()
        self._checked(self.lib.nfs_opendir(self.context, os.fsencode(path), ctypes.byref(stream)),
                      path)
        found = []
        while entry := self.lib.nfs_readdir(self.context, stream):
            name = os.fsdecode(entry.contents.name)
            if name not in ('.', '..'):
                found.append((name, entry.contents.type == 2))
        self.lib.nfs_closedir(self.context, stream)
        return sorted(found)

    def walk(self, path=''):
        """The paths of all files below, names in order; .framefs is left out."""
        for name, is_directory in self.list(path or '/'):
            if name == '.framefs':
                continue
            if is_directory:
                yield from self.walk(f'{path}/{name}')
            else:
                yield f'{path}/{name}'
