"""Links in what others say: only what is one, and not too many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.model.links import LINKS, find_links


def links_in(text: str) -> list[str]:
    return [found[0] for found in find_links(text)]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        (
            "see https://example.org/a?b=c#d, or (http://example.org).",
            ["https://example.org/a?b=c#d", "http://example.org"],
        ),
        ("javascript:alert(1) data:text/html,x file:///etc/passwd ftp://example.org", []),
        ("http://[x https://[foo]bar http://a\u2100b", []),
        ("https://", []),
        ("https://example.org/\u202egro.rehto and https://exa\u200bmple.org", []),
        ('<a href="https://example.org">free</a>', ["https://example.org"]),
    ],
)
def test_links(text: str, links: list[str]) -> None:
    assert links_in(text) == links


def test_a_message_full_of_links_has_few() -> None:
    assert len(links_in(" ".join(f"http://{number}.a" for number in range(5_000)))) == LINKS


@given(st.text(), st.text("htps:/[]@.a\u2100 "))
def test_any_text_has_links_or_none(one: str, other: str) -> None:
    for link in links_in(one + " http://" + other):
        assert link.startswith(("http://", "https://"))
