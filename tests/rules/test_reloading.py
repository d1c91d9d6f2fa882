"""Settings that change while the realm runs: what does so at once, what does not, and what a bad file does."""

from typing import Any

import pytest

from realm.due import FAR
from realm.effects import Adopt, Connect, Disconnect, Effect, Note, RunJob
from realm.federation.state import Phase
from realm.inputs import FromPeer, Hangup, JobDone, LinkUp, Tick
from realm.jobs import CardRead, ReadCard, ReadSettings, SettingsBad, SettingsRead
from realm.request import OPERATOR
from realm.settings import Files, Hashing, Limits, Listen, PeerRules, Settings
from schemas import commands, operator
from schemas.errors import Code
from schemas.federation import PeerAnswer
from schemas.names import Name
from tests.rules.kit import NOW, RealmKit, key_of, ok, refused, request

PUSAT_KEY = "p" * 40


def kinds(kit: RealmKit, kind: type) -> list[Any]:
    return [effect for effect in kit.effects if isinstance(effect, kind)]


def reload(kit: RealmKit, settings: Settings) -> Any:
    kit.read = SettingsRead(settings)
    return ok(kit.ask(OPERATOR, operator.Reload(id=5), OPERATOR))


def log_in_often(kit: RealmKit, address: str) -> int:
    """How many registrations come through from one address."""
    command = commands.Register(id=1, username=Name("x"), password="surabaya", country="X", name="X")
    for count in range(100):
        if refused(kit.ask(key_of("x"), command, address), Code.RATE_LIMITED):
            return count
    raise AssertionError("nothing is limited")


def test_what_can_change_does_and_the_rest_is_told(kit: RealmKit) -> None:
    new = Settings(
        registration="closed",
        listen=Listen(port=1),
        hashing=Hashing(workers=7, passes=1),
        limits=Limits(login_burst=3),
        files=Files(unsent_hours=0.001),
    )
    told = reload(kit, new)
    assert told.id == 5
    assert told.changed == [
        'registration: "open" -> "closed"',
        "limits.login_burst: 30 -> 3",
        "hashing.passes: 3 -> 1",
        "files.unsent_hours: 24 -> 0.001",
    ]
    assert told.kept == ["listen.port: 8889 -> 1", "hashing.workers: 2 -> 7"]
    now = kit.core.rules.settings
    assert (now.registration, now.listen.port, now.hashing.workers, now.hashing.passes) == ("closed", 8889, 2, 1)
    assert kinds(kit, Adopt) == [Adopt(now)]
    assert kinds(kit, Note)[-1].event == "settings reloaded"
    assert kit.core.wake_at(kit.now) <= NOW + 3_600, "files are looked after more often now"
    assert reload(kit, new).changed == [], "it is so already"
    assert reload(kit, new).kept == told.kept, "it still needs a restart"


def test_limits_hold_at_once_and_forget_nobody(kit: RealmKit) -> None:
    stranger = "192.0.2.1"
    assert log_in_often(kit, stranger) == 30
    reload(kit, Settings(limits=Limits(login_burst=50)))
    assert log_in_often(kit, stranger) == 0, "what was taken stays taken"
    assert log_in_often(kit, "192.0.2.2") == 50
    reload(kit, Settings(limits=Limits(login_burst=2), trusted_clients=(stranger,)))
    assert log_in_often(kit, "192.0.2.3") == 2
    with pytest.raises(AssertionError, match="nothing is limited"):
        log_in_often(kit, stranger)


def test_a_bad_file_changes_nothing(kit: RealmKit) -> None:
    kit.read = SettingsBad("line 3: no")
    before = kit.core.rules.settings
    answer = kit.ask(OPERATOR, operator.Reload(id=5), OPERATOR)
    assert refused(answer, Code.BAD_REQUEST)
    assert "line 3: no" in repr(answer)
    kit.turn(Hangup())
    assert kit.do_jobs() == []
    assert kinds(kit, Note)[-1] == Note("warning", "settings not reloaded", {"why": "line 3: no"})
    assert kit.core.rules.settings is before
    assert kinds(kit, Adopt) == []


