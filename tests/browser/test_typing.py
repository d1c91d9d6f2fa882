"""Who types fast, or over a slow line, loses nothing of what is typed."""

from contextlib import nullcontext

import pytest

from tests.browser.conftest import Campus, log_in, open_room, until
from tests.browser.slow import SlowLine

WRITE = "Write a message"
LINES = [f"{number} dan seterusnya" for number in ("satu", "dua", "tiga", "empat", "lima", "enam")]


@pytest.mark.parametrize(
    "delay",
    [pytest.param(0, id="at once", marks=pytest.mark.thorough), pytest.param(0.05, id="50 ms each way")],
)
def test_lines_that_are_typed_fast_are_each_sent_whole(campus: Campus, delay: float) -> None:
    with SlowLine(campus.web.port, delay) if delay else nullcontext(campus.web) as line:
        messi = campus.seat("messi")
        campus.seated.append(messi)
        messi.open(line.url)
        log_in(messi, "messi")
        open_room(messi, "henderson")
        messi.type(WRITE, "")
        messi.with_page(lambda page: page.keyboard.type("\n".join([*LINES, "and the rest"]), delay=25))
        for said in LINES:
            messi.sees_soon(f"stored: {said}", times=1)
        until(lambda: messi.value(WRITE) == "and the rest", "what was not sent stays to be written on")
        (answer,) = campus.script("messi").ask("history henderson")
        assert [one["message"] for one in answer["entries"]] == LINES
        campus.no_console_errors()
        messi.close()
