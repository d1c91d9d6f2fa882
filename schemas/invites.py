"""The link by which somebody is invited to a realm, and its grammar.

    http://WEB/?realm=HOST:PORT&key=KEY&invite=TOKEN

in any order, percent-encoded as UTF-8. `key` is the realm's CURVE key, which outranks what the front door says;
`invite` is what `register` needs where registration is by invite. Each comes at most once, and others are ignored.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

_REALM: Final = re.compile(r"(?:[\w.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(?P<port>[0-9]{1,5})")
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_WEB: Final = re.compile(r"https?://[^\s/?#][^\s?#]*")
_Z85: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_KEY: Final = re.compile(f"[{re.escape(_Z85)}]{{40}}")
_FIELDS: Final = ("realm", "key", "invite")
_AGAIN: Final = "ask for the link again, and copy the whole of it"


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a link says. One that exists has been checked: making another raises ValueError with a sentence."""

    realm: str
    """HOST:PORT of the front door, or [IPV6]:PORT; the port is 1 to 65535."""
    key: str | None = None
    """The realm's CURVE key in Z85, 40 characters."""
    token: str | None = field(default=None, repr=False)
    """The `invite` of `register`, at most 128 characters of URL-safe base64."""

    def __post_init__(self) -> None:
        found = _REALM.fullmatch(self.realm)
        if found is None or not 1 <= int(found["port"]) <= 65_535:
            raise ValueError("an invitation's realm is HOST:PORT, with a port of 1 to 65535")
        if self.key is not None and not _is_key(self.key):
            raise ValueError(f"an invitation's key is 40 characters of Z85: {_AGAIN}")
        if self.token is not None and not _TOKEN.fullmatch(self.token):
            raise ValueError(f"an invitation's invite is 1 to 128 letters, digits, '-' or '_': {_AGAIN}")

    def link(self, web: str) -> str:
        """The link to the web client at `web`, such as http://localhost:8550; ValueError where that is no address."""
        if not _WEB.fullmatch(web):
            raise ValueError(f"a web client's address is such as http://localhost:8550, not {web!r}")
        told = zip(_FIELDS, (self.realm, self.key, self.token), strict=True)
        query = "&".join(f"{name}={quote(value, safe=':')}" for name, value in told if value is not None)
        return f"{web.rstrip('/')}/?{query}"


def parse(text: str) -> Invitation:
    """What a link says, or the query of one, with or without its question mark.

    Raises ValueError with one sentence where it is none.
    """
    text = text.strip()
    # A fragment may come before the query too: some web clients have all of their route in it.
    query = text.partition("?")[2] if "?" in text else text
    told: dict[str, str] = {}
    for part in query.partition("#")[0].split("&"):
        name, _, value = part.partition("=")
        if name not in _FIELDS:
            continue
        if name in told:
            raise ValueError(f"an invitation says its {name} once: {_AGAIN}")
        told[name] = _decoded(name, value)
    if "realm" not in told:
        raise ValueError(f"this is no invitation, which has ?realm=HOST:PORT in it: {_AGAIN}")
    return Invitation(told["realm"], told.get("key"), told.get("invite"))


def _decoded(name: str, value: str) -> str:
    # No form has written it: a plus is a plus, of which keys are full.
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError(f"an invitation's {name} is UTF-8: {_AGAIN}") from error


def _is_key(text: str) -> bool:
    """Whether it is 32 bytes in Z85, which writes 4 bytes as 5 characters: some fives stand for more."""
    if not _KEY.fullmatch(text):
        return False
    return all(_number(text[at : at + 5]) < 2**32 for at in range(0, len(text), 5))


def _number(five: str) -> int:
    number = 0
    for character in five:
        number = number * 85 + _Z85.index(character)
    return number
