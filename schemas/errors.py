"""The catalogue of errors: stable codes for programs, fixed texts for people.

A refusal is an answer, not an exception: the realm decides it, and the caller is told.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """The machine-readable half of an error answer."""

    USER_NOT_FOUND = "user_not_found"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - a code, not a password
    USER_EXISTS = "user_exists"
    SESSION_NOT_FOUND = "session_not_found"
    GROUP_EXISTS = "group_exists"
    NO_SUCH_GROUP = "no_such_group"
    ALREADY_MEMBER = "already_member"
    GROUP_NOT_FOUND = "group_not_found"
    NOT_MEMBER = "not_member"
    FILE_NOT_FOUND = "file_not_found"
    REALM_EXISTS = "realm_exists"
    REALM_UNREACHABLE = "realm_unreachable"
    REALM_NOT_FOUND = "realm_not_found"
    NO_ACTIVE_USER = "no_active_user"
    BAD_REQUEST = "bad_request"
    UNKNOWN_COMMAND = "unknown_command"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    FORBIDDEN = "forbidden"
    QUOTA_EXCEEDED = "quota_exceeded"
    QUEUE_FULL = "queue_full"
    UNAVAILABLE = "unavailable"
    INTERNAL_ERROR = "internal_error"


FIXED_TEXTS: Final = {
    Code.USER_NOT_FOUND: "User tidak ada",
    Code.WRONG_PASSWORD: "Password salah",
    Code.USER_EXISTS: "User sudah ada",
    Code.SESSION_NOT_FOUND: "Session tidak ditemukan",
    Code.GROUP_EXISTS: "Group sudah ada",
    Code.NO_SUCH_GROUP: "Group belum ada",
    Code.ALREADY_MEMBER: "User sudah join",
    Code.GROUP_NOT_FOUND: "Group tidak ditemukan",
    Code.NOT_MEMBER: "User bukan member grup",
    Code.FILE_NOT_FOUND: "File tidak ditemukan",
    Code.REALM_EXISTS: "Realm sudah ada",
    Code.REALM_UNREACHABLE: "Realm Unreachable",
    Code.REALM_NOT_FOUND: "Realm tidak ditemukan",
    Code.NO_ACTIVE_USER: "Tidak ada user yang aktif",
}
"""Letter for letter those of the contract, in every language of a user interface."""

DESCRIBED: Final = {
    Code.BAD_REQUEST: "which field, and why",
    Code.UNKNOWN_COMMAND: "names it",
    Code.TOO_LARGE: "says the limit",
    Code.RATE_LIMITED: "adds `retry_after: ms`",
    Code.FORBIDDEN: "what is missing",
    Code.QUOTA_EXCEEDED: "which, and how much is left",
    Code.QUEUE_FULL: "nothing was stored; try later",
    Code.UNAVAILABLE: "the realm cannot store now (disk full)",
    Code.INTERNAL_ERROR: "adds `incident`, found again in the log",
}
"""What the message of every other code tells."""

assert FIXED_TEXTS.keys() | DESCRIBED.keys() == set(Code)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a command was not done.

    `message` is for people; where it is empty, the catalogue has the text.
    """

    code: Code
    message: str = ""
    retry_after: int | None = None
    incident: str | None = None

    @property
    def text(self) -> str:
        """What the caller is told."""
        return self.message or FIXED_TEXTS.get(self.code, self.code)
