"""What the pool for passwords does: argon2id, which releases the interpreter while it works."""

from typing import Final

import argon2
import structlog
from argon2.exceptions import VerifyMismatchError

from realm.incident import trace
from realm.jobs import CheckPassword, HashPassword, PasswordJob
from realm.settings import Hashing

log: Final = structlog.get_logger()


class Hasher:
    """Makes and checks hashes with the realm's parameters."""

    def __init__(self, settings: Hashing) -> None:
        self.adopt(settings)

    def adopt(self, settings: Hashing) -> None:
        """Make hashes by these settings from now on; those that there are say by which they were made."""
        self._argon2 = argon2.PasswordHasher(
            time_cost=settings.passes, memory_cost=settings.memory_kib, parallelism=settings.lanes
        )

    def hash(self, password: str) -> str:
        """A hash of this password, with a salt of its own."""
        return self._argon2.hash(password)

    def run(self, job: PasswordJob) -> str | bool | None:
        """The result of a job; None where it failed."""
        try:
            match job:
                case HashPassword():
                    return self.hash(job.password)
                case CheckPassword():
                    return self._argon2.verify(job.against, job.password)
        except VerifyMismatchError:
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the thread goes on and the caller is told
            log.error("password job failed", at=trace(error))
            return None
