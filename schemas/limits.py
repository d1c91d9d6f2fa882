"""The numbers that both sides of the wire must agree on. Sizes are in bytes, times in milliseconds."""

from typing import Final

PROTOCOL_VERSION: Final = 1

MAX_FRAME: Final = 1_000_000
"""Largest frame on the commands port."""

MAX_MESSAGE: Final = 65_536
"""Largest message text, as UTF-8."""

MAX_PASSWORD: Final = 1_024
MIN_PASSWORD: Final = 8

MAX_ITEMS: Final = 100
"""Most items that one page of a list may hold, and what it holds where no `limit` is given."""

MAX_PAGE: Final = 256 * 1024
"""A page ends at this size, with at least one item."""

MAX_CURSORS: Final = 500
"""Most conversations that one `sync` may name."""

MAX_CHUNK: Final = 256 * 1024
"""Most file bytes in one frame, up or down."""

MAX_IN_FLIGHT: Final = 16
"""Most chunks of one upload, and most downloads of one connection, that may be without an answer."""

MAX_FILE_NAME: Final = 255
"""Longest name of a file, as UTF-8."""

HEARTBEAT_MS: Final = 20_000
"""How often a client says `sync`; a user is active for three of these after the last command."""

ACTIVE_MS: Final = 3 * HEARTBEAT_MS
