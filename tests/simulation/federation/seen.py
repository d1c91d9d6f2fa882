"""What the simulation knows of a realm from outside, to hold against what the realm does."""

from collections import Counter, defaultdict

from realm.effects import Effect, Publish
from realm.settings import Retention, Settings
from schemas import names
from schemas.events import EntryPushed
from schemas.names import ConversationId

IN_GROUP = "group/"
DAY_MS = 86_400_000


class Seen:
    """Of one realm: the settings that it goes by, who is in its group, which sessions have ended, who hears what."""

    def __init__(self) -> None:
        self.rules = Settings()
        """What it goes by now."""
        self.wrongs: list[str] = []
        self.topics: defaultdict[str, set[bytes]] = defaultdict(set)
        """Of the sessions that a user has for sure."""
        self.members: set[str] = set()
        """Who is in the group for sure,"""
        self.out: set[str] = set()
        """and who is not, for sure."""
        self.dead: set[bytes] = set()
        """The topics of sessions that have ended for sure."""
        self.due: dict[int, frozenset[bytes]] = {}
        """By number of an entry of the group: who has to hear it."""
        self.heard: Counter[tuple[int, bytes]] = Counter()
        """By number, and who did."""
        self.first: dict[str, bytes] = {}
        """The topics of those sessions in which users speak, as long as they have them."""
        self._whose: dict[bytes, str] = {}

    def know(self, user: str, topic: bytes) -> None:
        """A session has begun; it may have ended another, or be ended, as a login came twice."""
        self._whose[topic] = user
        if topic not in self.topics.get(user, ()):
            self.topics.pop(user, None)

    def open(self, user: str, topic: bytes) -> None:
        """A session has begun."""
        self.topics[user].add(topic)
        self.know(user, topic)

    def not_heard(self, seq: int, sender: str) -> bool:
        """Whether somebody who had to hear an entry of the group has not, or not once; its sender knows it."""
        hearers = self.due.get(seq, frozenset()) - {self.first.get(sender, b"")}
        return any(self.heard[seq, topic] != 1 for topic in hearers)

    def doubt(self) -> None:
        """Nothing is sure any more: the realm was put back to what it was before."""
        self.topics.clear()
        self.members.clear()
        self.out.clear()
        self.dead.clear()

    def stored(self, seq: int) -> None:
        """An entry of the group is stored, if this turn is committed."""
        self.due[seq] = frozenset(topic for user in self.members for topic in self.topics[user])

    def hear(self, effects: list[Effect]) -> None:
        """What the realm tells after a commit, whether or not it lives to do so."""
        for effect in effects:
            if type(effect) is Publish:
                event = effect.event
                if not self.dead.isdisjoint(effect.topics):
                    self.wrongs.append(f"{event} is told to a session that has ended")
                if isinstance(event, EntryPushed) and event.entry.conversation.startswith(IN_GROUP):
                    self.heard.update((event.entry.seq, topic) for topic in effect.topics)
                    if left := self.out.intersection(self._whose.get(topic, "") for topic in effect.topics):
                        self.wrongs.append(f"{event} is told to {left}, who has left")


def days_of(rules: Retention, conversation: ConversationId) -> float:
    """For how many days a realm has to keep what is said in a conversation; 0 is for ever."""
    kind, parties = names.parse(conversation)
    if kind == "sent" or len({party.partition("@")[2] for party in parties}) > 1:
        return rules.realm_days
    return rules.group_days if kind == "group" else rules.private_days
