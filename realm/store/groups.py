"""Groups and who is in them, as rows of SQLite. A group's members are the participants of its conversation."""

import sqlite3
from typing import Final

from realm.store.accounts import ACCOUNT, account_of
from realm.store.conversations import ConversationRows
from realm.store.rows import Account, Group
from schemas.names import ConversationId, Name

_GROUP: Final = "g.name, g.title, g.admin, g.members"
_GROUPS_KEPT: Final = 1_000


class GroupRows(ConversationRows):
    """The part of `Tx` about groups."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self._members: dict[str, frozenset[int]] = {}

    def create_group(self, name: Name, title: str, conversation: ConversationId, now: int) -> None:
        """See `Tx.create_group`."""
        self.open_conversation(conversation, (), now)
        self._write(
            "INSERT INTO groups (name, title, conversation_id) SELECT ?, ?, id FROM conversations WHERE name = ?",
            (name, title, conversation),
        )

    def group(self, name: Name) -> Group | None:
        """See `Tx.group`."""
        row = self._read(f"SELECT {_GROUP} FROM groups g WHERE g.name = ?", (name,)).fetchone()
        return Group(*row) if row else None

    def groups(
        self, after: str, limit: int, find: str, scan: int, joined_by: int | None
    ) -> tuple[list[Group], str | None]:
        """See `Tx.groups`."""
        found: list[Group] = []
        last = looked_at = after
        for looked, row in enumerate(self._candidates(after, find, scan + 1, joined_by)):
            if looked == scan:
                return found, looked_at
            looked_at = row[0]
            if row[-1]:
                if len(found) == limit:
                    return found, last
                found.append(Group(*row[:-1]))
                last = looked_at
        return found, None

    def join_group(self, name: Name, account: int) -> None:
        """See `Tx.join_group`."""
        self._write("UPDATE groups SET members = members + 1, joins = joins + 1 WHERE name = ?", (name,))
        self._write(
            "INSERT INTO participants (account, conversation, conversation_id, inbox, read, joined, start)"
            " SELECT ?, c.name, c.id, c.head, c.head, g.joins, c.head"
            " FROM groups g JOIN conversations c ON c.id = g.conversation_id WHERE g.name = ?",
            (account, name),
        )
        self._write("UPDATE accounts SET left_total = left_total + 1 WHERE id = ?", (account,))
        self._members.pop(self._end_of(name)[0], None)

    def leave_group(self, name: Name, account: int) -> None:
        """See `Tx.leave_group`."""
        self._write("UPDATE groups SET members = members - 1 WHERE name = ?", (name,))
        conversation, head = self._end_of(name)
        self._write("UPDATE accounts SET left_total = left_total + 1 + ? WHERE id = ?", (head, account))
        self._write("DELETE FROM participants WHERE account = ? AND conversation = ?", (account, conversation))
        self._members.pop(conversation, None)

    def set_admin(self, name: Name, account: int | None) -> None:
        """See `Tx.set_admin`."""
        self._write("UPDATE groups SET admin = ? WHERE name = ?", (account, name))

    def longest_member(self, name: Name) -> int | None:
        """See `Tx.longest_member`."""
        row = self._read(
            "SELECT p.account FROM groups g JOIN participants p ON p.conversation_id = g.conversation_id"
            " WHERE g.name = ? ORDER BY p.joined LIMIT 1",
            (name,),
        ).fetchone()
        return int(row[0]) if row else None

    def member_ids(self, conversation: ConversationId) -> frozenset[int] | None:
        """See `Tx.member_ids`."""
        found = self._members.get(conversation)
        if found is None:
            head = self._head(conversation)
            if head is None:
                return None
            rows = self._read("SELECT account FROM participants WHERE conversation_id = ?", (head.id,))
            if len(self._members) >= _GROUPS_KEPT:
                self._members.clear()
            found = self._members[conversation] = frozenset(row[0] for row in rows)
        return found

    def members(self, name: Name, after: str, limit: int) -> list[Account]:
        """See `Tx.members`."""
        rows = self._read(
            f"SELECT {ACCOUNT} FROM groups g JOIN participants p ON p.conversation_id = g.conversation_id"
            " JOIN accounts a ON a.id = p.account WHERE g.name = ? AND a.name > ? ORDER BY a.name LIMIT ?",
            (name, after, limit),
        )
        return [account_of(row) for row in rows]

    def forget(self) -> None:
        """See `Writing.forget`."""
        super().forget()
        self._members.clear()

    def _end_of(self, name: Name) -> tuple[str, int]:
        """A group's conversation, and its head."""
        conversation, head = self._read(
            "SELECT c.name, c.head FROM groups g JOIN conversations c ON c.id = g.conversation_id WHERE g.name = ?",
            (name,),
        ).fetchone()
        return str(conversation), int(head)

    def _candidates(self, after: str, find: str, most: int, joined_by: int | None) -> sqlite3.Cursor:
        """Groups in order, each with whether it is wanted."""
        if joined_by is None:
            return self._read(
                f"SELECT {_GROUP}, instr(g.name, ?) FROM groups g WHERE g.name > ? ORDER BY g.name LIMIT ?",
                (find, after, most),
            )
        return self._read(
            f"SELECT {_GROUP}, instr(g.name, ?) FROM participants p"
            " JOIN groups g ON g.conversation_id = p.conversation_id"
            " WHERE g.name > ? AND p.account = ? ORDER BY g.name LIMIT ?",
            (find, after, joined_by, most),
        )
