"""The settings of a realm, each with a default that suits a small one.

`realm.settings_file` reads them; `settings.toml` beside this module says of each what it means, for operators.
"""

import ipaddress
import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal, get_type_hints

import msgspec
from msgspec import Meta

from schemas.invites import split_place
from schemas.limits import MAX_CHUNK
from schemas.names import NAME_PATTERN

MOST: Final = 1 << 53
"""What every reader of TOML takes for a whole number."""
Positive = Annotated[int, Meta(ge=1, le=MOST)]
NotNegative = Annotated[int, Meta(ge=0, le=MOST)]
Days = Annotated[float, Meta(ge=0, le=36_500)]
Hours = Annotated[float, Meta(gt=0, le=87_600)]
Port = Annotated[int, Meta(ge=0, le=65_535)]
Networks = tuple[str, ...]
"""Addresses, or networks as `10.0.0.0/8`."""


class SettingsError(Exception):
    """The settings file cannot be used; the message names each place and what is allowed there."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one setting of a group, though its type is right."""

    key: str
    why: str
    item: int | None = None
    """Which of a list, from 0, where it is one of them."""


class FaultsError(ValueError):
    """Settings that cannot be meant, or not together."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__("; ".join(f"{fault.key}: {fault.why}" for fault in faults))
        self.faults = faults


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings that belong together. Raises FaultsError (a ValueError) where they cannot be meant."""

    def __post_init__(self) -> None:
        if faults := list(self.faults()):
            raise FaultsError(faults)

    def faults(self) -> Iterator[Fault]:
        """What is wrong with them."""
        yield from ()


def _no_networks(key: str, networks: Networks) -> Iterator[Fault]:
    for item, network in enumerate(networks):
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            yield Fault(key, f"{error}: write an address, or a network as 10.0.0.0/8", item)


def _no_place(text: str) -> str:
    """Why a text is not HOST:PORT, empty where it is."""
    try:
        split_place(text)
    except ValueError as error:
        return str(error)
    return ""


class Listen(Group, frozen=True):
    """Where the realm listens. The options of `run` outrank them."""

    host: str = "127.0.0.1"
    """An address of this machine."""
    port: Port = 8889
    """The front door; 0 takes any free port."""
    commands_port: Port | None = None
    push_port: Port | None = None
    """Of both: the ones after the front door's, where nothing is said."""
    advertise: str | None = None
    """Where others reach the front door, HOST:PORT, if elsewhere."""

    def faults(self) -> Iterator[Fault]:
        """See `Group.faults`."""
        if self.advertise is not None and (why := _no_place(self.advertise)):
            yield Fault("advertise", why)
        if max(self.ports) > 65_535:
            yield Fault("port", "the ports after it do not exist: choose a lower one")

    @property
    def ports(self) -> tuple[int, int, int]:
        """The front door, commands and push; 0 is any free one."""
        commands = self.commands_port if self.commands_port is not None else self.port and self.port + 1
        return self.port, commands, self.push_port if self.push_port is not None else self.port and self.port + 2


class Log(Group, frozen=True):
    """What the log is like, on standard error."""

    format: Literal["readable", "json"] = "readable"
    level: Literal["info", "warning", "error"] = "info"
    """The least that is logged."""


class FigureRules(Group, frozen=True):
    """Where figures are given to Prometheus, in the clear and to whoever asks."""

    host: str = "127.0.0.1"
    port: Port = 0
    """0: nowhere."""


class Hashing(Group, frozen=True):
    """How passwords are hashed (argon2id; the defaults are the second choice of RFC 9106, section 4)."""

    memory_kib: Annotated[int, Meta(ge=8, le=4_194_304)] = 65_536
    passes: Annotated[int, Meta(ge=1, le=100)] = 3
    lanes: Annotated[int, Meta(ge=1, le=64)] = 4
    workers: Annotated[int, Meta(ge=1, le=64)] = 2
    """How many hashes run at once."""
    max_wait_ms: Positive = 5_000
    """A login that would wait longer for its turn is answered `rate_limited`."""

    def faults(self) -> Iterator[Fault]:
        """See `Group.faults`."""
        if self.memory_kib < 8 * self.lanes:
            yield Fault("memory_kib", f"argon2 needs at least 8 for each of the {self.lanes} lanes: {8 * self.lanes}")


class Limits(Group, frozen=True):
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


