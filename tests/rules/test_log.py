"""The log: its lines are listed for operators, and errors are told without their text."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from broker import logs
from realm.incident import CAUSES, about, trace
from realm.inputs import FromPeer, JobDone, Subscribed
from realm.jobs import HashPassword, ReadSettings
from realm.settings import Log
from schemas import commands
from schemas.codec import Malformed
from schemas.errors import Code, Refusal
from schemas.federation import PeerAnswer
from schemas.names import Name
from tests.rules.kit import request

ROOT = Path(__file__).parent.parent.parent
LISTED = re.compile(r"^\| `(?P<event>[^`]+)` \| (?P<fields>[^|]*) \|", re.MULTILINE)
SECRET = "planted-secret"
LEVELS = ("info", "warning", "error")


def texts_of(node: ast.expr) -> list[str]:
    """What an argument says, which may be one of two."""
    if isinstance(node, ast.IfExp):
        return texts_of(node.body) + texts_of(node.orelse)
    return [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []


def logged(source: str) -> Iterator[str]:
    """The events that a module logs."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        first, second = (*map(texts_of, node.args), [], [])[:2]
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        name = method or getattr(node.func, "id", "")
        if method in LEVELS or name in ("name", "_name"):
            yield from first
        elif name == "_end" or (name in ("note", "Note") and set(first) & set(LEVELS)):
            yield from second


def test_every_line_is_listed_and_no_other() -> None:
    sources = [path.read_text() for folder in ("broker", "realm") for path in (ROOT / folder).rglob("*.py")]
    page = (ROOT / "docs" / "log.md").read_text()
    listed = [found["event"] for found in LISTED.finditer(page) if found["event"] != "event"]
    assert sorted(listed) == sorted({event for source in sources for event in logged(source)})


def test_events_are_found() -> None:
    source = 'log.info("a", x=1); ctx.note("error", "b"); Note("info", "c", {}); culprits.name("d", who); log.info(x)'
    assert list(logged(f"{source}; self._end(caller, 'e', frame); ctx.note(level, 'f')")) == ["a", "b", "c", "d", "e"]


def broken() -> None:
    """Raise an error whose text is secret, as is that of what led to it."""
    try:
        int(SECRET)
    except ValueError:
        raise KeyError(SECRET)  # noqa: B904 - as a handler would that does not know


def test_where_an_error_was_without_its_text() -> None:
    with pytest.raises(KeyError) as raised:
        broken()
    told = trace(raised.value)
    assert told[0] == "KeyError"
    assert re.fullmatch(r"rules/test_log.py:\d+ broken", told[2])
    assert told[3:5] == ["from", "ValueError"]
    assert SECRET not in repr(told)
    endless = ValueError()
    endless.__cause__ = endless
    assert trace(endless).count("ValueError") == CAUSES


def test_what_an_input_was() -> None:
    said = commands.Auth(id=7, username=Name("messi"), password=SECRET)
    asked = request("k" * 40, said, "192.0.2.1")
    who = {"command": "auth", "call": 7, "key": "k" * 40, "address": "192.0.2.1"}
    assert about(asked) == {"input": "Request", **who}
    assert about(JobDone(HashPassword(asked, SECRET), SECRET, 1)) == {"input": "JobDone", "job": "HashPassword", **who}
    assert about(JobDone(ReadSettings(None), None, 1)) == {"input": "JobDone", "job": "ReadSettings"}
    unreadable = request("k", Malformed(None, Refusal(Code.BAD_REQUEST, SECRET)))
    answer = FromPeer(3, PeerAnswer(id=1, code=SECRET, nonce=SECRET.encode()))
    others = [unreadable, Subscribed("k", SECRET.encode()), answer]
    assert SECRET not in repr([about(other) for other in others])
    assert about(answer) == {"input": "FromPeer", "peer": 3, "said": "PeerAnswer"}


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[logs.Forgiving]:
    yield logs.Forgiving(sys.stderr)
    logs.adopt(Log())
    structlog.reset_defaults()


@pytest.mark.usefixtures("lines")
def test_form_and_level_change_while_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(Log())
    log = structlog.get_logger()
    log.info("one", why="\x1b[31m\u202e")
    logs.adopt(Log(format="json", level="warning"))
    log.info("two")
    log.warning("three", why="\x1b")
    readable, as_json = capsys.readouterr().err.splitlines()
    assert "one" in readable
    assert "\x1b[31m\u202e" not in readable
    assert json.loads(as_json)["event"] == "three"
    assert json.loads(as_json)["level"] == "warning"


@pytest.mark.parametrize("where", ["main", "thread", "unraisable"])
def test_what_is_unforeseen_is_one_line_without_its_text(where: str) -> None:
    program = f"""
import threading
from broker import logs
from realm.settings import Log
logs.configure(Log(format="json"))
logs.catch_unforeseen()
class Breaks:
    def __del__(self):
        raise ValueError({SECRET!r})
def breaks():
    raise ValueError({SECRET!r})
if {where!r} == "main":
    breaks()
elif {where!r} == "thread":
    thread = threading.Thread(target=breaks, name="thread")
    thread.start()
    thread.join()
else:
    Breaks()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT)
    (line,) = done.stderr.splitlines()
    told = json.loads(line)
    assert (told["event"], told["level"], told["where"]) == ("unforeseen", "error", where)
    assert told["at"][0] == "ValueError"
    assert told["at"][-1].endswith("breaks" if where != "unraisable" else "__del__")
    assert SECRET not in done.stderr + done.stdout
    assert done.returncode == (where == "main")
