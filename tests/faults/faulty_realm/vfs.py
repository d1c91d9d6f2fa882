"""SQLite's own access to files with a layer in front: calls fail when told so, and what is written is journalled.

The default VFS is copied, and so are the methods of each file that it opens; all but a few calls stay what they are.
"""

import _sqlite3
import ctypes
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from tests.faults.faulty_realm.orders import Orders

OK: Final = 0
IOERR: Final = 10
FULL: Final = 13
WRITE, FSYNC, TRUNCATE, SHMSIZE, SHMOPEN = (IOERR | kind << 8 for kind in (3, 4, 6, 19, 18))
CANTOPEN: Final = 14
MAIN_DB: Final = 0x100
JOURNAL: Final = 0x800
WAL: Final = 0x80000
KINDS: Final = {MAIN_DB: "db", JOURNAL: "journal", WAL: "wal"}

Close = CFUNCTYPE(c_int, c_void_p)
Write = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
Sync = CFUNCTYPE(c_int, c_void_p, c_int)
ShmMap = CFUNCTYPE(c_int, c_void_p, c_int, c_int, c_int, c_void_p)
Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)


class Methods(ctypes.Structure):
    """`sqlite3_io_methods`, version 3."""

    _fields_: ClassVar = [
        ("version", c_int),
        ("close", Close),
        ("read", c_void_p),
        ("write", Write),
        ("truncate", Truncate),
        ("sync", Sync),
        *((name, c_void_p) for name in ("size", "lock", "unlock", "reserved", "control", "sector", "device")),
        ("shm_map", ShmMap),
        *((name, c_void_p) for name in ("shm_lock", "shm_barrier", "shm_unmap", "fetch", "unfetch")),
    ]


class File(ctypes.Structure):
    """`sqlite3_file`."""

    _fields_: ClassVar = [("methods", POINTER(Methods))]


class Vfs(ctypes.Structure):
    """`sqlite3_vfs`, version 3."""

    _fields_: ClassVar = [
        ("version", c_int),
        ("file_size", c_int),
        ("longest", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("data", c_void_p),
        ("open", Open),
        ("delete", Delete),
        *((f"other_{number}", c_void_p) for number in range(14)),
    ]


@dataclass
class Opened:
    """A file that is open."""

    path: str
    kind: str
    was: Any
    """Its methods as SQLite has them."""
    mapped: set[int] = field(default_factory=set)


class Layer:
    """To be kept as long as SQLite is used."""

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._opened: dict[int, Opened] = {}
        self._copies: dict[int, Methods] = {}
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = POINTER(Vfs)
        self._default = library.sqlite3_vfs_find(None)
        self._vfs = Vfs.from_buffer_copy(self._default.contents)
        self._vfs.name = b"faulty"
        self._vfs.open, self._vfs.delete = Open(self._open), Delete(self._delete)
        assert library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1) == OK

    def _open(self, _: int, name: int, file: int, flags: int, out: int) -> int:
        kind = next((kind for flag, kind in KINDS.items() if flags & flag), "")
        if kind and (fault := self._orders.fault("open", kind)):
            return CANTOPEN if fault.code != "ENOSPC" else FULL
        code: int = self._default.contents.open(ctypes.addressof(self._default.contents), name, file, flags, out)
        if code == OK and kind:
            path = ctypes.string_at(name).decode()
            opened = ctypes.cast(file, POINTER(File)).contents
            self._opened[file] = Opened(path, kind, opened.methods.contents)
            opened.methods = ctypes.pointer(self._copy(opened.methods))
            self._orders.tell("open", path)
        return code

    def _copy(self, methods: Any) -> Methods:
        """The same with ours in the place of some; for all files that share them."""
        where = ctypes.addressof(methods.contents)
        if where not in self._copies:
            copy = self._copies[where] = Methods.from_buffer_copy(methods.contents)
            copy.close, copy.write, copy.truncate = Close(self._close), Write(self._write), Truncate(self._truncate)
            copy.sync, copy.shm_map = Sync(self._sync), ShmMap(self._shm_map)
        return self._copies[where]

    def _close(self, file: int) -> int:
        code: int = self._opened.pop(file).was.close(file)
        return code

    def _delete(self, _: int, name: bytes, flush: int) -> int:
        code: int = self._default.contents.delete(ctypes.addressof(self._default.contents), name, flush)
        if code == OK:
            self._orders.tell("delete", name.decode())
        return code

    def _write(self, file: int, data: int, count: int, offset: int) -> int:
        opened = self._opened[file]
        if fault := self._orders.fault("write", opened.kind):
            if fault.part and count > 1:
                self._written(opened, file, data, count // 2, offset)
            return FULL if fault.code == "ENOSPC" else WRITE
        return self._written(opened, file, data, count, offset)

    def _written(self, opened: Opened, file: int, data: int, count: int, offset: int) -> int:
        self._orders.tell("write", opened.path, offset, ctypes.string_at(data, count))
        code: int = opened.was.write(file, data, count, offset)
        return code

    def _truncate(self, file: int, size: int) -> int:
        opened = self._opened[file]
        if self._orders.fault("truncate", opened.kind):
            return TRUNCATE
        self._orders.tell("truncate", opened.path, size)
        code: int = opened.was.truncate(file, size)
        return code

    def _sync(self, file: int, flags: int) -> int:
        opened = self._opened[file]
        if self._orders.fault("sync", opened.kind):
            self._orders.tell("lost", opened.path)
            return FSYNC
        code: int = opened.was.sync(file, flags)
        self._orders.tell("flushed" if code == OK else "lost", opened.path)
        return code

    def _shm_map(self, file: int, region: int, size: int, extend: int, out: int) -> int:
        """Only what is not mapped yet needs room."""
        opened = self._opened[file]
        if region not in opened.mapped and (fault := self._orders.fault("shm", opened.kind)):
            return SHMSIZE if fault.code == "ENOSPC" else SHMOPEN
        code: int = opened.was.shm_map(file, region, size, extend, out)
        if code == OK and extend:
            opened.mapped.add(region)
        return code
