"""What part of a room is on the page, by property: nothing is lost or moved by what is said meanwhile."""

from collections.abc import Sequence
from datetime import UTC, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from client.model.reading import BESIDE, BLOCK, MOST_PAGES, PAGE, Block, Reading, blocks
from client.model.room import Day, Message, Outgoing, Row, rows
from schemas.entries import Entry
from schemas.names import ConversationId

USER = "henderson@kampus"
TALK = ConversationId("private/henderson@kampus,messi@kampus")
ZONE = timezone(timedelta(hours=7))


def entry(seq: int, sender: str = "messi@kampus", sent_at: int = 0) -> Entry:
    return Entry(
        conversation=TALK, seq=seq, id=f"{seq:026}", sender=sender, name=sender, sent_at=sent_at, kind="text",
        chain=bytes(32), salt=bytes(16), message=f"text {seq}",
    )  # fmt: skip


def run_of(first: int, last: int) -> list[Entry]:
    return [entry(seq) for seq in range(first, last + 1)]


@st.composite
def talks(draw: st.DrawFn, most: int = 90) -> list[Entry]:
    """Entries one after the other, from any number on, by either side, sooner or later."""
    first = draw(st.integers(1, 3 * BLOCK))
    at = draw(st.integers(0, 10**12))
    said: list[Entry] = []
    told = draw(
        st.lists(
            st.tuples(st.sampled_from([USER, "messi@kampus"]), st.sampled_from([0, 1_000, 400_000, 80_000_000])),
            max_size=most,
        )
    )
    for seq, (sender, later) in enumerate(told, first):
        at += later
        said.append(entry(seq, sender, at))
    return said


SENDING = st.lists(st.integers(0, 10**12), max_size=4).map(
    lambda times: [Outgoing(f"out-{number}", f"sending {number}", at) for number, at in enumerate(times)]
)


def shown_rows(said: Sequence[Entry], sending: Sequence[Outgoing] = (), seen: int = 0) -> list[Row]:
    return rows(said, sending, user=USER, name="Henderson", seen=seen, zone=ZONE)


def numbers(block: Block) -> list[int | None]:
    return [row.seq for row in block.rows if isinstance(row, Message)]


@given(talks(), SENDING)
def test_blocks_have_all_rows_in_order(said: list[Entry], sending: list[Outgoing]) -> None:
    shown = shown_rows(said, sending)
    made = blocks(shown)
    assert [row for block in made for row in block.rows] == shown
    assert all(isinstance(block.rows[-1], Message) for block in made), "a day is above what was said on it"


@given(talks(), SENDING)
def test_blocks_are_few_small_and_told_apart(said: list[Entry], sending: list[Outgoing]) -> None:
    made = blocks(shown_rows(said, sending))
    assert len({block.key for block in made}) == len(made)
    assert len(made) <= len(said) // BLOCK + 3
    for block in made:
        of = numbers(block)
        assert of
        if None in of:
            assert of == [None] * len(sending)
            assert block is made[-1]
        else:
            assert len(of) <= BLOCK


def test_no_rows_are_no_blocks() -> None:
    assert blocks([]) == []


@given(talks(), SENDING, st.sampled_from([USER, "messi@kampus"]), st.integers(0, 10**8))
def test_what_is_said_at_the_end_changes_the_last_block_alone(
    said: list[Entry], sending: list[Outgoing], sender: str, later: int
) -> None:
    before = [block for block in blocks(shown_rows(said, sending)) if None not in numbers(block)]
    new = entry(said[-1].seq + 1 if said else 1, sender, (said[-1].sent_at if said else 0) + later)
    after = blocks(shown_rows([*said, new], sending))
    kept = before[:-1]
    assert after[: len(kept)] == kept
    assert [block.key for block in after[: len(before)]] == [block.key for block in before]
    assert after != before


@given(talks(), st.integers(1, 2 * BLOCK))
def test_what_comes_above_leaves_the_blocks_below(said: list[Entry], cut: int) -> None:
    """Older ones are put there while somebody reads: what is read is not drawn again."""
    whole, part = blocks(shown_rows(said)), blocks(shown_rows(said[cut:]))
    assert part[1:] == whole[len(whole) - len(part) + 1 :]


def test_a_full_page_keeps_its_blocks_but_the_first_and_the_last() -> None:
    said = run_of(1, 3 * PAGE + 1)
    reading = Reading()
    before, after = (blocks(shown_rows(reading.shown(said[:end]))) for end in (-1, None))
    assert before[1:-1] == after[1 : len(before) - 1]
    assert len(before[1:-1]) == PAGE // BLOCK - 1


@given(talks(most=30), st.integers(0, 100))
def test_a_read_mark_changes_only_blocks_of_what_was_read(said: list[Entry], seen: int) -> None:
    before, after = blocks(shown_rows(said)), blocks(shown_rows(said, seen=seen))
    assert [block.key for block in before] == [block.key for block in after]
    for old, new in zip(before, after, strict=True):
        own = {row.seq for row in old.rows if isinstance(row, Message) and row.own and row.seq is not None}
        assert (old != new) == any(seq <= seen for seq in own)


def test_a_day_goes_with_what_was_said_on_it() -> None:
    midnight = 17 * 3_600_000  # at ZONE
    said = [entry(BLOCK - 1, sent_at=midnight - 1), entry(BLOCK, sent_at=midnight)]
    assert [[type(row) for row in block.rows] for block in blocks(shown_rows(said))] == [[Day, Message], [Day, Message]]
    same_day = rows(said, [], user=USER, name="Henderson", seen=0, zone=UTC)
    assert [[type(row) for row in block.rows] for block in blocks(same_day)] == [[Day, Message], [Message]]