class Files(Group, frozen=True):
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
    unfinished_hours: Hours = 24
    """An upload that was left alone for so long is given up."""
    unsent_hours: Hours = 24
    """A file that was not sent within so long is forgotten."""
    chunk_bytes: Annotated[int, Meta(ge=4_096, le=MAX_CHUNK)] = MAX_CHUNK
    """What a client is told to send at once; ours sends no large file in less."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 2
    """How many files are read or written at once."""


class PeerRules(Group, frozen=True):
    """Which realms may be peers, and what waits for them. Who federates at all is `federation`."""

    add: Literal["users", "admins"] = "users"
    """Who may say `addrealm`."""
    listed: tuple[str, ...] = ()
    """With `federation = "listed"`: the names of the realms that may be peers."""
    denied: tuple[str, ...] = ()
    """Names or keys of realms that may not, and that are not spoken to if they are peers already."""
    networks: Networks = ("0.0.0.0/0", "::/0")
    """Where the front doors of peers may be."""
    most: Annotated[int, Meta(ge=1, le=10_000)] = 500
    """How many there may be."""
    queue: Positive = 20_000
    """How many messages may wait for one peer."""
    keep_days: Annotated[float, Meta(gt=0, le=30)] = 7
    """How long what a peer has acknowledged is kept, should it have to be put back from a backup."""
    remember_days: Annotated[float, Meta(ge=30, le=36_500)] = 30
    """How long it is remembered what came from peers, so that nothing comes twice."""
    units_a_turn: Positive = 2_000
    """How much of what one peer sends is taken before it is others' turn; the rest is sent again within a second.

    A message is a unit, each 8 sessions that hear it are another, and so are 8 KiB of its length. A thousand units take
    some 25 ms."""
    file_bytes: NotNegative = 20 << 30
    """Of all that one peer has brought and is bringing, each content once."""

    def faults(self) -> Iterator[Fault]:
        """See `Group.faults`."""
        yield from _no_networks("networks", self.networks)
        if self.keep_days > self.remember_days:
            why = "what is sent again must still be remembered at the other side: at most remember_days"
            yield Fault("keep_days", why)


class Retention(Group, frozen=True):
    """For how many days what is said is kept, counted from when this realm stored it; 0 is for ever.

    What is older is removed for everybody, the oldest first, within minutes; what still waits for another realm is not.
    """

    private_days: Days = 0
    """Between two users of this realm, and notes."""
    group_days: Days = 0
    """In the groups of this realm."""
    realm_days: Days = 0
    """Between users of this realm and of others, and what users sent to groups elsewhere."""


class Settings(Group, frozen=True):
    """All of them."""

    registration: Literal["open", "invite", "closed"] = "open"
    """Who may register: everybody, who has an invite (`python -m realm invite-user`), or nobody."""
    federation: Literal["open", "listed", "off"] = "open"
    """Which realms may be peers: all, those in `peers.listed`, or none; others are not spoken to, also if they were."""
    trusted_clients: Networks = ("127.0.0.0/8", "::1/128")
    """Addresses and networks that the limits by address do not bind."""
    name: str | None = None
    """What the realm is called; needed for a new folder, and never to be changed."""
    listen: Listen = Listen()
    log: Log = Log()
    figures: FigureRules = FigureRules()
    limits: Limits = Limits()
    hashing: Hashing = Hashing()
    files: Files = Files()
    peers: PeerRules = PeerRules()
    retention: Retention = Retention()

    def faults(self) -> Iterator[Fault]:
        """See `Group.faults`."""
        yield from _no_networks("trusted_clients", self.trusted_clients)
        if self.name is not None and not re.match(NAME_PATTERN, self.name):
            yield Fault("name", "a name is 1 to 32 letters, digits, '.', '_' or '-'")


GROUPS: Final[dict[str, type[Group]]] = {
    name: kind for name, kind in get_type_hints(Settings).items() if isinstance(kind, type) and issubclass(kind, Group)
}
"""The tables of the file."""
RESTARTS: Final = frozenset({"name", "listen", "figures", "hashing.workers", "files.workers"})
"""What a realm that runs cannot change: settings, and whole groups of them."""


def flat(settings: Settings) -> dict[str, object]:
    """Every setting by its full name, as `limits.login_burst`."""
    found: dict[str, object] = {}
    for name in Settings.__struct_fields__:
        value = getattr(settings, name)
        if isinstance(value, Group):
            found |= {f"{name}.{key}": getattr(value, key) for key in value.__struct_fields__}
        else:
            found[name] = value
    return found


def changed(old: Settings, new: Settings) -> list[str]:
    """The full names of the settings in which the two differ."""
    before, after = flat(old), flat(new)
    return [name for name, value in after.items() if before[name] != value]


def needs_restart(name: str) -> bool:
    """Whether a realm that runs keeps what it has of that setting."""
    return name in RESTARTS or name.partition(".")[0] in RESTARTS


def adopted(old: Settings, new: Settings) -> Settings:
    """The new settings, but for those that a realm that runs cannot change."""
    kept = {name: getattr(old, name) for name in RESTARTS if "." not in name}
    for full in RESTARTS:
        group, dot, key = full.partition(".")
        if dot:
            kept[group] = msgspec.structs.replace(getattr(new, group), **{key: getattr(getattr(old, group), key)})
    return msgspec.structs.replace(new, **kept)
