"""Dialogues against a realm of the test's own."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.conftest import StartRealm
from tests.wire.player import Stage

Play = Callable[..., Stage]


@pytest.fixture
def play(start_realm: StartRealm) -> Iterator[Play]:
    """Play a dialogue on a realm without accounts: `play("…", config="registration = 'closed'", big="x" * 1000)`."""
    with ExitStack() as stages:

        def play_it(dialogue: str, config: str = "", **values: Any) -> Stage:
            __tracebackhide__ = True
            stage = stages.enter_context(Stage(start_realm(config=config)))
            stage.play(dialogue, **values)
            return stage

        yield play_it


@pytest.fixture
def team(play: Play) -> Stage:
    """The three of the contract have registered, each on one device: `team.play("…")` goes on from there."""
    return play("""
        messi: register messi surabaya Argentina Lionel Messi
        henderson: register henderson surabaya Inggris Jordan Henderson
        lineker: register lineker surabaya Inggris Gary Lineker
    """)
