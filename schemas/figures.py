"""What a realm counts, as it tells its operator: `operator.figures`. All counts are since it started."""

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """How large values were."""

    bounds: list[float]
    counts: list[int]
    """How many were at most each bound and above the one before; the last has those above all."""
    total: float
    """Their sum."""


class Replied(msgspec.Struct, frozen=True):
    """How often a command was answered in one way."""

    command: str
    """Empty for frames that are no command."""
    code: str
    """Of the error; empty where it worked."""
    count: int


class PoolSeen(msgspec.Struct, frozen=True):
    """The jobs of one pool, now."""

    name: str
    waiting: int
    running: int


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker knows: what a realm has besides while it runs."""

    version: str
    libzmq: str
    pid: int
    started_at: int
    """When, in ms."""
    host: str
    door: int
    commands: int
    push: int
    figures: int
    """Ports; 0 where no figures are given."""
    settings: str
    """The whole path of the settings file; empty where there is none."""
    replied: list[Replied]
    last_minute: int
    last_hour: int
    """Messages and files that users and peers have sent, to within five seconds."""
    turns: Spread
    """How long a turn took, in seconds."""
    inputs: Spread
    """How many inputs it had."""
    commits: Spread
    """How long its commit took, in seconds: the flush to disk, where it has written."""
    pushed: int
    """Events that were handed to a session."""
    dropped: dict[str, int]
    failed: int
    """What went wrong unforeseen: each has an incident in the log."""
    bytes_in: int
    bytes_out: int
    """Of files: from users and peers, and to them."""
    pools: list[PoolSeen]
