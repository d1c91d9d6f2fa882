"""How realms become peers: `addrealm`, its two sides, and who may not be one."""

from typing import Any

import pytest
from msgspec import UNSET

from realm.effects import RunJob
from realm.inputs import JobDone
from realm.jobs import CardRead, DialFailed, DialJob, Introduce, ProveIntroduction, ReadCard
from realm.settings import Limits, PeerRules, Settings
from schemas import commands
from schemas.codec import encode_command
from schemas.errors import Code
from schemas.federation import Introduced, Prove
from schemas.names import Name
from tests.rules.federation_kit import PORT, Asked, Network, Node, key_of_realm, make_pair, peer_rules
from tests.rules.kit import ok, refused


def dials(node: Node) -> list[DialJob]:
    """What a realm has dialled so far."""
    return [effect.job for effect in node.effects if isinstance(effect, RunJob) and isinstance(effect.job, DialJob)]


def introduce(to: Node, realm: str, key: str, address: str) -> Asked:
    """`link.introduce` by somebody with that key."""
    asked = Asked()
    frame = encode_command(Introduced(id=3, realm=Name(realm), address=address, port=PORT))
    to.receive(key, [frame], to.network.new_route(), lambda reply: asked.answers.append(reply.answer))
    to.network.flow()
    return asked


def unreachable(answer: Any) -> bool:
    return refused(answer, Code.REALM_UNREACHABLE) and answer.text == "Realm Unreachable"


def test_addrealm_makes_both_peers_of_each_other(network: Network) -> None:
    kampus, pusat = network.realm("kampus"), network.realm("pusat")
    messi, bob = kampus.user("messi"), pusat.user("bob")
    answer = messi.add_realm("pusat").answer
    assert ok(answer).message == "Realm added"
    network.run(2_000)
    for user, other in ((messi, "pusat"), (bob, "kampus")):
        (row,) = ok(user.get(commands.Realms)).realms
        assert (row.realm, row.address, row.port, row.key) == (other, other, PORT, key_of_realm(other))
        assert row.connected
    ok(bob.send("messi@kampus", "halo").answer)
    assert messi.texts("private/bob@pusat,messi@kampus") == ["halo"]


def test_peers_are_known_after_a_restart(network: Network) -> None:
    pair = make_pair(network)
    pair.kampus.crash()
    network.run(3_000)
    assert ok(pair.messi.send("bob@pusat").answer).queued is False
    assert refused(pair.messi.add_realm("pusat").answer, Code.REALM_EXISTS)


@pytest.mark.parametrize("realm", ["kampus", "KAMPUS", "pusat", "Pusat"])
def test_an_own_or_known_name_is_refused_before_any_dial(network: Network, realm: str) -> None:
    pair = make_pair(network)
    pair.kampus.effects.clear()
    asked = pair.messi.ask(commands.AddRealm, realm=Name(realm), address="elsewhere", port=1)
    assert refused(asked.answer, Code.REALM_EXISTS)
    assert asked.answer.text == "Realm sudah ada"
    assert dials(pair.kampus) == []


def test_nobody_at_home(network: Network) -> None:
    messi = network.realm("kampus").user("messi")
    assert unreachable(messi.add_realm("pusat").answer)


def test_a_card_with_another_name(network: Network) -> None:
    kampus, pusat = network.realm("kampus"), network.realm("pusat")
    messi = kampus.user("messi")
    assert unreachable(messi.add_realm("desa", address="pusat").answer)
    assert kampus.count("peers") == pusat.count("peers") == 0
    assert not [job for job in dials(kampus) if isinstance(job, Introduce)]


def test_a_key_that_was_given_outranks_the_card(network: Network) -> None:
    kampus, _ = network.realm("kampus"), network.realm("pusat")
    messi = kampus.user("messi")
    assert unreachable(messi.add_realm("pusat", key="x" * 40).answer)
    assert kampus.count("peers") == 0
    ok(messi.add_realm("pusat", key=key_of_realm("pusat")).answer)


def test_the_own_key_under_another_name(network: Network) -> None:
    kampus = network.realm("kampus")
    messi = kampus.user("messi")
    assert unreachable(messi.add_realm("desa", key=kampus.key).answer)
    mirror = network.liar("desa")
    mirror.key = kampus.key
    assert unreachable(messi.add_realm("desa").answer)
    assert refused(introduce(kampus, "desa", kampus.key, "desa").answer, Code.FORBIDDEN)
    assert refused(introduce(kampus, "kampus", "x" * 40, "desa").answer, Code.FORBIDDEN)
    assert kampus.count("peers") == 0


