"""What users of one realm say to another one's, and what of it must be there at both ends."""

from collections import Counter
from time import monotonic
from typing import Any

import msgpack

from tests.faults.ending import Ending
from tests.wire.player_actor import Actor
from tests.wire.stranger import follows, new_ulid

Map = dict[str, Any]

GROUP = "new"
EAR = "ear"
TURN = 3
"""Every third message goes to a group."""


class Talker:
    """A user of one realm who is connected to it, and has to do with another one's user, or with one of the same."""

    def __init__(self, actor: Actor, target: str) -> None:
        self.actor, self.target = actor, target
        self.open = True
        self._ending = Ending(actor.dealer)
        self.bears: frozenset[str] = frozenset()
        """What it may be told with `unavailable`; it says that again when it is told to. By itself nothing."""
        self.refused: Counter[str] = Counter()
        """How often it was."""

    @property
    def realm(self) -> str:
        return str(self.actor.realm)

    @property
    def user(self) -> str:
        return str(self.actor.user)

    @property
    def crosses(self) -> bool:
        return self.target != self.realm

    @property
    def private(self) -> str:
        """The conversation with the user at the other end, which has the same name in both realms."""
        return private(self.user, f"{EAR}@{self.target}")

    @property
    def in_flight(self) -> int:
        """How many commands are without an answer."""
        raise NotImplementedError

    @property
    def done(self) -> bool:
        """Whether all that there is to say is answered."""
        raise NotImplementedError

    @property
    def rests(self) -> bool:
        """Whether all that there is to say has been said, and was answered or refused for now."""
        raise NotImplementedError

    def say(self, window: int) -> None:
        """Send as much as may be without an answer."""
        raise NotImplementedError

    def again(self) -> None:
        """Say again what was refused for now. To be called when it rests."""
        raise NotImplementedError

    def hear(self) -> None:
        """Take the answers that are here."""
        raise NotImplementedError

    def _for_now(self, answer: Map) -> bool:
        """Whether an answer is one that it bears."""
        borne = answer.get("code") == "unavailable" and answer["message"] in self.bears
        self.refused[answer.get("message", "")] += borne
        return borne

    def hang_up(self) -> None:
        """The realm is gone: take what it had answered, and let nothing reach the next one behind what is said then."""
        self._ending.wait()
        self.hear()
        self._ending.close()
        self.actor.close()
        self.open = False

    def call_again(self) -> None:
        """On a new connection, say again what is without an answer, in order."""
        self.actor.open()
        self._ending = Ending(self.actor.dealer)
        self.open = True


