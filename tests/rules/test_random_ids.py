"""What a real realm draws: topics that are all different, and that libzmq keeps with little work."""

from broker.random_ids import COUNTED_BYTES, TOPIC_BYTES, RandomIds

MANY = 5_000


def places(topics: list[bytes]) -> int:
    """The nodes of a tree that has these, byte by byte."""
    return len({topic[: end + 1] for topic in topics for end in range(len(topic))})


def test_topics_differ_and_take_about_a_place_each() -> None:
    one, other = RandomIds(), RandomIds()
    topics = [ids.topic() for ids in (one, other) for _ in range(MANY)]
    assert {len(topic) for topic in topics} == {TOPIC_BYTES}
    assert len(set(topics)) == 2 * MANY
    assert places(topics) < 2 * MANY * 1.05


def test_topics_of_another_start_cannot_be_foreseen() -> None:
    starts = {RandomIds().topic()[:-COUNTED_BYTES] for _ in range(100)}
    assert len(starts) == 100