def test_a_key_that_is_known_keeps_its_name(network: Network) -> None:
    pair = make_pair(network)
    renamed = network.liar("baru")
    renamed.key = pair.pusat.key
    assert unreachable(pair.messi.add_realm("baru").answer)
    assert refused(introduce(pair.kampus, "baru", pair.pusat.key, "baru").answer, Code.FORBIDDEN)
    assert pair.kampus.count("peers") == 1


def test_a_name_that_is_known_keeps_its_key(network: Network) -> None:
    pair = make_pair(network)
    pair.kampus.effects.clear()
    answer = introduce(pair.kampus, "pusat", "another".ljust(40, "-"), "elsewhere").answer
    assert refused(answer, Code.FORBIDDEN)
    assert "another key" in answer.text
    assert dials(pair.kampus) == []


def test_who_introduces_itself_from_where_it_is_not(network: Network) -> None:
    """The card at the address that is named must have the key of the connection."""
    kampus, _ = network.realm("kampus"), network.realm("pusat")
    answer = introduce(kampus, "desa", "mallory".ljust(40, "-"), "pusat").answer
    assert answer.code == Code.REALM_UNREACHABLE
    answer = introduce(kampus, "pusat", "mallory".ljust(40, "-"), "pusat").answer
    assert answer.code == Code.REALM_UNREACHABLE
    assert kampus.count("peers") == 0


def test_a_realm_that_does_not_introduce_itself_proves_nothing(network: Network) -> None:
    """Somebody with the right key, but no introduction under way there."""
    kampus, pusat = network.realm("kampus"), network.realm("pusat")
    answer = introduce(kampus, "pusat", pusat.key, "pusat").answer
    assert answer.code == Code.REALM_UNREACHABLE
    assert kampus.count("peers") == 0


def prove(to: Node, key: str) -> Any:
    asked = Asked()
    frame = encode_command(Prove(id=3, nonce=bytes(16)))
    to.receive(key, [frame], to.network.new_route(), lambda reply: asked.answers.append(reply.answer))
    return asked.answer


def test_a_proof_is_given_only_while_introducing_and_only_to_that_key(network: Network) -> None:
    kampus, pusat = network.realm("kampus"), network.realm("pusat")
    messi = kampus.user("messi")
    assert refused(prove(kampus, pusat.key), Code.FORBIDDEN)
    asked = messi.begin_to_add("pusat", "pusat")
    assert refused(prove(kampus, pusat.key), Code.FORBIDDEN), "the card is being read"
    (job,) = kampus.jobs
    kampus.jobs.clear()
    kampus.turn(JobDone(job, CardRead("pusat", 1, pusat.key, 1), 1))
    assert ok(prove(kampus, pusat.key)).nonce == bytes(16)
    assert refused(prove(kampus, key_of_realm("desa")), Code.FORBIDDEN)
    (job,) = kampus.jobs
    assert isinstance(job, Introduce)
    kampus.jobs.clear()
    kampus.turn(JobDone(job, DialFailed("gone"), 1))
    assert unreachable(asked.answer)
    assert refused(prove(kampus, pusat.key), Code.FORBIDDEN)


def test_two_introductions_to_one_realm_end_one_by_one(network: Network) -> None:
    kampus, pusat = network.realm("kampus"), network.liar("pusat")
    messi = kampus.user("messi")
    for _ in range(2):
        messi.begin_to_add("pusat", "pusat")
    jobs, kampus.jobs = kampus.jobs, []
    kampus.turn(*(JobDone(job, CardRead("pusat", 1, pusat.key, 1), 1) for job in jobs))
    first, second = kampus.jobs
    kampus.jobs = []
    kampus.turn(JobDone(first, DialFailed("gone"), 1))
    ok(prove(kampus, pusat.key))
    kampus.turn(JobDone(second, DialFailed("gone"), 1))
    assert refused(prove(kampus, pusat.key), Code.FORBIDDEN)


def test_both_add_each_other_at_once(network: Network) -> None:
    kampus, pusat = network.realm("kampus"), network.realm("pusat")
    messi, bob = kampus.user("messi"), pusat.user("bob")
    asked = [messi.begin_to_add("pusat", "pusat"), bob.begin_to_add("kampus", "kampus")]
    network.flow()
    network.run(3_000)
    assert [ok(one.answer).message for one in asked] == ["Realm added"] * 2
    assert kampus.count("peers") == pusat.count("peers") == 1
    assert ok(messi.send("bob@pusat").answer).queued is False


def test_two_users_add_the_same_realm_at_once(network: Network) -> None:
    kampus, _ = network.realm("kampus"), network.realm("pusat")
    users = [kampus.user("messi"), kampus.user("henderson")]
    asked = [user.begin_to_add("pusat", "pusat") for user in users]
    network.flow()
    assert [ok(one.answer).message for one in asked] == ["Realm added"] * 2
    assert kampus.count("peers") == 1


