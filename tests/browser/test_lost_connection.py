"""The realm or the web server goes away while people chat, and comes back: nothing is lost, nothing is said twice."""

import re

import pytest

from tests.browser.conftest import Campus, in_list, open_room, until

WRITE = "Write a message"
LOST = "Connection lost. Reconnecting…"
# The page looks whether the server is back, and the browser notes each try that fails; Flet's own tries raise, too.
GONE = (
    "uncaught: Exception",
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_RESET",
    "ERR_EMPTY_RESPONSE",
    "WebSocket connection to",
)


def test_a_banner_says_that_the_realm_is_down_and_what_was_missed_is_there_after(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.say(WRITE, "before")
    messi.sees_soon("stored: before")
    campus.realm.kill()
    messi.sees_soon(LOST)
    messi.sees_soon("stored: before", times=1)  # what is known stays to be read
    campus.realm.start()
    campus.script("henderson").tell("messi", "said while you were away")
    messi.sees_soon(": said while you were away", times=1)
    messi.sees_no_more(LOST)
    messi.say(WRITE, "after")
    messi.sees_soon("stored: after", times=1)
    messi.sees_soon("stored: before", times=1)
    campus.no_console_errors()


def test_a_message_that_failed_is_sent_again_and_arrives_once(campus: Campus) -> None:
    messi, henderson = campus.home("messi"), campus.home("henderson")
    open_room(messi, "henderson")
    open_room(henderson, "messi")
    campus.realm.kill()
    messi.say(WRITE, "through the night")
    messi.sees_soon("sending: through the night", times=1)
    messi.sees_soon(re.compile("not sent: .*: through the night"), times=1)
    campus.realm.start()
    messi.sees_no_more(LOST)
    messi.press("Try again")
    messi.sees_soon(re.compile("(stored|read): through the night"), times=1)
    messi.sees_no_more("not sent")
    henderson.sees_soon(": through the night", times=1)
    messi.say(WRITE, "and one more")
    henderson.sees_soon(": and one more", times=1)  # after it nothing is on its way any more
    henderson.sees_soon(": through the night", times=1)
    campus.no_console_errors()


@pytest.mark.thorough
def test_a_message_that_failed_is_discarded(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    campus.realm.kill()
    messi.say(WRITE, "better not")
    messi.sees_soon(re.compile("not sent: .*: better not"), times=1)
    messi.press("Discard")
    messi.sees_no_more("better not")
    campus.realm.start()
    messi.sees_no_more(LOST)
    messi.say(WRITE, "good morning")
    messi.sees_soon("stored: good morning")
    assert not messi.sees("better not")
    campus.no_console_errors()


def test_a_page_comes_back_with_its_web_server_still_logged_in(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.say(WRITE, "before")
    messi.sees_soon("stored: before")
    campus.web.kill()
    messi.sees_soon(LOST)
    campus.script("henderson").tell("messi", "said meanwhile")
    campus.web.start()
    messi.sees_soon(": said meanwhile", times=1)
    messi.sees_soon(re.compile("(stored|read): before"), times=1)
    messi.sees_no_more(LOST)
    messi.say(WRITE, "after")
    messi.sees_soon("stored: after", times=1)
    campus.no_console_errors(GONE)


@pytest.mark.thorough
def test_who_comes_while_the_realm_is_down_is_told_so(campus: Campus) -> None:
    messi = campus.visitor("messi")
    campus.realm.kill()
    messi.type("Username", "messi")
    messi.type("Password", "surabaya")
    messi.press("Sign in", "button")
    messi.sees_soon(f"The realm at 127.0.0.1:{campus.realm.door} does not answer.")
    campus.realm.start()
    messi.press("Sign in", "button")
    messi.sees_soon("Hello, Lionel Messi")
    campus.no_console_errors()


@pytest.mark.thorough
def test_a_page_that_is_loaded_while_the_realm_is_down_goes_on_when_it_is_back(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.say(WRITE, "before")
    messi.sees_soon("stored: before")
    campus.web.kill()
    campus.realm.kill()
    campus.web.start()
    messi.sees_soon(f"The realm at 127.0.0.1:{campus.realm.door} does not answer.")
    campus.realm.start()
    messi.sees_soon("stored: before", times=1)
    campus.no_console_errors(GONE)


@pytest.mark.thorough
def test_a_session_that_the_realm_has_ended_ends_here_too(campus: Campus) -> None:
    messi = campus.home("messi")
    campus.script("henderson").tell("messi", "halo")
    messi.press(in_list("Jordan Henderson"))
    messi.sees_soon(": halo")
    campus.script("messi").ask("passwd surabaya malang-2026")
    messi.sees_soon("The session has ended: sign in again.")
    until(lambda: messi.can_press("Sign in", "button"), "the login page is there")
    assert not messi.sees(": halo")
    campus.no_console_errors()
