"""Accounts, their known keys and their sessions, as rows of SQLite."""

import sqlite3
from typing import Any, Final

from realm.store.rows import Account, Active, SessionRow, UserRow
from realm.store.writing import Writing
from schemas.limits import ACTIVE_MS
from schemas.names import Name

ACCOUNT: Final = "a.id, a.name, a.display, a.country, a.password_hash, a.admin, a.disabled_at IS NOT NULL"
_USER: Final = "id, name, display, country, admin, created_at, max(active_at, created_at), disabled_at, erased_at"
_ACCOUNTS_KEPT: Final = 20_000
_SESSION: Final = "s.id, s.account, a.name, a.display, s.key, s.token_hash, s.topic, s.used_at"


def search_text(name: str, display: str) -> str:
    """What `find` is looked for in."""
    return f"{name}\n{display.casefold()}"


class AccountRows(Writing):
    """The part of `Tx` about who there is."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._accounts: dict[Name, Account] = {}
        self._by_id: dict[int, Account] = {}

    def account(self, name: Name) -> Account | None:
        """See `Tx.account`."""
        found = self._accounts.get(name)
        if found is None:
            query = f"SELECT {ACCOUNT} FROM accounts a WHERE name = ? AND erased_at IS NULL"
            row = self._execute(query, (name,)).fetchone()
            if row is None:
                return None
            if len(self._accounts) >= _ACCOUNTS_KEPT:
                self._accounts.clear()
            found = self._accounts[name] = account_of(row)
        return found

    def account_by_id(self, account: int) -> Account | None:
        """See `Tx.account_by_id`."""
        found = self._by_id.get(account)
        if found is None:
            row = self._execute(f"SELECT {ACCOUNT} FROM accounts a WHERE id = ?", (account,)).fetchone()
            if row is None:
                return None
            if len(self._by_id) >= _ACCOUNTS_KEPT:
                self._by_id.clear()
            found = self._by_id[account] = account_of(row)
        return found

    def create_account(self, name: Name, display: str, country: str, password_hash: str, now: int) -> Account:
        """See `Tx.create_account`."""
        row = self._write(
            "INSERT INTO accounts (name, display, country, password_hash, created_at, search)"
            " VALUES (?, ?, ?, ?, ?, ?) RETURNING id, name, display, country, password_hash, admin, 0",
            (name, display, country, password_hash, now, search_text(name, display)),
        ).fetchone()
        return account_of(row)

    def set_password(self, account: int, password_hash: str) -> None:
        """See `Tx.set_password`."""
        self._change("password_hash = ?", password_hash, account)

    def set_disabled(self, account: int, since: int | None) -> None:
        """See `Tx.set_disabled`."""
        self._change("disabled_at = ?", since, account)

    def set_may_administrate(self, account: int, *, may: bool) -> None:
        """See `Tx.set_may_administrate`."""
        self._change("admin = ?", int(may), account)

    def _change(self, what: str, value: object, account: int) -> None:
        self._write(f"UPDATE accounts SET {what} WHERE id = ?", (value, account))
        self._accounts.clear()
        self._by_id.clear()

    def is_name_taken(self, name: Name) -> bool:
        """See `Tx.is_name_taken`."""
        return self._execute("SELECT 1 FROM accounts WHERE name = ?", (name,)).fetchone() is not None

    def user_rows(self, after: str, limit: int) -> list[UserRow]:
        """See `Tx.user_rows`."""
        rows = self._read(f"SELECT {_USER} FROM accounts WHERE name > ? ORDER BY name LIMIT ?", (after, limit))
        return [_user_of(row) for row in rows]

    def user_row(self, name: Name) -> UserRow | None:
        """See `Tx.user_row`."""
        row = self._read(f"SELECT {_USER} FROM accounts WHERE name = ?", (name,)).fetchone()
        return _user_of(row) if row else None

    def set_active(self, account: int, until: int) -> None:
        """See `Tx.set_active`."""
        self._write(
            "UPDATE accounts SET active_at = max(active_at, active_until - ?, ? - ?), active_until = ? WHERE id = ?",
            (ACTIVE_MS, until, ACTIVE_MS, until, account),
        )

    def active_accounts(self, now: int, after: int, limit: int) -> list[Active]:
        """See `Tx.active_accounts`."""
        rows = self._read(
            "SELECT id, name, active_until FROM accounts WHERE id > ? AND active_until > ? ORDER BY id LIMIT ?",
            (after, now, limit),
        )
        return [Active(*row) for row in rows]

    def accounts(self, after: str, limit: int, find: str, scan: int) -> tuple[list[Account], str | None]:
        """See `Tx.accounts`."""
        found: list[Account] = []
        last = looked_at = after
        rows = self._read(
            f"SELECT {ACCOUNT}, erased_at IS NULL AND instr(search, ?) FROM accounts a WHERE name > ?"
            " ORDER BY name LIMIT ?",
            (find, after, scan + 1),
        )
        for looked, row in enumerate(rows):
            if looked == scan:
                return found, looked_at
            looked_at = row[1]
            if row[-1]:
                if len(found) == limit:
                    return found, last
                found.append(account_of(row))
                last = looked_at
        return found, None

    def knows_key(self, account: int, key: str) -> bool:
        """See `Tx.knows_key`."""
        row = self._read("SELECT 1 FROM known_keys WHERE account = ? AND key = ?", (account, key)).fetchone()
        return row is not None

    def remember_key(self, account: int, key: str, now: int, keep: int) -> None:
        """See `Tx.remember_key`."""
        self._write("INSERT OR REPLACE INTO known_keys (account, key, used_at) VALUES (?, ?, ?)", (account, key, now))
        self._write(
            "DELETE FROM known_keys WHERE account = ?1 AND key NOT IN"
            " (SELECT key FROM known_keys WHERE account = ?1 ORDER BY used_at DESC, key LIMIT ?2)",
            (account, keep),
        )

    def forget_keys(self, account: int) -> None:
        """See `Tx.forget_keys`."""
        self._write("DELETE FROM known_keys WHERE account = ?", (account,))

    def forget(self) -> None:
        """See `Writing.forget`."""
        super().forget()
        self._accounts.clear()
        self._by_id.clear()


class SessionRows(Writing):
    """The part of `Tx` about who is logged in."""

    def sessions(self, after: int, limit: int) -> list[SessionRow]:
        """See `Tx.sessions`."""
        rows = self._read(
            f"SELECT {_SESSION} FROM sessions s JOIN accounts a ON a.id = s.account"
            " WHERE s.id > ? ORDER BY s.id LIMIT ?",
            (after, limit),
        )
        return [SessionRow(*row) for row in rows]

    def open_session(self, account: Account, key: str, token_hash: bytes, topic: bytes, now: int) -> SessionRow:
        """See `Tx.open_session`."""
        row = self._write(
            "INSERT INTO sessions (account, key, token_hash, topic, used_at) VALUES (?, ?, ?, ?, ?) RETURNING id",
            (account.id, key, token_hash, topic, now),
        ).fetchone()
        return SessionRow(row[0], account.id, account.name, account.display, key, token_hash, topic, now)

    def use_session(self, session: int, now: int) -> None:
        """See `Tx.use_session`."""
        self._write("UPDATE sessions SET used_at = ? WHERE id = ?", (now, session))

    def end_session(self, session: int) -> None:
        """See `Tx.end_session`."""
        self._write("DELETE FROM sessions WHERE id = ?", (session,))


def account_of(row: Any) -> Account:
    """The account in a row of the columns `ACCOUNT`."""
    return Account(row[0], row[1], row[2], row[3], row[4], bool(row[5]), bool(row[6]))


def _user_of(row: Any) -> UserRow:
    number, name, display, country, admin, *rest = row
    return UserRow(number, name, display, country, bool(admin), *rest)
