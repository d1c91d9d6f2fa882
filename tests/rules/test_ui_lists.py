"""What people are called in the lists of people: never nothing, never as if they were of another realm."""

from types import SimpleNamespace
from typing import Any

import flet as ft
import pytest

from client.ui.pages import lists
from client.ui.words import ENGLISH
from schemas.answers import UserSeen
from schemas.names import Address, Name

WINDOW: Any = SimpleNamespace(
    words=ENGLISH,
    chat=SimpleNamespace(address=lambda name: Address(f"{name}@kampus")),
    people=SimpleNamespace(is_active=lambda _: False),
    press=lambda _: None,
)


def seen(name: str) -> tuple[str, str]:
    """What is read aloud of a line, and what stands on it."""
    drawn: Any = lists.person(WINDOW, UserSeen(username=Name("bob"), name=name, country="ID", active=False))
    button = drawn.content
    heading = button.content.title.content
    assert isinstance(heading, ft.Text)
    return str(button.label).removesuffix(f", {ENGLISH.inactive}"), str(heading.value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Bob", "Bob"),
        ("\u3164", "bob"),
        ("\u2800 \u200d", "bob"),
        ("messi@pusat", "bob (messi@pusat)"),
        ("messi\uff20pusat", "bob (messi\uff20pusat)"),
        ("\u202eboB", "\\u202eboB"),
        ("a\u2028b\nc\u200bd", "a\\u2028b\\x0ac\\u200bd"),
        ("<b>x</b> [y](http://z) **q**", "<b>x</b> [y](http://z) **q**"),
    ],
)
def test_a_hostile_name_is_seen_as_what_it_is(name: str, shown: str) -> None:
    assert seen(name) == (shown, shown)
