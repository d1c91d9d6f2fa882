"""A conversation of 10,000 entries, read by a client through a network that loses, doubles and delays."""

from pathlib import Path

from realm.store.rows import Draft
from schemas import names
from schemas.names import Address
from tests.rules.kit import SeededIds
from tests.simulation.client_node import ClientNode
from tests.simulation.network import World
from tests.simulation.realm_node import RealmNode
from tests.simulation.user import User

ENTRIES = 10_000
ANI, BUDI = Address("ani@kampus"), Address("budi@kampus")
DAY_MS = 86_400_000


def test_ten_thousand_entries_read_through_a_lossy_network_equal_history(tmp_path: Path) -> None:
    world = World(seed=3, faulty=False)
    realm = RealmNode(world, tmp_path)
    users = [User("ani"), User("budi")]
    reader, other = (ClientNode(world, realm, user, number, users) for number, user in enumerate(users))
    while not (reader.settled and other.settled and reader.mirror.epoch):
        world.run_until(world.now + 1_000)
    world.faulty = True
    conversation = names.private(ANI, BUDI)
    ids = SeededIds()
    with realm.store.transaction() as tx:
        accounts = [account.id for user in users if (account := tx.account(user.name))]
        tx.open_conversation(conversation, accounts, world.now)
        for number in range(ENTRIES):
            tx.append(conversation, Draft(ids.ulid(0), BUDI, "budi", world.now, ids.salt(), f"message {number}"))
    end = world.now + DAY_MS
    while len(shown(reader, conversation)) < ENTRIES and world.now < end:
        world.run_until(world.now + 1_000)
    with realm.store.transaction() as tx:
        kept = tx.history(conversation, after=0, limit=ENTRIES, max_bytes=1 << 40).entries
    assert reader.mirror.shown[conversation].entries == kept
    assert len(kept) == ENTRIES
    assert [entry.seq for entry in reader.news] == list(range(1, ENTRIES + 1))
    assert world.counts["drop"] > 0
    realm.store.close()


def shown(client: ClientNode, conversation: names.ConversationId) -> list[object]:
    known = client.mirror.shown.get(conversation)
    return list(known.entries) if known else []
