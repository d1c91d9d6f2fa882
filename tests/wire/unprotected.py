"""What the attacks are tried on first: servers that take no care. Each does its harm in a process of its own.

`python -m tests.wire.unprotected router` is a bare ROUTER that echoes; `gathering` and `trusting` are manual
XPUBs that grant every subscription. The first takes all that wait before it grants; the second grants one at
a time, but does not mind frames that are no subscriptions. The first line on stdout is the port.
"""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import zmq


def echo(context: zmq.Context[zmq.Socket[bytes]]) -> None:
    """A ROUTER as libzmq makes it."""
    router = context.socket(zmq.ROUTER)
    print(router.bind_to_random_port("tcp://127.0.0.1"), flush=True)
    while True:
        router.send_multipart(router.recv_multipart())


def publish(context: zmq.Context[zmq.Socket[bytes]], *, gathers: bool) -> None:
    """A manual XPUB that answers every granted topic with one message under that topic."""
    xpub = context.socket(zmq.XPUB)
    xpub.xpub_manual = True
    print(xpub.bind_to_random_port("tcp://127.0.0.1"), flush=True)
    while True:
        xpub.poll()
        waiting = [xpub.recv()]
        while gathers and xpub.poll(0):
            waiting.append(xpub.recv())
        for said in waiting:
            if said[:1] == b"\x01":
                xpub.setsockopt(zmq.SUBSCRIBE, said[1:])
                xpub.send(said[1:])


@contextmanager
def unprotected(kind: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The port of such a server, and its process."""
    command = [sys.executable, "-m", "tests.wire.unprotected", kind]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline()), process
        finally:
            process.kill()


if __name__ == "__main__":
    with zmq.Context() as zmq_context:
        if sys.argv[1] == "router":
            echo(zmq_context)
        publish(zmq_context, gathers=sys.argv[1] == "gathering")
