"""Invites that were used, as rows of SQLite."""

from realm.store.writing import Writing


class InviteRows(Writing):
    """The part of `Tx` about who came by which invite."""

    def is_invite_used(self, nonce: bytes) -> bool:
        """See `Tx.is_invite_used`."""
        return self._read("SELECT 1 FROM used_invites WHERE nonce = ?", (nonce,)).fetchone() is not None

    def use_invite(self, nonce: bytes, account: int, now: int, expires: int) -> None:
        """See `Tx.use_invite`."""
        self._write(
            "INSERT INTO used_invites (nonce, account, used_at, expires) VALUES (?, ?, ?, ?)",
            (nonce, account, now, expires),
        )

    def forget_invites(self, now: int, limit: int) -> None:
        """See `Tx.forget_invites`."""
        self._write(
            "DELETE FROM used_invites WHERE nonce IN"
            " (SELECT nonce FROM used_invites WHERE expires <= ? ORDER BY expires LIMIT ?)",
            (now, limit),
        )
