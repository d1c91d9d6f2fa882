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
class Realms:
    """The realms that this one knows."""


@dataclass(frozen=True, slots=True)
class NewRealm:
    """A realm is made known."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One other realm: whom to write to there, and what came from it; `realm` is its name, folded."""

    realm: Name


@dataclass(frozen=True, slots=True)
class Settings:
    """Profile, appearance, password, and whose realm this is."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search over people, groups and conversations."""


Place = (
    Home
    | Chats
    | People
    | Groups
    | NewGroup
    | OtherGroups
    | Members
    | Room
    | Realms
    | NewRealm
    | Peer
    | Settings
    | Search
)

_FIXED: dict[str, Place] = {
    "/": Home(),
    "/chats": Chats(),
    "/people": People(),
    "/groups": Groups(),
    "/groups/new": NewGroup(),
    "/groups/others": OtherGroups(),
    "/realms": Realms(),
    "/realms/new": NewRealm(),
    "/settings": Settings(),
    "/search": Search(),
}
_ROUTES = {place: route for route, place in _FIXED.items()}
_ROOM, _MEMBERS, _PEER = "/room/", "/members/", "/realm/"


def route(place: Place) -> str:
    """The address of a place."""
    match place:
        case Room(conversation):
            return _ROOM + quote(conversation, safe="/@,")
        case Members(group):
            return _MEMBERS + quote(group)
        case Peer(realm):
            return _PEER + quote(realm)
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
    if address.startswith(_PEER):
        realm = _checked(address.removeprefix(_PEER), NameField)
        return Home() if realm is None else Peer(Name(realm))
    return _FIXED.get(address, Home())


def above(place: Place, *, wide: bool, came_from: Place | None = None) -> Place:
    """Where one goes back to.

    The members of a group hang below its room for whoever came from there, and so do rooms below another realm.
    """
    match place:
        case Room() if isinstance(came_from, Peer):
            return came_from
        case NewRealm() | Peer():
            return Realms()
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
