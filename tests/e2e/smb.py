"""libsmbclient, Samba's client in user space, through its C interface. One user a process."""

import ctypes
import os

import harness

DIRECTORY = 7  # SMBC_DIR

_AUTH = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_int,
                         ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Entry(ctypes.Structure):
    _fields_ = [('kind', ctypes.c_uint), ('bytes', ctypes.c_uint), ('comment_bytes', ctypes.c_uint),
                ('comment', ctypes.c_void_p), ('name_bytes', ctypes.c_uint),
                ('name', ctypes.c_char * 1)]


@_AUTH
def _as_guest(_server, _share, _group, _group_bytes, user, _user_bytes, _password, _password_bytes):
    ctypes.memmove(user, b'nobody\0', 7)


class Client:
    """A share by its URL. To be used by one thread."""

    def __init__(self, url):
        try:
            self.lib = ctypes.CDLL('libsmbclient.so.0', use_errno=True)
        except OSError as error:
            raise harness.Skip(f'libsmbclient: {error}') from error
        self.lib.smbc_lseek.restype = ctypes.c_int64
        self.lib.smbc_lseek.argtypes = [ctypes.c_int, ctypes.c_int64, ctypes.c_int]
        self.lib.smbc_read.restype = ctypes.c_ssize_t
        self.lib.smbc_read.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t]
        self.lib.smbc_readdir.restype = ctypes.POINTER(_Entry)
        self.url = url
        self._checked(self.lib.smbc_init(_as_guest, 0), 'init')

    def _checked(self, result, what):
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), what)
        return result

    def open(self, path):
        return self._checked(self.lib.smbc_open(os.fsencode(self.url + path), os.O_RDONLY, 0), path)

    def pread(self, handle, count, offset):
        """Until count bytes or the end."""
        self._checked(self.lib.smbc_lseek(handle, offset, os.SEEK_SET), 'lseek')
        parts, buffer = [], ctypes.create_string_buffer(count)
        while count:
            got = self._checked(self.lib.smbc_read(handle, buffer, count), 'read')
            if not got:
                break
            parts.append(buffer.raw[:got])
            count -= got
        return b''.join(parts)

    def close(self, handle):
        self._checked(self.lib.smbc_close(handle), 'close')

    def read(self, path):
        handle = self.open(path)
        try:
            size = self._checked(self.lib.smbc_lseek(handle, 0, os.SEEK_END), 'lseek')
            return self.pread(handle, size, 0)
        finally:
            self.close(handle)

    def list(self, path):
        """(name, whether it is a directory) of all entries but . and .., names in order."""
        stream = self._checked(self.lib.smbc_opendir(os.fsencode(self.url + path)), path)
        found = []
        while entry := self.lib.smbc_readdir(stream):
            name = ctypes.string_at(ctypes.addressof(entry.contents) + _Entry.name.offset)
            name = os.fsdecode(name)
            if name not in ('.', '..'):
                found.append((name, entry.contents.kind == DIRECTORY))
        self.lib.smbc_closedir(stream)
        return sorted(found)

    def walk(self, path=''):
        """The paths of all files below, names in order."""
        for name, is_directory in self.list(path):
            if is_directory:
                yield from self.walk(f'{path}/{name}')
            else:
                yield f'{path}/{name}'
