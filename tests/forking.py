"""Programs of ours that start at once: forked from a process that has done what they have in common, the imports.

What `python -m realm` spends on its start, most of it on imports, is spent once for all tests of a worker instead of
once for each process. A fork runs the same program from its first line, in a process, a folder and an environment of
its own, and ends as the program does. Outside of pytest, where a start may be measured, programs start plainly.
"""

import array
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
import time
from collections.abc import Mapping, Sequence
from typing import IO, Any, Final

_LENGTH: Final = 4
_FDS: Final = 3


class Forked:
    """What a test needs of a `subprocess.Popen` whose stdout is a pipe."""

    def __init__(self, pid: int, stdout: IO[str], report: IO[str], args: Sequence[str]) -> None:
        """`report` is at its end, or has the exit code, when the process has ended."""
        self.pid = pid
        self.stdout = stdout
        self.args = args
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

    def __init__(self, module: str) -> None:
        """`module` is what `python -m` is told."""
        self._ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", __name__, module, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        self._module = module

    def fork(self, words: Sequence[str], stderr: int, env: Mapping[str, str], *, new_session: bool) -> Forked:
        """A process that runs the module with these words."""
        told, report = os.pipe()
        out, stdout = os.pipe()
        request = {"words": list(words), "env": dict(env), "folder": os.getcwd(), "new_session": new_session}  # noqa: PTH109
        body = json.dumps(request).encode()
        try:
            fds = array.array("i", [stdout, stderr, report])
            ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, fds)]
            self._ours.sendmsg([len(body).to_bytes(_LENGTH, "big")], ancillary)
            self._ours.sendall(body)
        finally:
            os.close(stdout)
            os.close(report)
        reports = os.fdopen(told)
        return Forked(int(reports.readline()), os.fdopen(out), reports, [self._module, *words])

    def close(self) -> None:
        """End it. What it has forked goes on."""
        self._ours.close()
        self._process.wait()


_nurseries: dict[str, Nursery] = {}
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


Process = Forked | subprocess.Popen[str]


def start(
    module: str,
    words: Sequence[str],
    stderr: IO[str],
    env: Mapping[str, str] | None = None,
    *,
    new_session: bool = False,
) -> Process:
    """A process that does what `python -m module words…` does; its stdout is a pipe."""
    if not _may_fork:
        command = [sys.executable, "-m", module, *words]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=env, start_new_session=new_session
        )
    if module not in _nurseries:
        _nurseries[module] = Nursery(module)
    return _nurseries[module].fork(words, stderr.fileno(), os.environ if env is None else env, new_session=new_session)


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


def _watch(told: dict[str, Any], stdout: int, stderr: int, report: int) -> None:
    """Fork once more and report what becomes of that; only the last fork returns, as the process that was asked for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os.close(report)
        if told["new_session"]:
            os.setsid()
        os.dup2(stdout, 1)
        os.dup2(stderr, 2)
        os.close(stdout)
        os.close(stderr)
        sys.stdout, sys.stderr = open(1, "w"), open(2, "w", errors="backslashreplace", buffering=1)  # noqa: SIM115
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(told["env"])
        time.tzset()
        os.chdir(told["folder"])
        return
    for fd in (0, 1, 2, stdout, stderr):
        os.close(fd)
    os.write(report, f"{pid}\n".encode())
    _, status = os.waitpid(pid, 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]))
