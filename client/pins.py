"""The pins: which realm, with which key, was found at an address, and which key belongs to a realm's name.

The identity card is in the clear, as an SSH host key is. So the first one is believed, unless the key is
known from elsewhere, and a change is refused ever after. It is a person who decides what a change means.
"""

import re
import struct
from pathlib import Path
from typing import Final

import msgspec
import zmq.utils.z85

from client.errors import IdentityError, KeyringError, ProtocolError, UsageError
from client.files import locked, read_json, write_json
from schemas.answers import Card
from schemas.limits import PROTOCOL_VERSION
from schemas.names import NAME_PATTERN

KEY_LENGTH: Final = 40
"""Characters of a CURVE key in Z85."""


class Pin(msgspec.Struct, frozen=True):
    """What was found at an address."""

    realm: str
    key: str


class _File(msgspec.Struct):
    addresses: dict[str, Pin] = {}
    realms: dict[str, str] = {}


def is_key(text: str) -> bool:
    """Whether `text` is a CURVE key in Z85."""
    try:
        return len(text) == KEY_LENGTH and len(zmq.utils.z85.decode(text.encode("ascii"))) == 32
    except (ValueError, KeyError, struct.error):
        return False


def check_card(address: str, card: Card) -> None:
    """Raise ProtocolError where the card at `address` cannot be used."""
    if card.version != PROTOCOL_VERSION:
        raise ProtocolError(
            f"the realm at {address} speaks version {card.version} of the protocol, "
            f"this client version {PROTOCOL_VERSION}"
        )
    ports_ok = 0 < card.commands < 65_536 and 0 < card.push < 65_536
    if not (re.match(NAME_PATTERN, card.realm) and card.realm == card.realm.lower() and is_key(card.key) and ports_ok):
        raise ProtocolError(f"the identity card at {address} is not a valid one")


class Pins:
    """The pin file. Several clients may share it: it is read before each check, and written as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self, address: str, card: Card, known_key: str | None = None) -> None:
        """Let a card pass, and pin it where it is new; raise IdentityError where it is not the one known.

        `address` is host:port as dialled. A `known_key` outranks the first answer and, because a person
        vouches for it, an older pin too.
        """
        check_card(address, card)
        with locked(self._path):
            self._check(address, card, known_key)

    def _check(self, address: str, card: Card, known_key: str | None) -> None:
        pinned = self._load()
        if known_key is not None:
            _check_known(address, card, known_key)
        else:
            self._check_address(address, card, pinned.addresses.get(address))
            self._check_realm(address, card, pinned.realms.get(card.realm))
        found = Pin(card.realm, card.key)
        if pinned.addresses.get(address) != found or pinned.realms.get(card.realm) != card.key:
            pinned.addresses[address] = found
            pinned.realms[card.realm] = card.key
            write_json(self._path, pinned)

    def _check_address(self, address: str, card: Card, pin: Pin | None) -> None:
        if pin is None:
            return
        if pin.realm != card.realm:
            raise IdentityError(
                f"the realm at {address} was {pin.realm!r}, and now says that it is {card.realm!r}. "
                + self._advice(card)
            )
        if pin.key != card.key:
            raise IdentityError(
                f"the realm {card.realm!r} at {address} shows another key than before. " + self._advice(card)
            )

    def _check_realm(self, address: str, card: Card, key: str | None) -> None:
        if key is not None and key != card.key:
            raise IdentityError(
                f"{address} says that it is the realm {card.realm!r}, but shows another key than that realm. "
                + self._advice(card)
            )

    def _advice(self, card: Card) -> str:
        return (
            "Somebody may be listening in, or its operator has made it anew: ask the operator for the key, "
            f"and if it is {card.key} say so with --key '{card.key}'; what is known is in {self._path}"
        )

    def _load(self) -> _File:
        try:
            return read_json(self._path, _File) or _File()
        except KeyringError as error:
            raise KeyringError(f"{error}; without it a false realm could not be told") from error


def _check_known(address: str, card: Card, known_key: str) -> None:
    if not is_key(known_key):
        raise UsageError("a realm's key has 40 characters of Z85")
    if card.key != known_key:
        raise IdentityError(
            f"the realm at {address} shows the key {card.key}, not the one that was given: nothing was sent to it"
        )
