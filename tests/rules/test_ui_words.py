"""The catalogue: every word in every language, with the same things to put in."""

import ast
import inspect
import re
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.ui import words as module
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


def uses() -> set[str]:
    """The attributes that the client's own code reads of anything."""
    folder = Path(module.__file__).parent
    trees = [ast.parse(file.read_text()) for file in folder.rglob("*.py")]
    return {node.attr for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


def places_told() -> dict[str, list[str]]:
    """For each word, what is put in, as it is described below its field."""
    described = dict.fromkeys((field.name for field in fields(Words)), "")
    name = ""
    for line in inspect.getsource(Words).splitlines():
        if found := re.match(r"    (\w+): ", line):
            name = found[1]
        elif name and line.startswith('    """'):
            described[name] = line
    return {name: sorted(re.findall(r"{\w+}", told)) for name, told in described.items()}


def test_every_word_is_said_somewhere() -> None:
    assert {field.name for field in fields(Words)} - uses() == set()


@pytest.mark.parametrize("code", LANGUAGES)
def test_what_is_put_in_is_described(code: str) -> None:
    for field, told in places_told().items():
        word = getattr(LANGUAGES[code], field)
        if isinstance(word, str):
            assert sorted(re.findall(r"{\w+}", word)) == told, field
        else:
            assert "{" not in "".join(word), field


@given(st.dates(), st.dates(), st.sampled_from(list(LANGUAGES.values())))
def test_every_day_is_said(day: date, today: date, words: Words) -> None:
    long, short = words.day(day, today), words.short_day(day, today)
    assert long
    assert short
    if abs((today - day).days) > 6:
        assert str(day.day) in long
        assert str(day.day) in short
        assert (str(day.year) in long) == (day.year != today.year)


@pytest.mark.parametrize(
    ("count", "english", "indonesian"),
    [
        (0, "0 B", "0 B"),
        (999, "999 B", "999 B"),
        (1_000, "1.0 kB", "1,0 kB"),
        (9_949, "9.9 kB", "9,9 kB"),
        (9_950, "10 kB", "10 kB"),
        (999_499, "999 kB", "999 kB"),
        (999_500, "1.0 MB", "1,0 MB"),
        (1 << 30, "1.1 GB", "1,1 GB"),
        (5 << 40, "5498 GB", "5498 GB"),
    ],
)
def test_sizes(count: int, english: str, indonesian: str) -> None:
    assert (ENGLISH.bytes(count), INDONESIAN.bytes(count)) == (english, indonesian)
