"""Invites: who has one may register where `registration` is "invite". Each lets one account in, until it expires.

An invite is complete in itself: the operator's command writes it with nothing but the realm's key, beside a realm that
runs, and only the used ones are remembered. Its token is URL-safe base64 of a version byte, a random nonce, when it
expires, and a keyed BLAKE2b of these.
"""

import base64
import hashlib
import hmac
import re
import struct
from typing import Final, NamedTuple

from msgspec import UNSET

from realm.context import Ctx
from schemas.commands import Register
from schemas.errors import Code, Refusal

NONCE: Final = 16
"""Bytes of a nonce."""
_VERSION: Final = 1
_BODY: Final = struct.Struct(f">B{NONCE}sq")
_MAC: Final = 32
_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{76}")
"""57 bytes without padding, so that no two texts are the same bytes."""
_PURPOSE: Final = b"bagan invites v1"

ASK: Final = "ask the realm's operator for a new one"


class Invite(NamedTuple):
    """What a token says."""

    nonce: bytes
    """Random, 16 bytes: what is remembered of a used one."""
    expires: int
    """From then on it lets nobody in, ms since 1970 UTC."""


def derive_key(secret: bytes) -> bytes:
    """The key of a realm's invites, 32 bytes, from the secret half of its key pair.

    A secret of a purpose of its own: whatever is made with it says nothing about the CURVE key.
    """
    return hashlib.blake2b(secret, digest_size=32, person=_PURPOSE).digest()


def write(key: bytes, invite: Invite) -> str:
    """The token of an invite, 76 characters."""
    body = _BODY.pack(_VERSION, invite.nonce, invite.expires)
    return base64.urlsafe_b64encode(body + _mac(key, body)).decode()


def read(key: bytes, token: str) -> Invite | None:
    """The invite in a token; None where it was not written with this key, or not copied as it was."""
    if not _TOKEN.fullmatch(token):
        return None
    told = base64.urlsafe_b64decode(token)
    body, mac = told[:-_MAC], told[-_MAC:]
    if not hmac.compare_digest(mac, _mac(key, body)):
        return None
    version, nonce, expires = _BODY.unpack(body)
    return Invite(nonce, expires) if version == _VERSION else None


def admitted(ctx: Ctx, command: Register) -> Invite | Refusal | None:
    """The invite by which a registration is admitted, or why it is not; None where none is needed.

    It is used up by `Tx.use_invite`, in the transaction of the account.
    """
    if ctx.settings.registration != "invite":
        return None
    if command.invite is UNSET or not command.invite:
        return Refusal(Code.FORBIDDEN, "this realm takes new users by invite only: ask its operator for one")
    invite = read(ctx.rules.invite_key, command.invite)
    if invite is None:
        return Refusal(Code.FORBIDDEN, f"this invite is not this realm's, or not copied whole: {ASK}")
    if invite.expires <= ctx.now:
        return Refusal(Code.FORBIDDEN, f"this invite has expired: {ASK}")
    if ctx.tx.is_invite_used(invite.nonce):
        return Refusal(Code.FORBIDDEN, f"this invite has been used: log in if it was you, or {ASK}")
    return invite


def _mac(key: bytes, body: bytes) -> bytes:
    return hashlib.blake2b(body, key=key, digest_size=_MAC).digest()
