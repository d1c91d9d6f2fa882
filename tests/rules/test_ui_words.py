"""The catalogue: every word in every language, with the same things to put in."""

import re
from dataclasses import fields
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.ui.words import ENGLISH, INDONESIAN, LANGUAGES, Words, choose

SAME_IN_BOTH = {"realm", "admin"}


@pytest.mark.parametrize("field", [field.name for field in fields(Words)])
def test_every_word_is_there_with_the_same_places(field: str) -> None:
    words = [getattr(language, field) for language in LANGUAGES.values()]
    assert all(words)
    if isinstance(words[0], str):
        assert len({tuple(sorted(re.findall(r"{\w+}", word))) for word in words}) == 1
        assert field in SAME_IN_BOTH or len(set(words)) == len(words), "not translated"
    else:
        assert len({len(word) for word in words}) == 1


@pytest.mark.parametrize(
    ("preferred", "code"),
    [
        ("id", "id"),
        ("in-ID", "id"),
        ("id-ID,id;q=0.9,en;q=0.8", "id"),
        ("de,en;q=0.5,id;q=0.7", "id"),
        ("de-DE", "en"),
        ("", "en"),
        ("en;q=x,id", "id"),
    ],
)
def test_the_browser_chooses(preferred: str, code: str) -> None:
    assert choose(preferred).code == code


@given(st.text())
def test_whatever_a_browser_prefers_there_is_a_language(preferred: str) -> None:
    assert choose(preferred) in LANGUAGES.values()


def test_days() -> None:
    today = date(2026, 11, 24)
    assert ENGLISH.day(today, today) == "Today"
    assert INDONESIAN.day(date(2026, 11, 23), today) == "Kemarin"
    assert ENGLISH.day(date(2026, 11, 2), today) == "Monday, 2 November"
    assert INDONESIAN.day(date(2025, 5, 1), today) == "Kamis, 1 Mei 2025"
