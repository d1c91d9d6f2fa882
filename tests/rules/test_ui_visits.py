"""Who may open a WebSocket, and what is believed of what its query says."""

import asyncio
from collections.abc import MutableMapping
from datetime import UTC
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from client.ui.visits import MAX_QUERY, Visit, Visits, current, visit_of

TAB = "0123456789abcdef" * 2
Sent = MutableMapping[str, Any]


def scope(query: bytes | str, **headers: str) -> dict[str, Any]:
    raw = query if isinstance(query, bytes) else query.encode()
    return {
        "type": "websocket",
        "path": "/ws",
        "query_string": raw,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }


def query_of(**told: str) -> str:
    return urlencode({"tab": TAB, **told})


def visit(**told: str) -> Visit:
    found = visit_of(scope(query_of(**told)))
    assert found is not None
    return found


NAMES = st.sampled_from(["tab", "zone", "languages", "asked", "TAB", ""])
VALUES = st.one_of(
    st.just(TAB), st.text(), st.text("0123456789abcdefABCDEF", max_size=40), st.sampled_from(["../../etc", "Asia/.."])
)
QUERIES = st.one_of(
    st.binary(),
    st.lists(st.tuples(NAMES, VALUES)).map(lambda told: urlencode(told).encode()),
    st.binary().map(lambda rest: f"tab={TAB}&zone=".encode() + rest),
    st.text("tabzone=&;%0123456789ef+ ", max_size=80).map(str.encode),
)


@given(QUERIES)
@example(f"tab={TAB}&zone=%00".encode())
@example(f"tab={TAB}&zone={'x' * 3000}".encode())
@example(f"tab={TAB}&zone=America".encode())
@example(f"tab={TAB}&zone=../../../../etc/passwd".encode())
@example(f"tab={TAB}&zone=%C3%A9/%F0%9F%98%80".encode())
@example(f"tab={TAB}&tab=".encode())
def test_any_query_is_a_visit_or_none(query: bytes) -> None:
    found = visit_of(scope(query))
    if found is not None:
        assert len(found.tab) == 32
        assert set(found.tab) <= set("0123456789abcdef")
        assert found.zone.utcoffset(None) is None or found.zone is UTC


def test_what_a_page_tells() -> None:
    found = visit(zone="Asia/Jakarta", languages="id-ID,en", asked="?realm=127.0.0.1:8889&token=T", page="1-2-3-4")
    assert found == Visit(TAB, "id-ID,en", ZoneInfo("Asia/Jakarta"), "?realm=127.0.0.1:8889&token=T", page="1-2-3-4")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "..", "/etc/passwd", "\0", "x" * 3_000, "Europe"])
def test_an_unknown_zone_is_utc(zone: str) -> None:
    assert visit(zone=zone).zone is UTC


@pytest.mark.parametrize("tab", ["", TAB[:-1], TAB + "0", TAB.upper(), TAB[:-1] + "g", TAB + "\n", "\u0660" * 32])
def test_a_tab_is_32_hexadecimal_digits(tab: str) -> None:
    assert visit_of(scope(urlencode({"tab": tab}))) is None


def test_a_query_may_not_be_too_long() -> None:
    query = query_of(asked="")
    room = MAX_QUERY - len(query)
    assert visit_of(scope(query + "a" * room)) is not None
    assert visit_of(scope(query + "a" * (room + 1))) is None


@pytest.mark.parametrize(
    ("origin", "host", "admitted"),
    [
        ("http://bagan.example:8550", "bagan.example:8550", True),
        ("https://bagan.example", "bagan.example", True),
        ("http://[::1]:8550", "[::1]:8550", True),
        (None, "bagan.example", True),  # no browser
        ("http://evil.example", "bagan.example", False),
        ("http://bagan.example:8551", "bagan.example:8550", False),
        ("http://bagan.example.evil.example", "bagan.example", False),
        ("http://bagan.example@evil.example", "bagan.example", False),
        ("null", "bagan.example", False),  # a sandboxed frame, a file
        ("", "bagan.example", False),
        ("null", None, False),
        ("http://bagan.example", None, False),
    ],
)
def test_pages_of_others_are_refused(origin: str | None, host: str | None, admitted: bool) -> None:
    headers = {name: value for name, value in (("origin", origin), ("host", host)) if value is not None}
    assert (visit_of(scope(query_of(), **headers)) is not None) == admitted


@given(st.text(st.characters(codec="latin-1", exclude_characters="[]")))
def test_any_other_origin_is_refused(origin: str) -> None:
    assert visit_of(scope(query_of(), origin=origin, host="bagan.example:8550")) is None


@pytest.mark.parametrize("origin", ["http://[", "http://[::1", "http://]"])
def test_an_origin_that_is_no_address_is_refused(origin: str) -> None:
    assert visit_of(scope(query_of(), origin=origin, host="bagan.example")) is None


def test_a_visit_does_not_show_its_secrets() -> None:
    shown = repr(visit(asked="?realm=127.0.0.1:8889&token=INVITED", languages="id"))
    assert TAB not in shown
    assert "INVITED" not in shown
    assert "id" in shown


# the middleware


class Inner:
    """An application that notes whom it was called for, and says one thing."""

    def __init__(self) -> None:
        self.scopes: list[MutableMapping[str, Any]] = []
        self.visits: list[Visit | None] = []

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        self.visits.append(current.get(None))
        await send({"type": "said"})


def pass_through(inner: Inner, scope: dict[str, Any], error: Exception | None = None) -> list[Sent]:
    """What is sent to the browser; with `error`, sending fails."""
    sent: list[Sent] = []

    async def receive() -> Sent:
        return {"type": "websocket.connect"}

    async def send(message: Sent) -> None:
        if error is not None:
            raise error
        sent.append(message)

    asyncio.run(Visits(inner)(scope, receive, send))
    return sent


def test_a_websocket_finds_its_visit() -> None:
    inner = Inner()
    asked = scope(query_of(languages="id"))
    assert pass_through(inner, asked) == [{"type": "said"}]
    assert inner.scopes == [asked]
    assert inner.visits == [visit_of(asked)]


def test_a_websocket_of_another_page_is_closed_unheard() -> None:
    inner = Inner()
    asked = scope(query_of(), origin="http://evil.example", host="bagan.example")
    assert pass_through(inner, asked) == [{"type": "websocket.close", "code": 1008}]
    assert not inner.scopes


@pytest.mark.parametrize("kind", ["http", "lifespan"])
def test_all_else_passes_as_it_is(kind: str) -> None:
    inner = Inner()
    asked = {"type": kind, "query_string": b"tab=no", "headers": [(b"origin", b"http://evil.example")]}
    assert pass_through(inner, asked) == [{"type": "said"}]
    assert inner.scopes == [asked]
    assert inner.visits == [None]


def test_a_page_that_has_left_is_no_error() -> None:
    inner = Inner()
    assert pass_through(inner, scope(query_of()), ConnectionResetError("gone")) == []
    assert len(inner.scopes) == 1


def test_other_errors_of_sending_are_told(caplog: pytest.LogCaptureFixture) -> None:
    pass_through(Inner(), scope(query_of()), RuntimeError("wrong"))
    assert "wrong" in caplog.text
    with pytest.raises(OSError, match="gone"):
        pass_through(Inner(), scope(query_of()) | {"type": "http"}, OSError("gone"))
