"""Names, addresses and the identifiers of conversations.

A name is checked when a frame is decoded, and never again: `Name` and `Address` are the proof that it was.
"""

from typing import Annotated, Final, NamedTuple, NewType

from msgspec import Meta

Name = NewType("Name", str)
"""A user, group or realm: checked, in lower case."""

Address = NewType("Address", str)
"""`name`, or `name@realm`: checked, in lower case."""

ConversationId = NewType("ConversationId", str)

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}"
NAME_PATTERN: Final = rf"^{_NAME}\Z"
ADDRESS_PATTERN: Final = rf"^{_NAME}(@{_NAME})?\Z"
_FULL: Final = rf"{_NAME}@{_NAME}"
FULL_PATTERN: Final = rf"^{_FULL}\Z"
CONVERSATION_PATTERN: Final = rf"^(group/{_FULL}|(private|sent)/{_FULL},{_FULL})\Z"
ULID_PATTERN: Final = r"^[0-7][0-9A-HJKMNP-TV-Z]{25}\Z"

NameField = Annotated[Name, Meta(pattern=NAME_PATTERN, title="name")]
TitleField = Annotated[str, Meta(pattern=NAME_PATTERN, title="name")]
"""A name of which the typed form is kept."""
AddressField = Annotated[Address, Meta(pattern=ADDRESS_PATTERN, title="name[@realm]")]
ConversationField = Annotated[ConversationId, Meta(pattern=CONVERSATION_PATTERN, title="conversation")]
UlidField = Annotated[str, Meta(pattern=ULID_PATTERN, title="ulid")]

EXPLAINED: Final = {
    NAME_PATTERN: "a name is 1 to 32 letters, digits, '.', '_' or '-', and starts with a letter or digit",
    ADDRESS_PATTERN: "an address is name or name@realm, in letters, digits, '.', '_' and '-'",
    FULL_PATTERN: "an address is name@realm, in letters, digits, '.', '_' and '-'",
    CONVERSATION_PATTERN: "a conversation is private/<a>,<b> or group/<name>@<realm> or sent/<user>,<group>",
    ULID_PATTERN: "a ULID is 26 characters of Crockford's base 32, in upper case",
}
"""What a person is told when a pattern does not match."""


class Conversation(NamedTuple):
    """The parts of a conversation's identifier."""

    kind: str
    parties: tuple[str, ...]
    """`name@realm` of the two users, or of the group, or of the user and the group."""


def fold(typed: str) -> Name:
    """The identifier of a name that was checked already: its lower-case form."""
    return Name(typed.lower())


def full(name: Name, realm: Name) -> Address:
    """`name@realm`."""
    return Address(f"{name}@{realm}")


def split(address: Address, own: Name) -> tuple[Name, Name]:
    """The name and the realm of an address; one without a realm is of realm `own`."""
    name, _, realm = address.partition("@")
    return Name(name), Name(realm or own)


def private(one: Address, other: Address) -> ConversationId:
    """The conversation of two users, the same whoever asks: `name@realm` of both, sorted by bytes."""
    first, second = sorted((one, other))
    return ConversationId(f"private/{first},{second}")


def group(address: Address) -> ConversationId:
    """The conversation of a group."""
    return ConversationId(f"group/{address}")


def sent(user: Address, to_group: Address) -> ConversationId:
    """What a user sent to a group of another realm; only that user sees it."""
    return ConversationId(f"sent/{user},{to_group}")


def parse(conversation: ConversationId) -> Conversation:
    """The parts of an identifier that was checked already."""
    kind, _, rest = conversation.partition("/")
    return Conversation(kind, tuple(rest.split(",")))


def crosses(conversation: ConversationId) -> bool:
    """Whether it is one of users of two realms, or of a user and a group of another."""
    kind, _, rest = conversation.partition("/")
    if kind != "private":
        return kind == "sent"
    one, _, other = rest.partition(",")
    return one.rpartition("@")[2] != other.rpartition("@")[2]