class Flow(Talker):
    """Somebody who talks to a user and a group."""

    def __init__(self, actor: Actor, target: str) -> None:
        super().__init__(actor, target)
        self.commands: list[Map] = []
        self.answers: dict[int, Map] = {}
        self.said = 0
        """How many of the commands were sent."""
        self.waits: list[float] = []
        """Seconds that each answer took."""
        self.forgotten = range(0)
        """The sends of which its own realm knows nothing any more: it was put back from an older backup."""
        self.lost = range(0)
        """Those that nobody knows any more: so were both."""
        self._said_at: dict[int, float] = {}
        self._put_off: list[int] = []

    @property
    def done(self) -> bool:
        return len(self.answers) == len(self.commands)

    @property
    def in_flight(self) -> int:
        return self.said - len(self.answers) - len(self._put_off)

    @property
    def rests(self) -> bool:
        return self.said == len(self.commands) and not self.in_flight

    @property
    def sent(self) -> str:
        """Where the sender sees what goes to the group."""
        return f"sent/{self.user},{self.group[6:]}" if self.crosses else self.group

    @property
    def group(self) -> str:
        return f"group/{GROUP}@{self.target}"

    def more(self, count: int) -> None:
        """Have so much more to say."""
        for number in range(len(self.commands), len(self.commands) + count):
            told: Map = {"entry": new_ulid(), "message": f"{number} from {self.user}"}
            if number % TURN:
                where: Map = {"cmd": "send", "to": f"{EAR}@{self.target}"}
            elif self.crosses:
                where = {"cmd": "sendgrouprealm", "realm": self.target, "group": GROUP}
            else:
                where = {"cmd": "sendgroup", "group": GROUP}
            self.commands.append({**where, **told})

    def say(self, window: int) -> None:
        """Send as much as may be without an answer."""
        while self.open and self.said < len(self.commands) and self.in_flight < window:
            self._said_at[self.said] = monotonic()
            self._send(self.said)
            self.said += 1

    def hear(self) -> None:
        """Take the answers that are here: each is what is due."""
        while self.actor.dealer.poll(0):
            answer = dict(msgpack.unpackb(self.actor.dealer.recv()))
            if self._for_now(answer):
                self._put_off.append(answer["id"])
                continue
            self._accept(self.commands[answer["id"]], answer)
            assert answer["id"] not in self.answers, f"answered twice: {answer}"
            self.answers[answer["id"]] = answer
            self.waits.append(monotonic() - self._said_at.pop(answer["id"]))

    def call_again(self) -> None:
        """On a new connection, say again what is without an answer, in order."""
        super().call_again()
        self._put_off.clear()
        for number in range(self.said):
            if number not in self.answers:
                self._send(number)

    def again(self) -> None:
        """Say again what was refused for now."""
        numbers, self._put_off = sorted(self._put_off), []
        for number in numbers:
            self._said_at[number] = monotonic()
            self._send(number)

    def arriving(self) -> list[Map]:
        """What must have arrived, in order."""
        return [self.commands[number] for number in self._in_order() if number not in self.lost]

    def kept(self) -> list[Map]:
        """What must be there as the sender's own, in order."""
        return [self.commands[number] for number in self._in_order() if number not in self.forgotten]

    def _in_order(self) -> list[int]:
        """As it was said; but as it was taken where some was refused for now, and taken behind what was said later."""
        said = list(range(self.said))
        return sorted(said, key=lambda number: self.answers[number].get("seq", 0)) if self.refused.total() else said

    def queued(self) -> int:
        """How many were answered as queued."""
        return sum(answer.get("queued", False) for answer in self.answers.values())

    def _accept(self, _command: Map, answer: Map) -> None:
        assert answer["status"] == "OK", answer

    def _send(self, number: int) -> None:
        command = {**self.commands[number], "id": number, "tokenId": self.actor.token}
        self.actor.dealer.send(msgpack.packb(command))


def private(one: str, other: str) -> str:
    """The conversation of two users."""
    return "private/" + ",".join(sorted((one, other)))


def history(actor: Actor, conversation: str) -> list[Map]:
    """All entries of a conversation, whose numbers have no gap and whose chain verifies."""
    entries: list[Map] = []
    more = True
    while more:
        [page] = actor.ask([{"cmd": "history", "conversation": conversation, "after": len(entries)}])
        assert page["status"] == "OK", page
        entries += page["entries"]
        more = page["more"]
    chain = bytes(32)
    for number, entry in enumerate(entries, 1):
        assert entry["seq"] == number, f"{conversation} has a gap before {entry['seq']}"
        assert follows(chain, entry), f"the chain of {conversation} breaks at {number}"
        chain = entry["chain"]
    return entries


def texts(commands: list[Map], *, to_group: bool) -> list[str]:
    """What was said to the user, or to the group."""
    return [one["message"] for one in commands if (one["cmd"] == "send") is not to_group]


def same(came: list[str], due: list[str], what: str) -> None:
    """Raise AssertionError with the difference, and not with all of both."""
    if came == due:
        return
    lost, doubled = Counter(due) - Counter(came), Counter(came) - Counter(due)
    at = next((at for at, (one, other) in enumerate(zip(came, due, strict=False)) if one != other), len(came))
    raise AssertionError(
        f"{what}: {len(came)} of {len(due)}, lost {list(lost)[:5]} ({lost.total()}), too many {list(doubled)[:5]}"
        f" ({doubled.total()}), differs at {at}: {came[at : at + 5]} for {due[at : at + 5]}"
    )
