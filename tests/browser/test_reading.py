"""A reader in a room where much is said: they are not disturbed, and find what is old and what is new."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.browser.conftest import Campus, Script, in_list, open_room, until
from tests.browser.person import Person

WRITE = "Write a message"
EACH_S = 0.05
"""Between two messages of a flood: 20 a second."""


@contextmanager
def flood(script: Script, other: str) -> Iterator[list[int]]:
    """Say something 20 times a second until the block ends; the list has the numbers that were said."""
    said: list[int] = []
    stop = threading.Event()
    failed: list[BaseException] = []

    def pour() -> None:
        try:
            while not stop.wait(max(0.0, begin + len(said) * EACH_S - time.monotonic())):
                script.tell(other, f"drop {len(said)}")
                said.append(len(said))
        except BaseException as error:  # noqa: BLE001 - it is raised where the test is
            failed.append(error)

    begin = time.monotonic()
    thread = threading.Thread(target=pour)
    thread.start()
    try:
        yield said
    finally:
        stop.set()
        thread.join()
    assert not failed, failed


def scroll_up_to(one: Person, text: str) -> None:
    """Scroll until a text is in the window, and not just above the list, where it is laid out already."""
    one.scroll_to(text, -300, at_most=200)
    one.scroll(-250)
    one.sees_soon(text)


@pytest.mark.thorough
def test_typing_is_not_disturbed_by_what_arrives(campus: Campus) -> None:
    henderson = campus.home("henderson")
    open_room(henderson, "messi")
    text = "all of this is typed while twenty messages a second arrive, and none of it may be lost"
    with flood(campus.script("messi"), "henderson") as said:
        henderson.sees_soon(re.compile(r": drop \d+$"))
        henderson.type(WRITE, "")
        at_first = len(said)
        henderson.with_page(lambda page: page.keyboard.type(text, delay=40))
        until(lambda: len(said) > at_first + 20, "many have arrived meanwhile")
        assert henderson.value(WRITE) == text
        henderson.key("Enter")
        henderson.sees_soon(f": {text}", times=1)
    henderson.sees_soon(f": drop {said[-1]}", times=1)
    campus.no_console_errors()


@pytest.mark.thorough
def test_who_reads_at_the_end_sees_each_message_come(campus: Campus) -> None:
    messi = campus.script("messi")
    henderson = campus.home("henderson")
    open_room(henderson, "messi")
    for number in range(1, 46, 4):
        messi.tell("henderson", *(f"line {one}." for one in range(number, number + 4)))
        henderson.sees_soon(f": line {number + 3}.")
        assert not henderson.sees("New messages")
    campus.no_console_errors()


@pytest.mark.thorough
def test_who_reads_further_up_stays_there_and_is_told_of_what_is_new(campus: Campus) -> None:
    messi = campus.script("messi")
    messi.tell("henderson", *(f"line {number}." for number in range(80)))
    henderson = campus.home("henderson")
    henderson.press(in_list("Lionel Messi"))
    henderson.sees_soon(": line 79.")
    scroll_up_to(henderson, ": line 40.")
    place = henderson.with_page(lambda page: page.get_by_text(": line 40.").first.bounding_box())
    messi.tell("henderson", "fresh 1", "fresh 2", "fresh 3")
    henderson.sees_soon("New messages (3)")
    assert henderson.sees(": line 40.")
    assert henderson.with_page(lambda page: page.get_by_text(": line 40.").first.bounding_box()) == place
    assert not henderson.sees(": fresh 3")
    henderson.press("New messages (3)")
    henderson.sees_soon(": fresh 3")
    henderson.sees_no_more("New messages")
    messi.tell("henderson", "fresh 4")
    henderson.sees_soon(": fresh 4")  # at the end one follows again
    campus.no_console_errors()


@pytest.mark.thorough
def test_one_who_answers_from_further_up_sees_their_own_words(campus: Campus) -> None:
    messi = campus.script("messi")
    messi.tell("henderson", *(f"line {number}." for number in range(80)))
    henderson = campus.home("henderson")
    henderson.press(in_list("Lionel Messi"))
    henderson.sees_soon(": line 79.")
    scroll_up_to(henderson, ": line 40.")
    henderson.say(WRITE, "to all of that: yes")
    henderson.sees_soon(": to all of that: yes")
    campus.no_console_errors()


def test_the_newest_are_there_at_once_and_older_ones_on_scrolling_up(campus: Campus) -> None:
    """Also those that were let go on the way up, when one comes down again."""
    campus.script("messi").tell("henderson", *(f"line {number}." for number in range(350)))
    henderson = campus.home("henderson")
    henderson.title_soon("(100) Bagan")  # the realm counts no further
    henderson.press(in_list("Lionel Messi"))
    henderson.sees_soon(": line 349.")
    for number in (240, 120, 0):
        scroll_up_to(henderson, f": line {number}.")
    henderson.sees_soon(": line 0.", times=1)
    henderson.sees_soon(": line 1.", times=1)
    for number in (150, 340):
        henderson.scroll_to(f": line {number}.", 300, at_most=200)
    henderson.say(WRITE, "that was long")
    henderson.sees_soon(": that was long", times=1)
    henderson.sees_soon(": line 349.")
    campus.no_console_errors()
