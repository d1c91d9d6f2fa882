"""Somebody who asks for what is refused, again and again: nothing of it may be there, whatever happens meanwhile."""

from tests.faults.realm_flows import Flow, Map, history, private
from tests.wire.player_actor import Actor
from tests.wire.stranger import new_ulid

NOBODY = "nobody"
CLOSED = "closed"
"""A group of which the ear alone is a member."""
AT_ONCE = 9


class Denied(Flow):
    """Says things to nobody here, to nobody elsewhere, and in a group that is not theirs."""

    def more(self, count: int) -> None:
        """Have so much more to say."""
        ways: list[Map] = [
            {"cmd": "send", "to": NOBODY},
            {"cmd": "sendgroup", "group": CLOSED},
            {"cmd": "send", "to": f"{NOBODY}@{self.target}"},
        ]
        for number in range(len(self.commands), len(self.commands) + count):
            self.commands.append({**ways[number % len(ways)], "message": f"no {number}", "entry": new_ulid()})

    def say(self, window: int) -> None:
        """Send some of it."""
        super().say(min(window, AT_ONCE))

    def check(self, owner: Actor) -> None:
        """Nothing is there, but what was queued and the bounce of each. `owner` may read the group."""
        assert history(owner, f"group/{CLOSED}@{self.realm}") == []
        assert history(self.actor, private(self.user, f"{NOBODY}@{self.realm}")) == []
        entries = history(self.actor, private(self.user, f"{NOBODY}@{self.target}"))
        own = [entry["id"] for entry in entries if entry["kind"] == "text"]
        queued = [self.commands[at]["entry"] for at in self._in_order() if self.answers[at]["status"] == "OK"]
        assert own == queued, "what was queued for nobody is not kept as it was told"
        bounces = [(entry["re"], entry["code"]) for entry in entries if entry["kind"] == "bounce"]
        assert sorted(bounces) == sorted((entry, "user_not_found") for entry in queued)
        assert len(entries) == len(own) + len(bounces)

    def _accept(self, command: Map, answer: Map) -> None:
        """Refused; or queued, where the realm of nobody is out of reach."""
        elsewhere = "@" in command.get("to", "")
        code = "not_member" if command["cmd"] == "sendgroup" else "user_not_found"
        assert answer.get("code") == code or (elsewhere and answer.get("queued")), answer
