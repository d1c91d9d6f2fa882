"""Programs of ours that start at once: forked from a process that has done what they have in common, the imports.

What `python -m realm` spends on its start, most of it on imports, is spent once for all tests of a worker instead of
once for each process. A fork runs the same program from its first line, in a process, a folder and an environment of
its own, and ends as the program does. Outside of pytest, where a start may be measured, programs start plainly.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final

_LENGTH: Final = 4
_FDS: Final = 4
_PIPED: Final = 60_000
"""Bytes that any pipe has room for."""


class Forked:
    """What a test needs of a `subprocess.Popen`."""

    def __init__(self, args: Sequence[str], report: IO[str], stdout: IO[str] | None = None) -> None:
        """`report` says the process's id, and once it has ended its exit code."""
        self.args = args
        self.stdout = stdout
        self.pid = int(report.readline())
        self.returncode: int | None = None
        self._report = report

    def poll(self) -> int | None:
        """The exit code, as `Popen` has it; None while the process runs."""
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """The same once it has ended; raises subprocess.TimeoutExpired."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """To the process, unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _ended(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self._report], [], [], seconds)[0]:
            self.returncode = int(self._report.readline())
            self._report.close()
        return self.returncode


class Nursery:
    """The process that has imported a program, and forks those that run it."""

    def __init__(self, module: str, env: Mapping[str, str]) -> None:
        """`module` is what `python -m` is told; the locale is taken from the environment as an interpreter starts."""
        self._module = module
        self._ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", __name__, module, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                command, env=dict(env), pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )

    def fork(
        self, words: Sequence[str], streams: tuple[int, int, int], env: Mapping[str, str], *, new_session: bool
    ) -> tuple[list[str], IO[str]]:
        """A process that runs the module with these words: what it was told, and who reports of it."""
        told, report = os.pipe()
        folder = str(Path.cwd())
        request = {"words": list(words), "env": dict(env), "folder": folder, "new_session": new_session}
        body = json.dumps(request).encode()
        try:
            socket.send_fds(self._ours, [len(body).to_bytes(_LENGTH, "big")], [*streams, report])
            self._ours.sendall(body)
        finally:
            os.close(report)
        return [self._module, *words], os.fdopen(told)

    def close(self) -> None:
        """End it. What it has forked goes on."""
        self._ours.close()
        self._process.wait()


_nurseries: dict[tuple[str, str], Nursery] = {}
_may_fork = False


def begin() -> None:
    """Programs are forked from now on."""
    global _may_fork
    _may_fork = True


def end() -> None:
    """Leave no process behind."""
    global _may_fork
    _may_fork = False
    while _nurseries:
        _nurseries.popitem()[1].close()


def _nursery(module: str, env: Mapping[str, str]) -> Nursery:
    key = module, env.get("LC_ALL", "")
    if key not in _nurseries:
        _nurseries[key] = Nursery(module, env)
    return _nurseries[key]


Process = Forked | subprocess.Popen[str]


def start(
    module: str,
    words: Sequence[str],
    stderr: IO[str],
    env: Mapping[str, str] = os.environ,
    *,
    new_session: bool = False,
) -> Process:
    """A process that does what `python -m module words…` does; its stdout is a pipe."""
    if not _may_fork:
        command = [sys.executable, "-m", module, *words]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=env, start_new_session=new_session
        )
    out, into = os.pipe()
    with Path(os.devnull).open() as nothing:
        streams = nothing.fileno(), into, stderr.fileno()
        forked = _nursery(module, env).fork(words, streams, env, new_session=new_session)
    os.close(into)
    return Forked(*forked, os.fdopen(out))


def run(
    module: str, words: Sequence[str], env: Mapping[str, str] = os.environ, typed: bytes = b"", timeout: float = 60
) -> tuple[int, bytes, bytes]:
    """The exit code, stdout and stderr of `python -m module words…` that has `typed` in its stdin.

    Raises subprocess.TimeoutExpired where it does not end.
    """
    if not _may_fork or len(typed) > _PIPED:
        command = [sys.executable, "-m", module, *words]
        done = subprocess.run(command, input=typed, capture_output=True, env=env, timeout=timeout, check=False)
        return done.returncode, done.stdout, done.stderr
    out, into = os.pipe()
    with os.fdopen(into, "wb") as told:
        told.write(typed)
    with os.fdopen(out) as stdin, tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        streams = stdin.fileno(), stdout.fileno(), stderr.fileno()
        process = Forked(*_nursery(module, env).fork(words, streams, env, new_session=False))
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            raise
        stdout.seek(0)
        stderr.seek(0)
        return code, stdout.read(), stderr.read()


# The nursery's own process


def _main(module: str, fd: int) -> None:
    """Import, and fork whenever that is asked for, until the other side is gone; a fork returns as the program."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those who end it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those who watch
    program = f"{module}.__main__"
    importlib.import_module(program)
    del sys.modules[program]  # it runs as `__main__`
    gc.freeze()
    control = socket.socket(fileno=fd)
    while (request := _receive(control)) is not None:
        told, fds = request
        if os.fork() == 0:
            control.close()
            _watch(told, *fds)
            break
        for one in fds:
            os.close(one)
    else:
        return
    sys.argv[1:] = told["words"]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """The next request, with its file descriptors; None where no more come."""
    head, fds, _, _ = socket.recv_fds(control, _LENGTH, _FDS, socket.MSG_WAITALL)
    if len(head) < _LENGTH:
        return None
    length = int.from_bytes(head, "big")
    body = b""
    while len(body) < length:
        part = control.recv(length - len(body))
        if not part:
            return None
        body += part
    return json.loads(body), fds


def _watch(told: dict[str, Any], *fds: int) -> None:
    """Fork once more and report what becomes of that; only the last fork returns, as the process that was asked for."""
    *streams, report = fds
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(report)
        _become(told, streams)
        return
    for fd in (0, 1, 2, *streams):
        os.close(fd)
    os.write(report, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(told: dict[str, Any], streams: Sequence[int]) -> None:
    """Have what a process of its own has from its start."""
    if told["new_session"]:
        os.setsid()
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    sys.stdin, sys.stdout = open(0), open(1, "w")  # noqa: SIM115
    sys.stderr = open(2, "w", errors="backslashreplace", buffering=1)  # noqa: SIM115
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(told["env"])
    time.tzset()
    os.chdir(told["folder"])


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
