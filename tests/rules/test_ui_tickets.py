"""Tickets: for one session, one purpose and some time; and never more than a tab may have."""

import pytest

from client.ui.tickets import AT_MOST, Look, Purpose, Save, Tickets
from schemas.entries import File

SESSION, OTHER = object(), object()
FOTO = File(id="F1", name="foto.jpg", size=3, media_type="image/jpeg", digest=bytes(32))
PURPOSES: list[Purpose] = [Save(FOTO), Look(FOTO, small=True), Look(FOTO, small=False)]


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_ticket_is_for_what_it_was_given_for(purpose: Purpose) -> None:
    tickets = Tickets()
    code = tickets.give(SESSION, purpose)
    assert tickets.find(SESSION, code) == purpose
    assert tickets.find(SESSION, code[:-1]) is None
    assert len(code) >= 32


def test_each_purpose_has_a_ticket_of_its_own() -> None:
    tickets = Tickets()
    assert len({tickets.give(SESSION, purpose) for purpose in PURPOSES}) == len(PURPOSES)
    assert tickets.give(SESSION, Save(FOTO)) != Tickets().give(SESSION, Save(FOTO))


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_ticket_expires(purpose: Purpose) -> None:
    clock = Clock()
    tickets = Tickets(clock)
    code = tickets.give(SESSION, purpose)
    clock.now += purpose.lasts - 1
    assert tickets.find(SESSION, code) == purpose
    clock.now += 1
    assert tickets.find(SESSION, code) is None
    assert tickets.give(SESSION, purpose) != code


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_ticket_is_of_no_use_in_another_session(purpose: Purpose) -> None:
    tickets = Tickets()
    code = tickets.give(SESSION, purpose)
    assert tickets.find(OTHER, code) is None
    assert tickets.find(SESSION, code) is None, "nor after it"
    again = tickets.give(OTHER, purpose)
    tickets.clear()
    assert tickets.find(OTHER, again) is None


def test_what_is_drawn_again_has_the_same_ticket_for_half_of_its_time() -> None:
    clock = Clock()
    tickets, look = Tickets(clock), Look(FOTO, small=True)
    code = tickets.give(SESSION, look)
    clock.now += look.lasts / 2 - 1
    assert tickets.give(SESSION, look) == code
    clock.now += 1
    other = tickets.give(SESSION, look)
    assert other != code
    assert tickets.find(SESSION, other) == look


def test_a_ticket_stays_while_no_session_is_open() -> None:
    tickets = Tickets()
    code = tickets.give("session", Save(FOTO))
    nowhere = tickets.give(None, Save(FOTO))
    assert tickets.find(None, code) == Save(FOTO)
    assert tickets.find(None, nowhere) is None
    assert tickets.find("".join(["ses", "sion"]), code) == Save(FOTO), "the same, over another connection"
    assert tickets.find(OTHER, code) is None
    assert tickets.find(None, code) is None


def test_a_ticket_that_is_used_is_renewed() -> None:
    clock = Clock()
    tickets = Tickets(clock)
    code, other = tickets.give(SESSION, Save(FOTO)), tickets.give(SESSION, Save(_numbered(1)))
    clock.now += Save.lasts - 1
    tickets.renew(code)
    tickets.renew("none")
    clock.now += Save.lasts - 1
    assert tickets.find(SESSION, code) == Save(FOTO)
    assert tickets.find(SESSION, other) is None
    assert tickets.give(SESSION, Save(FOTO)) != code, "though what is drawn has a fresh one"


def test_a_download_has_hours() -> None:
    assert Save.lasts >= 12 * 3_600


def test_of_too_many_the_oldest_is_dropped() -> None:
    tickets = Tickets()
    codes = [tickets.give(SESSION, Save(_numbered(number))) for number in range(AT_MOST + 2)]
    assert [tickets.find(SESSION, code) is None for code in codes[:4]] == [True, True, False, False]
    assert tickets.find(SESSION, codes[-1]) == Save(_numbered(AT_MOST + 1))


def test_what_is_asked_for_again_is_dropped_last() -> None:
    tickets = Tickets()
    codes = [tickets.give(SESSION, Look(_numbered(number), small=True)) for number in range(AT_MOST)]
    assert tickets.give(SESSION, Look(_numbered(0), small=True)) == codes[0]
    tickets.give(SESSION, Save(FOTO))
    assert tickets.find(SESSION, codes[0]) is not None
    assert tickets.find(SESSION, codes[1]) is None


def _numbered(number: int) -> File:
    return File(id=f"F{number}", name="x", size=1, media_type="text/plain", digest=bytes(32))
