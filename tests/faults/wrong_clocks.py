"""Three realms under load whose clocks jump a day, while they run and while they are down; and what people notice."""

from time import monotonic

import psutil

from tests.faults.clocked import ClockedRealm
from tests.faults.mixed_load import Mixed
from tests.faults.realm_kit import NAMES
from tests.wire.player_actor import WAIT, Actor

DAY_MS = 86_400_000
GUESSES = 6
"""Wrong passwords, of which the last is delayed by 2 s."""
SOON_S = 15.0
"""Within this somebody who was delayed is let in: many times what the delay was, and little of a day."""


class Clocks:
    """Sets the clocks of the realms of a `Mixed`, which are `ClockedRealm`s."""

    def __init__(self, mixed: Mixed) -> None:
        self.mixed, self.three = mixed, mixed.three
        self.jumps = 0
        """How often a clock was set while its realm ran, and"""
        self.beside = 0
        """while it was down."""
        self.heard = 0
        """Pushes that came after a jump."""
        self.listening = {name: self._listener(name) for name in NAMES}

    def set(self, name: str, days: int) -> None:
        """Set one, whether its realm runs or not, to so many days after the true time."""
        realm = self.three.realms[name]
        assert isinstance(realm, ClockedRealm)
        if realm.running:
            self.jumps += 1
        else:
            self.beside += 1
        realm.set_clock(days * DAY_MS)

    def set_right(self, names: tuple[str, ...]) -> None:
        """Have these tell the true time."""
        for name in names:
            self.set(name, 0)

    def go_on(self) -> None:
        """All say something, here and to others: all is answered, nobody's session has ended, and pushes come."""
        self.mixed.go_on()
        for name, listener in self.listening.items():
            self._push(name, listener)

    def guess(self, name: str, *set_back: int) -> None:
        """Guess a password until that is delayed, and set the clock back: the right one is let in soon."""
        actor = self.listening[name]
        other = Actor(actor.context, actor.card, actor.host, f"guesser@{name}")
        try:
            told = {"cmd": "auth", "username": actor.user.partition("@")[0]}
            answers = [other.ask([{**told, "password": f"a guess, the {at}."}])[0] for at in range(GUESSES)]
            assert answers[-1]["code"] in ("wrong_password", "rate_limited"), answers
            for days in set_back:
                self.set(name, days)
            until = monotonic() + SOON_S
            while (answer := other.ask([{**told, "password": "surabaya"}])[0])["status"] != "OK":
                assert answer["code"] == "rate_limited", answer
                assert monotonic() < until, f"delayed by {answer['retry_after']} ms"
                self.three.step()
        finally:
            other.close()

    def idle_share(self, seconds: float) -> float:
        """What of a core the busiest realm takes while nobody says anything."""
        running = [psutil.Process(self.three.realms[name].pid) for name in NAMES]
        before = [one.cpu_times() for one in running]
        until = monotonic() + seconds
        self.three.run(lambda: monotonic() >= until, "time passes")
        after = [one.cpu_times() for one in running]
        spent = [now.user + now.system - was.user - was.system for was, now in zip(before, after, strict=True)]
        return max(spent) / seconds

    def _listener(self, name: str) -> Actor:
        actor = self.three.person(name, f"listener-{name}")
        assert actor.listen(), f"no welcome at {name}"
        return actor

    def _push(self, name: str, listener: Actor) -> None:
        """What is said to them comes by push, without a login; after a restart on the connection that libzmq renews."""
        assert listener.marked() or listener.listen(), f"no welcome at {name}"
        listener.here_already()
        listener.heard.clear()
        self.three.ask(name, "send", to=listener.user, message="halo")
        while (event := listener.hear()) and event["event"] == "welcome":
            continue  # of a connection that was made anew
        assert event is not None, f"no push at {name} within {WAIT:g} s"
        assert (event["event"], event["entry"]["message"]) == ("entry", "halo"), event
        self.heard += 1
