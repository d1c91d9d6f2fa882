"""What the system knows of a connection, by its descriptor, which is libzmq's.

That may be closed at any moment and serve another connection then: whoever asks has to tell its own from that.
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Callable
from typing import Final, NamedTuple

_COUNTED: Final = struct.Struct("=16xI4xI92xQQ8xI")
"""`tcpi_snd_mss`, `tcpi_unacked`, `tcpi_bytes_acked`, `tcpi_bytes_received` and `tcpi_notsent_bytes` in
`struct tcp_info`, which only ever grows at its end (include/uapi/linux/tcp.h). Linux 4.6 and later have all."""
_ADDRESS: Final = 128
"""Of the largest address, bytes; the port is its second field, in network order, with IPv4 and with IPv6."""
_MAPPED: Final = bytes(10) + b"\xff\xff"
"""What an address of IPv4 begins with where it is told as one of IPv6."""
_SYSTEM: Final = ctypes.PyDLL(None)
"""Which keeps the interpreter's lock: a call takes less than to have it again."""


class Counted(NamedTuple):
    """Bytes that went over a connection."""

    acked: int
    """Ours that the other side's system has."""
    received: int
    queued: int
    """Ours that this system has, and the other side's not yet: about so many, and 0 where there are none."""


def counted(descriptor: int) -> Counted | None:
    """What went over a connection; None where nobody knows, or the descriptor is no TCP connection.

    By the system's own call: an object of Python's would close a descriptor that is not its own.
    """
    if sys.platform != "linux":
        return None
    info, size = ctypes.create_string_buffer(_COUNTED.size), ctypes.c_uint32(_COUNTED.size)
    failed = _SYSTEM.getsockopt(descriptor, socket.IPPROTO_TCP, socket.TCP_INFO, info, ctypes.byref(size))
    if failed or size.value < _COUNTED.size:
        return None
    segment, unacked, acked, received, unsent = _COUNTED.unpack_from(info)
    return Counted(acked, received, unacked * segment + unsent)


def ports(descriptor: int) -> tuple[int, int]:
    """Ours and theirs; 0 for what is not known."""
    return _port(_SYSTEM.getsockname, descriptor), _port(_SYSTEM.getpeername, descriptor)


def network(descriptor: int) -> bytes:
    """Whom the other side's address tells apart: all of IPv4, and half of IPv6, as one site has the rest."""
    address = _address(_SYSTEM.getpeername, descriptor)
    if address is None:
        return b""
    family = struct.unpack_from("=H", address)[0]
    if family == socket.AF_INET:
        return address.raw[4:8]
    v6 = address.raw[8:24]
    return v6[12:] if v6.startswith(_MAPPED) else v6[:8]


def _port(ask: Callable[..., int], descriptor: int) -> int:
    address = _address(ask, descriptor)
    return 0 if address is None else int(struct.unpack_from("!2xH", address)[0])


def _address(ask: Callable[..., int], descriptor: int) -> "ctypes.Array[ctypes.c_char] | None":
    address, size = ctypes.create_string_buffer(_ADDRESS), ctypes.c_uint32(_ADDRESS)
    return None if ask(descriptor, address, ctypes.byref(size)) else address
