"""The form before the chat: what it makes of a link and of what was typed, and how a tab's session is taken up."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from client.dial import Address
from client.errors import AnswerError, ClientError, ClosedError, IdentityError, NoAnswerError, UnreachableError
from client.ui.sign_in import SignIn, Tries
from client.ui.tabs import Door
from client.ui.window import Stage
from client.ui.words import ENGLISH
from schemas.errors import Code
from tests.rules import virtual_time

KNOWN, OVER = True, False
"""What a realm may say of a session."""
OWN = Address("chat.example.org", 8889)
KEY = "x" * 40
TRANSIENT = [Code.UNAVAILABLE, Code.INTERNAL_ERROR, Code.RATE_LIMITED, Code.QUEUE_FULL]


class Tab:
    """A tab at which somebody is logged in, as far as it knows; the realm answers what the test says."""

    def __init__(self, *outcomes: ClientError | bool) -> None:
        self.door: Door | None = Door(*OWN)
        self.host = SimpleNamespace(own=OWN, only_own=False)
        self.outcomes = list(outcomes)
        self.desk: object = None

    async def dial(self, door: Door, tell_why: object) -> "Tab":
        if isinstance(self.outcomes[0], UnreachableError | IdentityError):
            raise self.outcomes.pop(0)  # type: ignore[misc]
        return self

    async def resume(self) -> bool:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, ClientError):
            raise outcome
        return outcome

    def logged_out(self) -> None:
        self.door = None

    log_out = logged_out


class Window:
    """What the form needs of a window."""

    def __init__(self, tab: Tab, asked: str = "") -> None:
        self.tab = tab
        self.words = ENGLISH
        self.visit = SimpleNamespace(asked=asked, address="10.0.0.1")
        self.stage = Stage.CONNECTING
        self.trouble = ""
        self.whole = self.form_tick = SimpleNamespace(redraw=lambda: self.said.append(self.trouble))
        self.said: list[str] = []
        self.woken = 0
        self.notice = "Berhasil Join rahasia"

    def wake(self) -> None:
        self.woken += 1

    def say(self, notice: str) -> None:
        self.notice = notice


def form(window: Window) -> SignIn:
    shown: Any = window
    return SignIn(shown, str(OWN), Tries())


def resumed(*outcomes: ClientError | bool) -> Window:
    window = Window(Tab(*outcomes))

    async def test() -> None:
        await form(window).resume()

    virtual_time.run(test())
    return window


@pytest.mark.parametrize(
    "error",
    [*(AnswerError.of(code, "not now") for code in TRANSIENT), NoAnswerError("x"), ClosedError("x"),
     UnreachableError("x")],
    ids=lambda error: error.kind,
)  # fmt: skip
def test_a_realm_that_cannot_now_is_asked_again_and_nothing_is_forgotten(error: ClientError) -> None:
    window = resumed(error, error, KNOWN)
    assert window.tab.door is not None, "drafts and the session are kept"
    assert (window.woken, window.stage) == (1, Stage.CONNECTING)
    assert len(window.said) == 1
    assert window.said[0]


def test_who_logs_out_leaves_nothing_to_read() -> None:
    window = Window(Tab())
    form(window).sign_out()
    assert (window.stage, window.notice) == (Stage.SIGN_IN, "")


def test_a_session_that_is_over_leads_to_the_form() -> None:
    window = resumed(OVER)
    assert (window.tab.door, window.stage, window.trouble) == (None, Stage.SIGN_IN, ENGLISH.session_ended)


def test_a_realm_with_another_key_gets_no_session() -> None:
    window = resumed(IdentityError("other"))
    assert window.tab.door is not None
    assert (window.stage, window.trouble) == (Stage.SIGN_IN, ENGLISH.other_key)


def test_a_link_fills_the_form_in() -> None:
    invited = form(Window(Tab(), f"?realm=other.example:7000&key={KEY}&invite=T"))
    assert (invited.realm, invited.invite, invited.key, invited.registering) == ("other.example:7000", "T", KEY, True)
    known = form(Window(Tab(), f"?realm=other.example:7000&key={KEY}"))
    assert (known.realm, known.invite, known.key, known.registering) == ("other.example:7000", "", KEY, False)


def test_half_a_link_says_so() -> None:
    window = Window(Tab(), "?realm=other.example:7000&key=short")
    assert form(window).realm == str(OWN)
    assert window.trouble == ENGLISH.bad_link


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"username": ""}, "Please fill in: Username"),
        ({"password": ""}, "Please fill in: Password"),
        ({"password": "x" * 5_000}, f"Password: {ENGLISH.password_hint}"),
        ({"username": "a b"}, f"Username: {ENGLISH.name_hint}"),
        ({"registering": True}, "Please fill in: Name"),
        ({"registering": True, "name": "A", "country": "B", "password": "short"}, f"Password: {ENGLISH.password_hint}"),
        ({"realm": "elsewhere.example:1"}, ENGLISH.only_realm.format(address=OWN)),
        ({"realm": "a:b:c"}, ENGLISH.only_realm.format(address=OWN)),
    ],
)
def test_what_is_amiss_is_said_without_asking_the_realm(typed: dict[str, Any], said: str) -> None:
    tab = Tab()
    tab.host.only_own = True
    window = Window(tab)
    sign_in = form(window)
    for name, value in {"username": "messi", "password": "surabaya", **typed}.items():
        setattr(sign_in, name, value)
    asyncio.run(sign_in.submit())
    assert window.trouble == said