# where the reader is

LENGTHS = st.integers(0, 4 * PAGE)
HEIGHT = 1_000.0
"""Of each block."""


def measured(reading: Reading, last: int) -> Reading:
    for number in range(last // BLOCK + 1):
        reading.measured(f"block-{number}", HEIGHT)
    return reading


@given(LENGTHS)
def test_a_reader_begins_at_the_end(length: int) -> None:
    reading, said = Reading(), run_of(1, length)
    assert reading.follows
    assert list(reading.shown(said)) == said[-PAGE:]
    assert reading.below(length) == 0
    assert reading.passed(said) == []


@given(st.integers(1, 3 * PAGE), st.integers(0, 3), st.lists(st.integers(1, 2 * PAGE), max_size=4))
def test_who_reads_further_up_is_not_disturbed(length: int, wider: int, arriving: list[int]) -> None:
    reading, sending = Reading(), [Outgoing("x", "sending", 0)]
    end = length
    reading.hold(end)
    for _ in range(wider):
        reading.more(run_of(1, end))
    page = list(reading.shown(run_of(1, end)))
    assert page[-1].seq == length
    following = reading.follows
    assert not following
    for count in arriving:
        end += count
        reading.hold(end)  # scrolling on up: the page stays
        assert list(reading.shown(run_of(1, end))) == page
        assert reading.below(end) == end - length
        assert reading.outgoing(sending) == ()
    reading.follow()
    said = run_of(1, end)
    assert reading.follows
    assert list(reading.shown(said)) == said[-PAGE:]
    assert reading.below(end) == 0
    assert reading.outgoing(sending) == sending


@given(st.integers(1, 5 * PAGE), st.integers(1, 8), st.booleans())
def test_more_widens_until_older_ones_must_be_fetched_or_the_page_is_full(length: int, times: int, held: bool) -> None:
    reading, said = Reading(), run_of(1, length)
    if held:
        reading.hold(length)
    for _ in range(times):
        before = len(reading.shown(said))
        fetch = reading.more(said)
        shown = reading.shown(said)
        assert list(shown) == said[-len(shown) :]
        assert fetch == (len(shown) == length), "fetched although there are more"
        assert len(shown) == min(length, MOST_PAGES * PAGE, before + PAGE)


@given(st.integers(PAGE, 10 * PAGE), st.floats(0, 100_000), st.floats(0, 100_000))
def test_a_page_is_bounded_and_around_the_reader_and_nothing_moves(length: int, first: float, then: float) -> None:
    reading, said = measured(Reading(), length), run_of(1, length)
    reading.hold(length)
    reading.more(said)
    for pixels in (first, then):
        reading.scrolled(pixels)
        shown, passed = reading.shown(said), reading.passed(said)
        assert len(shown) <= MOST_PAGES * PAGE
        assert sum(passed) <= max(0, pixels - BESIDE)
        taken = said[length - sum(number // BLOCK > length // BLOCK - len(passed) for number in range(1, length + 1)) :]
        assert [*shown, *taken] == said[-len(shown) - len(taken) :], "what was passed is just what is not there"
        if len(shown) == MOST_PAGES * PAGE:
            assert sum(passed) > pixels - BESIDE - HEIGHT, "more could have been passed"


def test_a_block_that_was_never_drawn_is_not_passed() -> None:
    reading, said = Reading(), run_of(1, 400)
    reading.hold(400)
    reading.measured("block-20", 50)
    reading.scrolled(10_000)
    assert (reading.passed(said), reading.shown(said)[-1].seq) == ([50], 399)


def test_who_comes_down_again_lacks_what_was_let_go() -> None:
    reading = measured(Reading(), 1_000)
    reading.hold(1_000)
    run = run_of(101, 600)
    reading.scrolled(40_000)
    assert not reading.lacks_newer(run)
    reading.scrolled(24_000)
    assert reading.lacks_newer(run)
    reading.scrolled(1_000)
    shown, passed = reading.shown(run), reading.passed(run)
    assert shown[-1].seq == 599, "whole blocks, for their heights"
    assert len(passed) == 1_000 // BLOCK - 600 // BLOCK + 1
    reading.follow()
    assert not reading.lacks_newer(run_of(501, 1_000))


@given(st.integers(1, 3 * PAGE), st.integers(PAGE, 3 * PAGE))
def test_older_ones_that_were_fetched_are_shown(length: int, older: int) -> None:
    said = run_of(1_001, 1_000 + length)
    reading = Reading()
    reading.hold(said[-1].seq)
    fetch = [reading.more(said) for _ in range(3)][-1]
    assert fetch == (length <= MOST_PAGES * PAGE)
    wider = reading.shown(run_of(1_001 - older, 1_000 + length))
    assert len(wider) > len(reading.shown(said)) or length >= MOST_PAGES * PAGE
    assert len(wider) % PAGE == 0
    assert wider[-1] == said[-1]


def test_following_takes_back_what_was_widened() -> None:
    reading, said = Reading(), run_of(1, 5 * PAGE)
    reading.hold(5 * PAGE)
    reading.more(said)
    assert len(reading.shown(said)) == 2 * PAGE
    reading.follow()
    assert len(reading.shown(said)) == PAGE


def test_nothing_waits_below_an_empty_room() -> None:
    reading = Reading()
    reading.hold(7)
    assert (reading.shown([]), reading.passed([]), reading.lacks_newer([])) == ([], [], False)
    assert reading.below(0) == 0
