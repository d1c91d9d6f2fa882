"""Colours that can be read."""

import pytest

from client.model.people import COLOURS
from client.ui.look import AVATARS, avatar

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


def test_avatars_are_told_apart() -> None:
    assert len(set(AVATARS)) == COLOURS
    drawn = {getattr(avatar("Messi", f"user{number}@kampus"), "bgcolor", None) for number in range(200)}
    assert drawn == set(AVATARS)
