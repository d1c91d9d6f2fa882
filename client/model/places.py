"""Where in the client somebody is, and the address of it that stands behind the `#` of the browser's own."""

from dataclasses import dataclass
from urllib.parse import quote, unquote

import msgspec

from schemas.names import Address, ConversationField, ConversationId, Name, NameField, parse, private


@dataclass(frozen=True, slots=True)
class Home:
    """The greeting, and where one can go."""


@dataclass(frozen=True, slots=True)
class Chats:
    """The list of conversations; on wide screens it is always there."""


@dataclass(frozen=True, slots=True)
class People:
    """All other users, to begin a private chat."""


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups that the user is in."""


@dataclass(frozen=True, slots=True)
class NewGroup:
    """A group is given a name."""


@dataclass(frozen=True, slots=True)
class OtherGroups:
    """The groups that the user is not in."""


@dataclass(frozen=True, slots=True)
class Members:
    """Who is in a group; `group` is its name, folded."""

    group: Name


@dataclass(frozen=True, slots=True)
class Room:
    """One conversation."""

    conversation: ConversationId


@dataclass(frozen=True, slots=True)
class Settings:
    """Profile, appearance, password, and whose realm this is."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search over people, groups and conversations."""


Place = Home | Chats | People | Groups | NewGroup | OtherGroups | Members | Room | Settings | Search

_FIXED: dict[str, Place] = {
    "/": Home(),
    "/chats": Chats(),
    "/people": People(),
    "/groups": Groups(),
    "/groups/new": NewGroup(),
    "/groups/others": OtherGroups(),
    "/settings": Settings(),
    "/search": Search(),
}
_ROUTES = {place: route for route, place in _FIXED.items()}
_ROOM, _MEMBERS = "/room/", "/members/"


def route(place: Place) -> str:
    """The address of a place."""
    match place:
        case Room(conversation):
            return _ROOM + quote(conversation, safe="/@,")
        case Members(group):
            return _MEMBERS + quote(group)
        case _:
            return _ROUTES[place]


def find(address: str) -> Place:
    """The place of an address; home where there is none such: anybody may have written it."""
    address = address.partition("?")[0]
    if address.startswith(_ROOM):
        conversation = _checked(address.removeprefix(_ROOM), ConversationField)
        return Home() if conversation is None else Room(_in_order(ConversationId(conversation)))
    if address.startswith(_MEMBERS):
        group = _checked(address.removeprefix(_MEMBERS), NameField)
        return Home() if group is None else Members(Name(group))
    return _FIXED.get(address, Home())


def above(place: Place, *, wide: bool, came_from: Place | None = None) -> Place:
    """Where one goes back to. The members of a group hang below its room for whoever came from there."""
    match place:
        case Room():
            return Home() if wide else Chats()
        case Members():
            return came_from if isinstance(came_from, Room) else Groups()
        case _:
            return Home()


def _in_order(conversation: ConversationId) -> ConversationId:
    """The one identifier of a private conversation, whichever of the two is named first."""
    kind, parties = parse(conversation)
    return private(Address(parties[0]), Address(parties[-1])) if kind == "private" else conversation


def _checked(quoted: str, field: object) -> str | None:
    """What the address says, in lower case, where it is of the `field`'s form."""
    try:
        return str(msgspec.convert(unquote(quoted).lower(), field))
    except msgspec.ValidationError:
        return None
