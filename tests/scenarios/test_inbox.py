"""`inbox` - what was received and not yet fetched. It moves a cursor; nothing leaves the history."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage


def test_errors(play: Play) -> None:
    """`inbox`: `Session tidak ditemukan`. A limit is 1 to 100."""
    play("""
        stranger: inbox
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: register messi surabaya Argentina Lionel Messi
        messi: inbox limit=0
        messi gets: ERROR bad_request limit…
        messi: inbox limit=101
        messi gets: ERROR bad_request limit…
        messi: inbox limit="ten"
        messi gets: ERROR bad_request limit…
        messi: inbox
        messi gets: messages=[] more=false
    """)


def test_by_conversation_then_number(team: Stage) -> None:
    """`messages: [entry]` by conversation, then number; without what the user has said."""
    team.play("""
        messi: send henderson satu
        lineker: send henderson dua
        messi: send henderson tiga
        henderson: send messi empat
        messi hears: empat
        lineker: send henderson lima
        messi: send henderson enam
        henderson hears: satu
        henderson hears: dua
        henderson hears: tiga
        henderson hears: lima
        henderson hears: enam
        henderson: inbox
        henderson gets messages:
            1 lineker: dua
            2 lineker: lima
            1 messi: satu
            2 messi: tiga
            4 messi: enam
    """)


def test_it_goes_on_by_itself(team: Stage) -> None:
    """Lists take `limit?` and then say `more: true`; `inbox` goes on by itself."""
    team.play("""
        messi: send henderson m{1..5}
        lineker: send henderson l{1..2}
        henderson hears: m{1..5}
        henderson hears: l{1..2}
        henderson: inbox limit=3
        henderson gets: more=true
        henderson gets messages:
            {1..2} lineker: l{1..2}
            1 messi: m1
        henderson: inbox limit=2
        henderson gets: more=true
        henderson gets messages:
            {2..3} messi: m{2..3}
        henderson: inbox limit=2
        henderson gets: more=false
        henderson gets messages:
            {4..5} messi: m{4..5}
        henderson: inbox
        henderson gets: messages=[] more=false
        messi: send henderson m6
        henderson hears: m6
        henderson: inbox
        henderson gets messages:
            6 messi: m6
    """)


def test_own_entries_are_passed_over(team: Stage) -> None:
    """Own entries are not in `inbox`, however many stand before what was received."""
    team.play("""
        messi: send henderson m{1..150}
        henderson hears: m{1..150}
        henderson: send messi akhirnya
        messi hears: akhirnya
        messi: inbox limit=1
        messi gets: more=false
        messi gets messages:
            151 henderson: akhirnya
    """)


def test_a_full_page(team: Stage) -> None:
    """At most 100 items, which is also what no limit means."""
    team.play("""
        messi: send henderson m{1..130}
        henderson hears: m{1..130}
        henderson: inbox
        henderson gets: more=true
        henderson gets messages:
            {1..100} messi: m{1..100}
        henderson: inbox limit=100
        henderson gets: more=false
        henderson gets messages:
            {101..130} messi: m{101..130}
    """)


def test_its_cursors_are_its_own(team: Stage) -> None:
    """The cursors of `inbox` and the read mark are two things; none moves another."""
    team.play("""
        messi: send henderson m{1..3}
        henderson hears: m{1..3}
        henderson: read messi 3
        messi hears read: conversation=private/henderson@kampus,messi@kampus seq=3 by=henderson@kampus
        henderson: history messi
        henderson: inbox
        henderson gets messages:
            {1..3} messi: m{1..3}
        messi: send henderson m4
        henderson hears: m4
        henderson: inbox
        henderson gets messages:
            4 messi: m4
        henderson: conversations
        henderson gets conversations (head, read, unread):
            4, 3, 1
    """)


def test_large_messages_end_a_page(team: Stage) -> None:
    """A page ends at 256 KiB, with at least one item, and then says `more: true`."""
    team.play(
        """
        messi: send henderson {1..6} $large
        henderson hears: {1..6} $large
        henderson: inbox
        henderson gets: more=true
        """,
        large="x" * 65_000,
    )
    henderson = team.actor("henderson")
    assert henderson.answer is not None
    seen = [entry["seq"] for entry in henderson.answer["messages"]]
    assert seen in ([1, 2, 3], [1, 2, 3, 4])
    [rest] = henderson.ask([{"cmd": "inbox"}])
    assert seen + [entry["seq"] for entry in rest["messages"]] == [1, 2, 3, 4, 5, 6]
    assert rest["more"] is False
