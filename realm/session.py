"""Somebody who is logged in."""

from realm.limits import Bucket
from realm.store.rows import SessionRow
from schemas.names import Address, Name, full


class Session:
    """Somebody logged in with one key. What changes in it (allowance, last use) is never truth."""

    __slots__ = (
        "account",
        "address",
        "allowance",
        "display",
        "id",
        "key",
        "name",
        "saved_at",
        "token_hash",
        "topic",
    )

    def __init__(self, row: SessionRow, realm: Name, burst: float, now: int) -> None:
        self.id = row.id
        self.account = row.account
        self.name = row.name
        self.address: Address = full(row.name, realm)
        self.display = row.display
        self.key = row.key
        self.token_hash = row.token_hash
        self.topic = row.topic
        self.saved_at = row.used_at
        """When its row last took note of its use, ms."""
        self.allowance = Bucket(burst, now)
