"""Slow work that never runs in a turn. The broker does it, and the result is an input of a later turn."""

import msgspec

from realm.request import Request


class HashPassword(msgspec.Struct, frozen=True):
    """Make an argon2id hash. The result is the hash."""

    ask: Request
    password: str
    replaces: str = ""
    """The hash that was right when this was asked, where there is one."""

    def __repr__(self) -> str:
        return f"HashPassword({self.ask.address})"


class CheckPassword(msgspec.Struct, frozen=True):
    """Check a password against a hash. The result says whether it is the one."""

    ask: Request
    password: str
    against: str

    def __repr__(self) -> str:
        return f"CheckPassword({self.ask.address})"


Job = HashPassword | CheckPassword
