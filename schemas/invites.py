"""How people and realms are invited, and the grammar of both.

A person comes by a link:

    http://WEB/?realm=HOST:PORT&key=KEY&invite=TOKEN

in any order, percent-encoded as UTF-8. `key` is the realm's CURVE key, which outranks what the front door says;
`invite` is what `register` needs where registration is by invite. Each comes at most once, and others are ignored.

A realm comes by one word, which a shell and a chat leave as it is:

    bagan-realm://NAME@HOST:PORT/KEY

with all three parts, percent-encoded too. There is no secret in it: whoever has it knows whom to dial, and no more.
"""

import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote, unquote

from schemas.names import NAME_PATTERN, fold

_REALM: Final = re.compile(r"(?P<host>[\w.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(?P<port>[0-9]{1,5})")
_SCHEME: Final = "bagan-realm://"
_OF_REALM: Final = re.compile(f"{_SCHEME}(?P<name>[^@/]*)@(?P<place>[^@/]*)/(?P<key>[^/]*)", re.ASCII | re.IGNORECASE)
_NO_PLACE: Final = "is no HOST:PORT: a host name or an address (IPv6 in brackets), and a port of 1 to 65535"
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_WEB: Final = re.compile(r"https?://[^\s/?#][^\s?#]*")
_Z85: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
_KEY: Final = re.compile(f"[{re.escape(_Z85)}]{{40}}")
_FIELDS: Final = ("realm", "key", "invite")
_AGAIN: Final = "ask for the link again, and copy the whole of it"
_COPY: Final = "ask for it again, and copy the whole of it"


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
        if _split(self.realm) is None:
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


@dataclass(frozen=True, slots=True)
class RealmInvitation:
    """What one realm's operator gives to another's. One that exists has been checked, as an `Invitation` has."""

    realm: str
    """The realm's name, in lower case."""
    place: str
    """HOST:PORT of its front door, or [IPV6]:PORT; the port is 1 to 65535."""
    key: str
    """Its CURVE key in Z85, 40 characters."""

    def __post_init__(self) -> None:
        if not re.match(NAME_PATTERN, self.realm) or self.realm != fold(self.realm):
            raise ValueError(f"a realm's invitation has its name before the @: {_COPY}")
        if _split(self.place) is None:
            raise ValueError(f"a realm's invitation has HOST:PORT after the @, with a port of 1 to 65535: {_COPY}")
        if not _is_key(self.key):
            raise ValueError(f"a realm's invitation ends in its key, 40 characters of Z85: {_COPY}")

    @property
    def host(self) -> str:
        """The host, an IPv6 address without its brackets."""
        return split_place(self.place)[0]

    @property
    def port(self) -> int:
        """The port of the front door."""
        return split_place(self.place)[1]

    def text(self) -> str:
        """The one word, of letters, digits and `:/@%._~-`."""
        return f"{_SCHEME}{self.realm}@{quote(self.place, safe=':')}/{quote(self.key, safe='')}"


def parse_realm(text: str) -> RealmInvitation:
    """What such a word says. Raises ValueError with one sentence where it is none."""
    text = text.strip()
    found = _OF_REALM.fullmatch(text)
    if found is None:
        if re.match(r"https?://", text):
            raise ValueError("this link invites a person: a realm's invitation is what `python -m realm invite` prints")
        raise ValueError(f"this is no realm's invitation, {_SCHEME}NAME@HOST:PORT/KEY: {_COPY}")
    try:
        name, place, key = (unquote(part, errors="strict") for part in found.group("name", "place", "key"))
    except UnicodeDecodeError as error:
        raise ValueError(f"a realm's invitation is UTF-8: {_COPY}") from error
    return RealmInvitation(fold(name) if name.isascii() else name, place, key)  # some others fold to ours


def split_place(text: str) -> tuple[str, int]:
    """Host and port of HOST:PORT or [IPV6]:PORT, without the brackets. Raises ValueError with one sentence."""
    found = _split(text)
    if found is None:
        raise ValueError(f"{text!r} {_NO_PLACE}")
    return found


def _split(text: str) -> tuple[str, int] | None:
    found = _REALM.fullmatch(text)
    if found is None or not 1 <= int(found["port"]) <= 65_535:
        return None
    return found["host"].removeprefix("[").removesuffix("]"), int(found["port"])


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
