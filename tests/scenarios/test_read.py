"""`read` conversation seq - moves the user's read mark forward, at most to `head`."""

from tests.wire.player import Stage

FIVE = """
    messi: send henderson m{1..5}
    henderson hears: m{1..5}
"""


def test_errors(team: Stage) -> None:
    """`read` has the same rights as `history`."""
    team.play(FIVE)
    team.play("""
        stranger: read conversation=private/henderson@kampus,messi@kampus seq=1
        stranger gets: ERROR session_not_found Session tidak ditemukan
        lineker: read private/henderson@kampus,messi@kampus 1
        lineker gets: ERROR forbidden
        messi: read nonsense/x 1
        messi gets: ERROR bad_request conversation…
        messi: read henderson -1
        messi gets: ERROR bad_request seq…
        messi: read seq="1" henderson
        messi gets: ERROR bad_request seq…
        messi: read henderson
        messi gets: ERROR bad_request…
    """)


def test_both_sides_hear_of_it(team: Stage) -> None:
    """`read {conversation, seq, by}`: read on another device, or by the other side."""
    team.play(FIVE)
    team.play("""
        henderson#phone: auth henderson surabaya
        messi#phone: auth messi surabaya
        henderson: read messi 3
        henderson gets: OK
        henderson#phone hears read: conversation=private/henderson@kampus,messi@kampus seq=3 by=henderson@kampus
        messi hears read: conversation=private/henderson@kampus,messi@kampus seq=3 by=henderson@kampus
        messi#phone hears read: seq=3 by=henderson@kampus
        lineker hears nothing else
        henderson hears nothing else
    """)


def test_forward_only(team: Stage) -> None:
    """The read mark moves forward, at most to `head`; what moves nothing tells nobody anything."""
    team.play(FIVE)
    team.play("""
        henderson: read messi 3
        messi hears read: seq=3
        henderson: read messi 2
        henderson: read messi 3
        henderson: read messi 0
        messi hears nothing else
        henderson: conversations
        henderson gets: conversations.0.read=3 conversations.0.unread=2
        henderson: read messi 1000
        messi hears read: seq=5
        henderson: conversations
        henderson gets: conversations.0.read=5 conversations.0.unread=0
        messi: send henderson m6
        henderson hears: m6
        henderson: conversations
        henderson gets: conversations.0.read=5 conversations.0.unread=1
    """)


def test_where_nothing_was_said(team: Stage) -> None:
    """`head` is 0 there: the mark stays at 0, nobody hears of it, and no conversation appears."""
    team.play("""
        messi: read henderson 7
        messi gets: OK
        messi: read nobody 7
        messi gets: OK
        henderson hears nothing else
        henderson: send messi halo
        messi hears: halo
        messi: conversations
        messi gets conversations (conversation, head, read, unread):
            private/henderson@kampus,messi@kampus, 1, 0, 1
    """)