def test_an_introduction_again_renews_the_address(network: Network) -> None:
    pair = make_pair(network)
    network.nodes["rumah"] = pair.pusat  # where pusat is now
    pair.pusat.core.memory.peers._introducing[pair.kampus.key] = 1  # as while it adds kampus
    ok(introduce(pair.kampus, "pusat", pair.pusat.key, "rumah").answer)
    del network.nodes["rumah"]
    (row,) = ok(pair.messi.get(commands.Realms)).realms
    assert row.address == "rumah"
    pair.kampus.end()
    pair.kampus.start()
    (row,) = ok(pair.messi.get(commands.Realms)).realms
    assert (row.address, pair.kampus.count("peers")) == ("rumah", 1)


# who may not


def test_only_admins_where_the_settings_say_so(network: Network) -> None:
    kampus, _ = network.realm("kampus", peer_rules(add="admins")), network.realm("pusat")
    messi, henderson = kampus.user("messi"), kampus.user("henderson")
    kampus.store._connection.execute("UPDATE accounts SET admin = (name = 'messi')")
    answer = henderson.add_realm("pusat").answer
    assert refused(answer, Code.FORBIDDEN)
    assert "admin" in answer.text
    ok(messi.add_realm("pusat").answer)


@pytest.mark.parametrize(
    "settings",
    [
        peer_rules(denied=("pusat",)),
        peer_rules(denied=(key_of_realm("pusat"),)),
        Settings(federation="listed"),
        Settings(federation="listed", peers=PeerRules(listed=("desa",))),
        Settings(federation="listed", peers=PeerRules(listed=("pusat",), denied=("pusat",))),
        Settings(federation="off"),
    ],
)
def test_whom_the_settings_exclude_is_no_peer(network: Network, settings: Settings) -> None:
    kampus, pusat = network.realm("kampus", settings), network.realm("pusat")
    messi, bob = kampus.user("messi"), pusat.user("bob")
    answer = messi.add_realm("pusat").answer
    assert answer.code == (Code.FORBIDDEN if settings.federation == "off" else Code.REALM_UNREACHABLE)
    assert unreachable(bob.add_realm("kampus").answer)
    assert kampus.count("peers") == pusat.count("peers") == 0


def test_a_listed_realm_is_a_peer(network: Network) -> None:
    listed = Settings(federation="listed", peers=PeerRules(listed=("pusat",)))
    pair = make_pair(network, kampus=listed)
    assert ok(pair.messi.send("bob@pusat").answer).queued is False
    assert ok(pair.bob.send("messi@kampus").answer).queued is False


def test_a_peer_that_is_excluded_afterwards_is_not_listened_to(network: Network) -> None:
    pair = make_pair(network)
    pair.kampus.end()
    pair.kampus.settings = peer_rules(denied=("pusat",))
    pair.kampus.come_back()
    network.run(10_000)
    asked = pair.bob.send("messi@kampus")
    network.run(3_000)
    assert ok(asked.answer).queued
    assert pair.kampus.count("entries") == 0
    (seen,) = ok(pair.messi.get(commands.Realms)).realms
    assert (seen.connected, seen.excluded) == (False, True), "nobody is to wait until it answers"
    (other,) = ok(pair.bob.get(commands.Realms)).realms
    assert other.excluded is UNSET


def test_federation_off_refuses_to_send_and_keeps_what_came(network: Network) -> None:
    pair = make_pair(network)
    ok(pair.bob.send("messi@kampus", "halo").answer)
    pair.kampus.end()
    pair.kampus.settings = Settings(federation="off")
    pair.kampus.come_back()
    for asked in (
        pair.messi.send("bob@pusat"),
        pair.messi.ask(commands.SendPrivateRealm, realm=Name("pusat"), to=Name("bob"), message="x"),
        pair.messi.ask(commands.SendGroupRealm, realm=Name("pusat"), group=Name("new"), message="x"),
        pair.messi.ask(commands.SendFileRealm, realm=Name("pusat"), to=Name("bob"), file="x"),
        pair.messi.add_realm("desa"),
    ):
        assert refused(asked.answer, Code.FORBIDDEN)
        assert asked.answer.text
    assert [one.message for one in pair.messi.inbox("pusat")] == ["halo"]
    assert ok(pair.messi.send("henderson").answer).seq == 1
    assert refused(introduce(pair.kampus, "desa", "x" * 40, "desa").answer, Code.FORBIDDEN)


