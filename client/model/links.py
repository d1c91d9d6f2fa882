"""Links in what others say: only addresses of the web, and nothing that hides behind another text."""

import re
from itertools import islice
from typing import Final
from urllib.parse import urlsplit

from client.harmless import is_harmful

LINK: Final = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:!?)\]}'…]")
LINKS: Final = 10
"""More of one message are text like any other."""


def find_links(text: str) -> list[re.Match[str]]:
    """The links in a text, as far as they are ones, and where they stand."""
    found = islice(LINK.finditer(text), LINKS)
    return [link for link in found if host(link[0]) and not any(map(is_harmful, link[0]))]


def host(link: str) -> str:
    """Where a link leads; empty where it leads nowhere."""
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""
