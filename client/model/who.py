"""Who is in a conversation and what it is called, as its identifier tells."""

from client.harmless import visible
from schemas.names import Address, ConversationId, parse


def is_group(conversation: ConversationId) -> bool:
    """Whether it is a group's."""
    return parse(conversation).kind == "group"


def other(conversation: ConversationId, user: str) -> Address | None:
    """The address of the other one of a private conversation: `user` itself where it is with nobody else."""
    kind, parties = parse(conversation)
    if kind != "private":
        return None
    return Address(next((one for one in parties if one != user), user))


def party(conversation: ConversationId, user: str) -> Address:
    """The address of the other one, or of the group."""
    return other(conversation, user) or Address(parse(conversation).parties[-1])


def title(conversation: ConversationId, user: str, told: str) -> str:
    """What a conversation is called: as the realm told, or else by its name; with the realm where it is another's."""
    address = party(conversation, user)
    name, _, realm = address.partition("@")
    shown = told or name
    return visible(shown if realm == user.partition("@")[2] else f"{shown} ({address})")


def short(address: str, user: str) -> str:
    """Who somebody is for a user: the name that nobody else has, with the realm where it is another's."""
    name, _, realm = address.partition("@")
    return name if realm == user.partition("@")[2] else address


def may_be_in(user: str, conversation: ConversationId) -> bool:
    """Whether a conversation may be this user's: nobody is in the private ones of others."""
    kind, parties = parse(conversation)
    return kind == "group" or (kind == "private" and user in parties)