def test_a_signal_is_told_to_the_log(kit: RealmKit) -> None:
    kit.read = SettingsRead(Settings(registration="invite", listen=Listen(port=2)))
    kit.turn(Hangup())
    assert kit.do_jobs() == []
    assert kit.core.rules.settings.registration == "invite"
    assert kinds(kit, Note)[-1].fields == {
        "changed": ['registration: "open" -> "invite"'],
        "after_a_restart": ["listen.port: 8889 -> 2"],
    }


def test_a_turn_that_is_decided_twice_tells_the_same(kit: RealmKit) -> None:
    """Nothing changes before the commit."""
    done = JobDone(ReadSettings(None), SettingsRead(Settings(registration="closed")), 1)
    with kit.store.transaction() as tx:
        first = kit.core.decide(tx, kit.now, [done])
    assert kit.core.rules.settings == Settings()
    with kit.store.transaction() as tx:
        assert kit.core.decide(tx, kit.now, [done]) == first
    kit.core.apply(first.changes)
    assert kit.core.rules.settings.registration == "closed"


def federating(kit: RealmKit) -> int:
    """A peer whose link is open."""
    with kit.store.transaction() as tx:
        peer = tx.add_peer(Name("pusat"), PUSAT_KEY, "127.0.0.1", 1, kit.now)
    kit.restart()
    kit.jobs.clear()
    kit.turn(Tick())
    (job,) = kit.jobs
    assert isinstance(job, ReadCard)
    kit.jobs.clear()
    kit.turn(JobDone(job, CardRead("pusat", 1, PUSAT_KEY, 2), 1))
    kit.turn(LinkUp(peer.id))
    return peer.id


def since(kit: RealmKit, mark: int) -> list[Effect]:
    return [effect for effect in kit.effects[mark:] if isinstance(effect, Connect | Disconnect | RunJob)]


@pytest.mark.parametrize(
    "denies",
    [
        Settings(peers=PeerRules(denied=("Pusat",))),
        Settings(peers=PeerRules(denied=(PUSAT_KEY,))),
        Settings(federation="off"),
        Settings(federation="listed"),
    ],
)
def test_a_peer_that_is_denied_now_is_not_spoken_to_any_more(kit: RealmKit, denies: Settings) -> None:
    peer = federating(kit)
    mark = len(kit.effects)
    reload(kit, denies)
    assert Disconnect(peer) in since(kit, mark)
    link = kit.core.memory.peers.link(peer)
    assert (link.phase, link.due, link.answers) == (Phase.BARRED, FAR, False)

    mark = len(kit.effects)
    kit.turn(LinkUp(peer), FromPeer(peer, PeerAnswer(id=link.hello, status="OK")))
    kit.turn(JobDone(ReadCard(None, peer, "127.0.0.1", 1), CardRead("pusat", 1, PUSAT_KEY, 2), 1))
    kit.now += 600_000
    kit.turn(Tick())
    assert since(kit, mark) == []
    assert kit.core.memory.peers.link(peer).phase is Phase.BARRED
    (seen,) = ok(kit.ask(OPERATOR, operator.Peers(id=1), OPERATOR)).peers
    assert (seen.allowed, seen.answers, seen.speaks) == (False, False, False)

    kit.settings = kit.core.rules.settings
    kit.restart()
    kit.turn(Tick())
    assert since(kit, mark) == []
    reload(kit, Settings())
    kit.now += 1_000
    kit.turn(Tick())
    assert isinstance(kit.jobs[-1], ReadCard), "it is spoken to again"


def test_who_waits_for_a_peer_that_is_denied_is_answered(kit: RealmKit) -> None:
    federating(kit)
    messi = kit.register("messi")
    said = commands.SendPrivateRealm(id=9, tokenId=messi.tokenId, realm=Name("pusat"), to=Name("bob"), message="halo")
    assert kit.turn(request(key_of("messi"), said)) == []
    reload(kit, Settings(federation="off"))
    (reply,) = kit.turn(Tick())
    assert ok(reply.answer).queued
    assert refused(kit.ask(key_of("messi"), said), Code.FORBIDDEN)
