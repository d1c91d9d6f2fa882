"""Links in what others say: only addresses of the web, and nothing that hides behind another text."""

import re
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

LINK: Final = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'…]")
LINKS: Final = 10
"""More of one message are text like any other."""


def find_links(text: str) -> list[re.Match[str]]:
    """The links in a text, as far as they are ones, and where they stand."""
    return [found for found in islice(LINK.finditer(text), LINKS) if host(found[0])]


def host(link: str) -> str:
    """Where a link leads; empty where it leads nowhere."""
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""