def test_too_many_peers(network: Network) -> None:
    kampus = network.realm("kampus", peer_rules(most=1))
    for name in ("pusat", "desa"):
        network.realm(name)
    messi = kampus.user("messi")
    ani = network.nodes["desa"].user("ani")
    ok(messi.add_realm("pusat").answer)
    assert unreachable(messi.add_realm("desa").answer)
    assert unreachable(ani.add_realm("kampus").answer)
    assert kampus.count("peers") == 1
    assert network.nodes["desa"].count("peers") == 0


def test_too_many_dials(network: Network) -> None:
    kampus = network.realm("kampus")
    users = [kampus.user(f"user{number}") for number in range(4)]
    asked = [users[number % 4].begin_to_add(f"realm{number}", "nowhere") for number in range(66)]
    assert [one.open for one in asked] == [True] * 64 + [False] * 2
    assert all(unreachable(one.answer) for one in asked[64:])
    network.flow()
    assert all(unreachable(one.answer) for one in asked)
    assert kampus.core.memory.under_way.dialling == 0
    network.realm("pusat")
    ok(users[0].add_realm("pusat").answer)
    assert kampus.core.memory.under_way.dialling == 0


def test_the_dials_to_peers_take_nobodys_place(network: Network) -> None:
    pair = make_pair(network)
    network.cut("kampus", "pusat")
    network.run(30_000)
    assert pair.kampus.core.memory.under_way.dialling == 0
    assert not pair.kampus.core.is_busy()


def test_strangers_who_introduce_themselves_are_limited_by_address(network: Network) -> None:
    kampus = network.realm("kampus", Settings(trusted_clients=(), limits=Limits(address_burst=3, address_per_second=1)))
    codes = [introduce(kampus, "desa", "x" * 40, "desa").answer.code for _ in range(5)]
    assert codes == [Code.REALM_UNREACHABLE] * 3 + [Code.RATE_LIMITED] * 2
    codes = [prove(kampus, "x" * 40).code for _ in range(2)]
    assert codes == [Code.RATE_LIMITED] * 2


def test_who_logs_out_while_the_card_is_read_is_answered_all_the_same(network: Network) -> None:
    kampus, _ = network.realm("kampus"), network.realm("pusat")
    messi = kampus.user("messi")
    asked = messi.begin_to_add("pusat", "pusat")
    ok(messi.get(commands.Logout))
    network.flow()
    assert ok(asked.answer).message == "Realm added"


def test_a_realm_that_became_known_while_it_was_introduced(network: Network) -> None:
    """What has changed meanwhile is looked at again, at both sides."""
    kampus, pusat = network.realm("kampus"), network.liar("pusat")
    messi, henderson = kampus.user("messi"), kampus.user("henderson")
    asked = [messi.begin_to_add("pusat", "pusat"), henderson.begin_to_add("desa", "pusat")]
    first, second = kampus.jobs
    kampus.jobs = []
    kampus.turn(JobDone(first, CardRead("pusat", 1, pusat.key, 1), 1))
    kampus.turn(JobDone(second, CardRead("desa", 1, pusat.key, 1), 1))
    network.flow()
    assert ok(asked[0].answer).message == "Realm added"
    assert unreachable(asked[1].answer)
    assert kampus.count("peers") == 1


def test_a_job_that_ends_twice_is_no_harm(network: Network) -> None:
    kampus, pusat = network.realm("kampus"), network.realm("pusat")
    job = ReadCard(None, 1, "pusat", PORT)
    ok(kampus.user("messi").add_realm("pusat").answer)
    network.run(2_000)
    kampus.turn(JobDone(job, CardRead("pusat", 1, pusat.key, 1), 1), JobDone(job, DialFailed("late"), 1))
    assert kampus.link("pusat").down_since is None


def test_why_a_realm_was_not_added_is_in_the_log_and_does_not_fill_it(network: Network) -> None:
    kampus = network.realm("kampus")
    messi = kampus.user("messi")
    for _ in range(5):
        messi.add_realm("pusat")
    assert len(kampus.notes("realm not added")) == 1
    assert kampus.notes("realm not added")[0].fields["realm"] == "pusat"


def test_dials_of_introductions_go_where_they_should(network: Network) -> None:
    kampus, pusat = network.realm("kampus"), network.realm("pusat")
    ok(kampus.user("messi").add_realm("pusat").answer)
    assert [(type(job), job.host) for job in dials(kampus)] == [(ReadCard, "pusat"), (Introduce, "pusat")]
    (asked,) = [job for job in dials(pusat) if isinstance(job, ProveIntroduction)]
    assert (asked.realm, asked.key, asked.host, asked.port) == ("kampus", kampus.key, "kampus", PORT)
