"""The settings of a realm, each with a default that suits a small one. Read once, at start.

Raises SettingsError where the file says something that cannot be meant.
"""

import ipaddress
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from schemas.limits import MAX_CHUNK

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
Days = Annotated[float, Meta(ge=0, le=36_500)]


class SettingsError(Exception):
    """The settings file cannot be used; the message names the place and the reason."""


class Hashing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How passwords are hashed (argon2id; the defaults are the second choice of RFC 9106, section 4)."""

    memory_kib: Annotated[int, Meta(ge=8, le=4_194_304)] = 65_536
    passes: Annotated[int, Meta(ge=1, le=100)] = 3
    lanes: Annotated[int, Meta(ge=1, le=64)] = 4
    workers: Annotated[int, Meta(ge=1, le=64)] = 2
    """How many hashes run at once."""
    max_wait_ms: Positive = 5_000
    """A login that would wait longer for its turn is answered `rate_limited`."""

    def __post_init__(self) -> None:
        if self.memory_kib < 8 * self.lanes:
            raise ValueError(f"memory_kib: argon2 needs at least 8 for each of the {self.lanes} lanes")


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one address, one user and one session may ask of a realm.

    Addresses in `trusted_clients` are exempt from the limits by address.
    """

    handshakes_per_second: Positive = 20
    handshake_burst: Positive = 200
    door_per_second: Positive = 20
    door_burst: Positive = 200
    logins_per_minute: Positive = 30
    login_burst: Positive = 30
    free_failures: NotNegative = 5
    """Wrong passwords for one user that cost no delay."""
    failure_delay_ms: Positive = 1_000
    """The delay after the next one; it doubles with each."""
    failure_delay_max_ms: Positive = 900_000
    session_per_second: Positive = 200
    """Units of cost (see the command table) that a session earns."""
    session_burst: Positive = 2_000
    address_per_second: Positive = 50
    """The same for commands without a valid session."""
    address_burst: Positive = 500
    sessions_per_user: Positive = 20
    session_idle_days: Positive = 30


class Files(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What files may take, and how long what nobody has finished or sent is kept.

    Each content fills whole blocks of 4 KiB, and at least one.
    """

    max_bytes: NotNegative = 1 << 30
    """Of one file."""
    user_bytes: NotNegative = 5 << 30
    """Of all that one user has uploaded, each content once, with what is being uploaded."""
    realm_bytes: NotNegative = 50 << 30
    """The same for all users; what several have uploaded counts once."""
    uploads_per_user: Positive = 8
    """Uploads that are not complete."""
    uploads: Positive = 256
    """The same for all users."""
    unfinished_hours: Annotated[float, Meta(gt=0)] = 24
    """An upload that was left alone for so long is given up."""
    unsent_hours: Annotated[float, Meta(gt=0)] = 24
    """A file that was not sent within so long is forgotten."""
    chunk_bytes: Annotated[int, Meta(ge=4_096, le=MAX_CHUNK)] = MAX_CHUNK
    """What a client is told to send at once; ours sends no large file in less."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 2
    """How many files are read or written at once."""


class PeerRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which realms may be peers, and what waits for them. Who federates at all is `federation`."""

    add: Literal["users", "admins"] = "users"
    """Who may say `addrealm`."""
    listed: tuple[str, ...] = ()
    """With `federation = "listed"`: the names of the realms that may be peers."""
    denied: tuple[str, ...] = ()
    """Names or keys of realms that may not, and that are not spoken to if they are peers already."""
    networks: tuple[str, ...] = ("0.0.0.0/0", "::/0")
    """Where the front doors of peers may be."""
    most: Annotated[int, Meta(ge=1, le=10_000)] = 500
    """How many there may be."""
    queue: Positive = 20_000
    """How many messages may wait for one peer."""
    keep_days: Annotated[float, Meta(gt=0, le=30)] = 7
    """How long what a peer has acknowledged is kept, should it have to be put back from a backup."""
    remember_days: Annotated[float, Meta(ge=30)] = 30
    """How long it is remembered what came from peers, so that nothing comes twice."""
    units_a_turn: Positive = 2_000
    """How much of what one peer sends is taken before it is others' turn; the rest is sent again within a second.

    A message is a unit, each 8 sessions that hear it are another, and so are 8 KiB of its length. A thousand units take
    some 25 ms."""
    file_bytes: NotNegative = 20 << 30
    """Of all that one peer has brought and is bringing, each content once."""

    def __post_init__(self) -> None:
        for network in self.networks:
            ipaddress.ip_network(network)
        if self.keep_days > self.remember_days:
            raise ValueError("keep_days: what is sent again must still be remembered at the other side")


class Retention(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """For how many days what is said is kept, counted from when this realm stored it; 0 is for ever.

    What is older is removed for everybody, the oldest first, within minutes; what still waits for another realm is not.
    """

    private_days: Days = 0
    """Between two users of this realm, and notes."""
    group_days: Days = 0
    """In the groups of this realm."""
    realm_days: Days = 0
    """Between users of this realm and of others, and what users sent to groups elsewhere."""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of them."""

    registration: Literal["open", "invite", "closed"] = "open"
    """Who may register: everybody, who has an invite (`python -m realm invite-user`), or nobody."""
    federation: Literal["open", "listed", "off"] = "open"
    """Which realms may be peers: all, those in `peers.listed`, or none; others are not spoken to, also if they were."""
    trusted_clients: tuple[str, ...] = ("127.0.0.0/8", "::1/128")
    hashing: Hashing = Hashing()
    limits: Limits = Limits()
    files: Files = Files()
    peers: PeerRules = PeerRules()
    retention: Retention = Retention()

    def __post_init__(self) -> None:
        for network in self.trusted_clients:
            ipaddress.ip_network(network)


def load(path: Path | None) -> Settings:
    """The settings in a TOML file; without a file the defaults."""
    if path is None:
        return Settings()
    try:
        return msgspec.convert(tomllib.loads(path.read_text()), Settings)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise SettingsError(f"the settings file {path} cannot be used: {error}") from error
