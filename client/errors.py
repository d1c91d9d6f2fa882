"""What can go wrong for a client: the realm says no (`AnswerError`), or there is no answer to read."""

from typing import ClassVar, Final

from msgspec import UNSET

from client.harmless import in_short
from schemas.answers import ErrorAnswer
from schemas.errors import FIXED_TEXTS, Code


class ClientError(Exception):
    """Anything that this package raises on purpose; its text is one plain sentence.

    `kind` is the stable word for programs; for an error answer it is the answer's code.
    """

    kind: str = "client"


class UsageError(ClientError):
    """A command, an address or an option that is not written right."""

    kind = "usage"


class UnreachableError(ClientError):
    """No realm answers at the address."""

    kind = "unreachable"


class IdentityError(ClientError):
    """The realm is not the one that was known at this address, or under this name."""

    kind = "identity_changed"


class NoAnswerError(ClientError):
    """No answer came in time; whether the command was done is not known."""

    kind = "no_answer"


class ProtocolError(ClientError):
    """The other end said something that version 1 of the protocol does not allow."""

    kind = "not_understood"


class ClosedError(ClientError):
    """The connection was closed while the answer was awaited, or before the question."""

    kind = "closed"


class KeyringError(ClientError):
    """A file of the client's own folder cannot be used."""

    kind = "keyring"


class LocalFileError(ClientError):
    """A file of this machine cannot be read or written as it should; the text says which, and why."""

    kind = "local_file"


class StoppedError(ClientError):
    """The person has stopped it before its end."""

    kind = "stopped"


MOST_CODE: Final = 64
BY_CODE: Final[dict[str, type["AnswerError"]]] = {}
"""The exception for each code of the catalogue."""


class AnswerError(ClientError):
    """An error answer. A code that this client does not know yet is an `AnswerError` itself."""

    code: ClassVar[Code]

    def __init_subclass__(cls, code: Code) -> None:
        cls.code = code
        BY_CODE[code] = cls

    def __init__(self, answer: ErrorAnswer) -> None:
        super().__init__(in_short(answer.message or answer.code))
        self.kind = answer.code[:MOST_CODE]
        self.answer = answer

    @property
    def retry_after(self) -> int | None:
        """Milliseconds after which the same command may be asked again, where the realm said so."""
        return None if self.answer.retry_after is UNSET else self.answer.retry_after

    @classmethod
    def of(cls, code: Code, message: str = "") -> "AnswerError":
        """The error that a realm would answer, for what this side can tell without asking it."""
        return error_of(ErrorAnswer(id=None, code=code, message=message or FIXED_TEXTS[code]))


def error_of(answer: ErrorAnswer) -> AnswerError:
    """The exception for an error answer."""
    return BY_CODE.get(answer.code, AnswerError)(answer)


class UserNotFoundError(AnswerError, code=Code.USER_NOT_FOUND):
    """User tidak ada."""


class WrongPasswordError(AnswerError, code=Code.WRONG_PASSWORD):
    """Password salah."""


class UserExistsError(AnswerError, code=Code.USER_EXISTS):
    """User sudah ada."""


class SessionNotFoundError(AnswerError, code=Code.SESSION_NOT_FOUND):
    """Session tidak ditemukan."""


class GroupExistsError(AnswerError, code=Code.GROUP_EXISTS):
    """Group sudah ada."""


class NoSuchGroupError(AnswerError, code=Code.NO_SUCH_GROUP):
    """Group belum ada."""


class AlreadyMemberError(AnswerError, code=Code.ALREADY_MEMBER):
    """User sudah join."""


class GroupNotFoundError(AnswerError, code=Code.GROUP_NOT_FOUND):
    """Group tidak ditemukan."""


class NotMemberError(AnswerError, code=Code.NOT_MEMBER):
    """User bukan member grup."""


class NoSuchFileError(AnswerError, code=Code.FILE_NOT_FOUND):
    """File tidak ditemukan."""


class RealmExistsError(AnswerError, code=Code.REALM_EXISTS):
    """Realm sudah ada."""


class RealmUnreachableError(AnswerError, code=Code.REALM_UNREACHABLE):
    """Realm Unreachable."""


class RealmNotFoundError(AnswerError, code=Code.REALM_NOT_FOUND):
    """Realm tidak ditemukan."""


class NoActiveUserError(AnswerError, code=Code.NO_ACTIVE_USER):
    """Tidak ada user yang aktif."""


class BadRequestError(AnswerError, code=Code.BAD_REQUEST):
    """A field of the command is wrong; the text says which, and why."""


class UnknownCommandError(AnswerError, code=Code.UNKNOWN_COMMAND):
    """The realm knows no such command."""


class TooLargeError(AnswerError, code=Code.TOO_LARGE):
    """Over a limit; the text says which."""


class RateLimitedError(AnswerError, code=Code.RATE_LIMITED):
    """Too much at once; `retry_after` says when to ask again."""


class ForbiddenError(AnswerError, code=Code.FORBIDDEN):
    """A right is missing; the text says which."""


class QuotaExceededError(AnswerError, code=Code.QUOTA_EXCEEDED):
    """A quota is used up; the text says which."""


class QueueFullError(AnswerError, code=Code.QUEUE_FULL):
    """Nothing was stored; try later."""


class UnavailableError(AnswerError, code=Code.UNAVAILABLE):
    """The realm cannot store anything now."""


class InternalError(AnswerError, code=Code.INTERNAL_ERROR):
    """The realm failed; `answer.incident` is found again in its log."""


assert BY_CODE.keys() == set(Code)
