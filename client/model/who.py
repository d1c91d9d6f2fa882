"""Who is in a conversation, as its identifier tells."""

from schemas.names import Address, ConversationId, parse


def other(conversation: ConversationId, user: str) -> Address | None:
    """The address of the other one of a private conversation: `user` itself where it is with nobody else."""
    kind, parties = parse(conversation)
    if kind != "private":
        return None
    return Address(next((one for one in parties if one != user), user))


def may_be_in(user: str, conversation: ConversationId) -> bool:
    """Whether a conversation may be this user's: nobody is in the private ones of others."""
    kind, parties = parse(conversation)
    return kind == "group" or (kind == "private" and user in parties)
