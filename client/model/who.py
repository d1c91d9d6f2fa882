"""Who is in a conversation and what it is called, as its identifier tells."""

import unicodedata
from typing import Final

from client.harmless import visible
from schemas.names import Address, ConversationId, Name, crosses, parse

_BLANK: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Letters and signs that fonts draw as nothing."""


def is_group(conversation: ConversationId) -> bool:
    """Whether it is a group's, of the user's own realm: many speak there."""
    return parse(conversation).kind == "group"


def is_sent(conversation: ConversationId) -> bool:
    """Whether it is what the user has sent to a group of another realm: nobody else speaks there."""
    return parse(conversation).kind == "sent"


def is_to_group(conversation: ConversationId) -> bool:
    """Whether what is said there goes to a group, wherever that is."""
    return is_group(conversation) or is_sent(conversation)


def realm_of(address: str) -> Name:
    """The realm of a full address."""
    return Name(address.partition("@")[2])


def is_elsewhere(address: str, user: str) -> bool:
    """Whether somebody or some group is of another realm than the user."""
    return realm_of(address) != realm_of(user)


def other_realm(conversation: ConversationId, user: str) -> Name | None:
    """The other realm of a conversation that crosses to one."""
    return realm_of(party(conversation, user)) if crosses(conversation) else None


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
    return full_title(told, address) if is_elsewhere(address, user) else name_here(told, address)


def full_title(name: str, address: str) -> str:
    """What somebody or some group of another realm is called: anybody there may be of any name."""
    return visible(address if name == address or is_blank(name) else f"{name} ({address})")


def name_here(name: str, address: str) -> str:
    """What somebody or some group of the user's own realm is called: not as if they were of another."""
    username = address.partition("@")[0]
    if name != address and "@" in unicodedata.normalize("NFKC", name):  # there are others that look like it
        return f"{username} ({visible(name)})"  # what is cut off is not what nobody else has
    return visible(username if name == address or is_blank(name) else name)


def short(address: str, user: str) -> str:
    """Who somebody is for a user: the name that nobody else has, with the realm where it is another's."""
    return address if is_elsewhere(address, user) else address.partition("@")[0]


def name_beside(name: str, username: str) -> str:
    """How whoever has said something is called, with the name that nobody else has, where there is one to tell."""
    if username and is_blank(name):
        return username
    return f"{name} ({username})" if username and name != username else name


def is_blank(name: str) -> bool:
    """Whether nothing is seen of a name."""
    return all(one in _BLANK or unicodedata.category(one) in ("Zs", "Cf") for one in name)


def may_be_in(user: str, conversation: ConversationId) -> bool:
    """Whether a conversation may be this user's: nobody is in the private ones of others."""
    kind, parties = parse(conversation)
    if kind == "sent":
        return user == parties[0] and is_elsewhere(parties[1], user)
    return kind == "group" or user in parties
