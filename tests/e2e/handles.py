"""name_to_handle_at, open_by_handle_at, telldir, seekdir: what Python's os module lacks."""

import ctypes
import os

from harness import libc

AT_FDCWD = -100


class _Dirent(ctypes.Structure):
    _fields_ = [('d_ino', ctypes.c_uint64), ('d_off', ctypes.c_int64),
                ('d_reclen', ctypes.c_ushort),
                ('d_type', ctypes.c_ubyte), ('d_name', ctypes.c_char * 256)]


libc.opendir.restype = ctypes.c_void_p
libc.opendir.argtypes = [ctypes.c_char_p]
libc.readdir.restype = ctypes.POINTER(_Dirent)
libc.readdir.argtypes = [ctypes.c_void_p]
libc.telldir.restype = ctypes.c_long
libc.telldir.argtypes = [ctypes.c_void_p]
libc.seekdir.argtypes = [ctypes.c_void_p, ctypes.c_long]
libc.closedir.argtypes = [ctypes.c_void_p]


class _Handle(ctypes.Structure):
    _fields_ = [('bytes', ctypes.c_uint), ('type', ctypes.c_int), ('data', ctypes.c_ubyte * 128)]


def _raise():
    code = ctypes.get_errno()
    raise OSError(code, os.strerror(code))


def handle_of(path):
    """(type, bytes) of the file's handle."""
    handle, mount = _Handle(bytes=128), ctypes.c_int()
    if libc.name_to_handle_at(AT_FDCWD, os.fsencode(path), ctypes.byref(handle),
                              ctypes.byref(mount), 0) != 0:
        _raise()
    return handle.type, bytes(handle.data[:handle.bytes])


def open_handle(directory, handle, flags=os.O_RDONLY):
    """A descriptor of the handle's file in the file system that directory is in."""
    known = _Handle(bytes=len(handle[1]), type=handle[0])
    ctypes.memmove(known.data, handle[1], len(handle[1]))
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        opened = libc.open_by_handle_at(descriptor, ctypes.byref(known), flags)
        if opened < 0:
            _raise()
        return opened
    finally:
        os.close(descriptor)


class Directory:
    """A directory stream."""

    def __init__(self, path):
        self.stream = libc.opendir(os.fsencode(path))
        if not self.stream:
            _raise()

    def next(self):
        """(name, inode, type) or None at the end."""
        entry = libc.readdir(self.stream)
        if not entry:
            return None
        return os.fsdecode(entry.contents.d_name), entry.contents.d_ino, entry.contents.d_type

    def tell(self):
        return libc.telldir(self.stream)

    def seek(self, place):
        libc.seekdir(self.stream, place)

    def close(self):
        libc.closedir(self.stream)
