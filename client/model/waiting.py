"""What has become of last messages that wait for another realm: of those of the list of which the mirror knows no more.

A push tells when one was delivered, and may be lost: so the realm is asked with every heartbeat.
"""

from typing import Final

from client.errors import ClientError
from client.model.overview import Overview
from schemas import answers, commands
from schemas.answers import Answer
from schemas.names import ConversationId

AT_ONCE: Final = 20
"""Conversations that are asked about with one heartbeat; then others have their turn."""


class Waiting:
    """The rows of an overview whose last message waits."""

    def __init__(self, overview: Overview) -> None:
        self._overview = overview
        self._due = False
        self._asked: dict[ConversationId, commands.History] = {}
        self._passed: dict[ConversationId, int] = {}
        """In which turn each was asked about last."""
        self._turn = 0

    def beat(self) -> None:
        """Time has passed."""
        self._due = True

    def take_questions(self, room: ConversationId | None) -> list[commands.History]:
        """What the realm must be asked now; nothing about the room that is open, which the mirror follows."""
        if not self._due:
            return []
        self._due, self._turn = False, self._turn + 1
        waiting = [row for row in self._overview.waiting if row.id != room and row.id not in self._asked]
        waiting.sort(key=lambda row: self._passed.get(row.id, 0))
        self._passed = {row.id: self._passed.get(row.id, 0) for row in waiting}
        for row in waiting[:AT_ONCE]:
            self._passed[row.id] = self._turn
            self._asked[row.id] = commands.History(id=0, conversation=row.id, after=row.head - 1, limit=1)
        return [self._asked[row.id] for row in waiting[:AT_ONCE]]

    def answered(self, question: commands.History, outcome: Answer | ClientError) -> bool:
        """Take an answer; False where it is not one to a question of these."""
        if self._asked.get(question.conversation) is not question:
            return False
        del self._asked[question.conversation]
        if isinstance(outcome, answers.History):
            for entry in outcome.entries:
                if entry.conversation == question.conversation:
                    self._overview.corrected(entry)
        return True
