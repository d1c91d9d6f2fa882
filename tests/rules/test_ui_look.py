"""Colours that can be read."""

import ast
import re
from pathlib import Path

import flet as ft
import pytest

from client.model.people import COLOURS
from client.ui import look
from client.ui.look import AVATARS, avatar, text_field, tile

READABLE = 4.5
"""WCAG 2, AA, for text of this size."""


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_measured_as_others_do() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("colour", AVATARS)
def test_initials_can_be_read(colour: str) -> None:
    assert contrast(colour, "#ffffff") >= READABLE


def content(silent: ft.Control) -> object:
    return getattr(silent, "content", None)


def test_avatars_are_told_apart() -> None:
    assert len(set(AVATARS)) == COLOURS
    drawn = {getattr(content(avatar("Messi", f"user{number}@kampus")), "bgcolor", None) for number in range(200)}
    assert drawn == set(AVATARS)


def test_every_text_field_has_an_outline_that_is_seen() -> None:
    """Flet's own is black, also in the dark: WCAG AA asks 3:1 of it."""
    field = text_field("Name")
    assert field.border_color == ft.Colors.OUTLINE
    made = {
        file.name
        for file in Path(look.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "ft.TextField"
    }
    assert made == {"look.py"}


def test_names_of_others_are_shown_as_they_are() -> None:
    """A character that turns the line around is written out, for those who see and those who listen."""

    async def press(_: object) -> None:
        """Nothing."""

    shown = repr(tile("Me\u202essi", press, avatar("Me\u202essi", "messi@kampus"), "Me\u202essi", "\u202ebelow"))
    assert shown.count(r"\\u202e") == 3, shown  # the name, the heading, and what is below
    assert not re.search(r"(?<!\\)\\u202e", shown)
