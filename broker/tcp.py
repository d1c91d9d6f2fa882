"""What the system knows of a connection, by its descriptor, which is libzmq's.

That may be closed at any moment and serve another connection then: whoever asks has to tell its own from that.
"""

import ctypes
import socket
import struct
import sys
from collections.abc import Callable
from typing import Final

ACKED: Final = 120
"""Where `tcpi_bytes_acked` is in `struct tcp_info`, which only ever grows at its end (include/uapi/linux/tcp.h),"""
RECEIVED: Final = 128
"""and `tcpi_bytes_received`. Linux 4.1 and later have both."""
_SIZE: Final = RECEIVED + 8
_ADDRESS: Final = 128
"""Of the largest address, bytes; the port is its second field, in network order, with IPv4 and with IPv6."""
_SYSTEM: Final = ctypes.PyDLL(None)
"""Which keeps the interpreter's lock: a call takes less than to have it again."""


def counted(descriptor: int, which: int) -> int | None:
    """One of these counts, bytes; None where nobody knows, or the descriptor is no TCP connection.

    By the system's own call: an object of Python's would close a descriptor that is not its own.
    """
    if sys.platform != "linux":
        return None
    info, size = ctypes.create_string_buffer(_SIZE), ctypes.c_uint32(_SIZE)
    failed = _SYSTEM.getsockopt(descriptor, socket.IPPROTO_TCP, socket.TCP_INFO, info, ctypes.byref(size))
    if failed or size.value < which + 8:
        return None
    return int(struct.unpack_from("=Q", info, which)[0])


def ports(descriptor: int) -> tuple[int, int]:
    """Ours and theirs; 0 for what is not known."""
    return _port(_SYSTEM.getsockname, descriptor), _port(_SYSTEM.getpeername, descriptor)


def _port(ask: Callable[..., int], descriptor: int) -> int:
    address, size = ctypes.create_string_buffer(_ADDRESS), ctypes.c_uint32(_ADDRESS)
    if ask(descriptor, address, ctypes.byref(size)):
        return 0
    return int(struct.unpack_from("!2xH", address)[0])
