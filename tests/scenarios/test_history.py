"""`history` conversation - entries ascending, `first`, `head`, `seen`, `more`."""

from tests.wire.player import Stage

TEN = """
    messi: send henderson m{1..10}
    henderson hears: m{1..10}
"""


def test_errors(team: Stage) -> None:
    """Any private conversation of which the caller is not one of the two, and any such `sent/`, is `forbidden`."""
    team.play(TEN)
    team.play("""
        stranger: history conversation=private/henderson@kampus,messi@kampus
        stranger gets: ERROR session_not_found Session tidak ditemukan
        lineker: history private/henderson@kampus,messi@kampus
        lineker gets: ERROR forbidden
        lineker: history private/henderson@kampus,pele@kampus
        lineker gets: ERROR forbidden
        lineker: history sent/messi@kampus,new@pusat
        lineker gets: ERROR forbidden
        messi: history nonsense/x
        messi gets: ERROR bad_request conversation…
        messi: history private/messi@kampus
        messi gets: ERROR bad_request conversation…
        messi: history conversation=7
        messi gets: ERROR bad_request conversation…
        messi: history
        messi gets: ERROR bad_request…
        messi: history limit=0 henderson
        messi gets: ERROR bad_request limit…
        messi: history limit=101 henderson
        messi gets: ERROR bad_request limit…
        messi: history after=-1 henderson
        messi gets: ERROR bad_request after…
        messi: history before="x" henderson
        messi gets: ERROR bad_request before…
        messi: history after=1 before=9 henderson
        messi gets: ERROR bad_request…
    """)


def test_the_newest(team: Stage) -> None:
    """Without `after` and `before` it gives the newest; `more` says whether there are older ones."""
    team.play(TEN)
    team.play("""
        henderson: history messi
        henderson gets: first=1 head=10 more=false
        henderson gets entries:
            {1..10} messi: m{1..10}
        henderson: history limit=3 messi
        henderson gets: first=1 head=10 more=true
        henderson gets entries:
            {8..10} messi: m{8..10}
        henderson: history limit=10 messi
        henderson gets: more=false
    """)


def test_forward(team: Stage) -> None:
    """With `after`: what follows it; `more` says whether newer ones follow."""
    team.play(TEN)
    team.play("""
        messi: history after=0 limit=4 henderson
        messi gets: more=true first=1 head=10
        messi gets entries:
            {1..4} messi: m{1..4}
        messi: history after=4 limit=4 henderson
        messi gets: more=true
        messi gets entries:
            {5..8} messi: m{5..8}
        messi: history after=8 limit=4 henderson
        messi gets: more=false
        messi gets entries:
            {9..10} messi: m{9..10}
        messi: history after=10 henderson
        messi gets: entries=[] more=false head=10
        messi: history after=1000 henderson
        messi gets: entries=[] more=false head=10
    """)


def test_backward(team: Stage) -> None:
    """With `before`: what goes before it, ascending; `more` says whether older ones go before."""
    team.play(TEN)
    team.play("""
        messi: history before=11 limit=4 henderson
        messi gets: more=true
        messi gets entries:
            {7..10} messi: m{7..10}
        messi: history before=7 limit=4 henderson
        messi gets: more=true
        messi gets entries:
            {3..6} messi: m{3..6}
        messi: history before=3 limit=4 henderson
        messi gets: more=false
        messi gets entries:
            {1..2} messi: m{1..2}
        messi: history before=1 henderson
        messi gets: entries=[] more=false head=10
        messi: history before=1000 limit=1 henderson
        messi gets entries:
            10 messi: m10
    """)


def test_where_nothing_was_said(team: Stage) -> None:
    """A private conversation of the caller is answered whatever became of the other user, empty (`head: 0`)."""
    team.play("""
        messi: history henderson
        messi gets: entries=[] head=0 seen=0 more=false
        messi: history nobody
        messi gets: entries=[] head=0 seen=0 more=false
        messi: history messi
        messi gets: entries=[] head=0 more=false
        messi: history private/Henderson@KAMPUS,messi@kampus
        messi gets: entries=[] head=0
        messi: conversations
        messi gets: conversations=[]
    """)


def test_seen(team: Stage) -> None:
    """`seen` is the other user's read mark."""
    team.play(TEN)
    team.play("""
        messi: history limit=1 henderson
        messi gets: seen=0
        henderson: read messi 7
        messi hears read: seq=7
        messi: history limit=1 henderson
        messi gets: seen=7
        henderson: history limit=1 messi
        henderson gets: seen=0
    """)


def test_large_messages_end_a_page(team: Stage) -> None:
    """A page that is too long (256 KiB) loses its oldest, with `after` its newest; it has at least one item."""
    team.play(
        """
        messi: send henderson {1..6} $large
        henderson hears: {1..6} $large
        """,
        large="x" * 65_000,
    )
    ask = {"cmd": "history", "conversation": "private/henderson@kampus,messi@kampus"}
    newest, forward, backward = team.actor("messi").ask([ask, {**ask, "after": 1}, {**ask, "before": 6}])
    seen = [[entry["seq"] for entry in page["entries"]] for page in (newest, forward, backward)]
    assert seen[0] in ([4, 5, 6], [3, 4, 5, 6])
    assert seen[1] in ([2, 3, 4], [2, 3, 4, 5])
    assert seen[2] in ([3, 4, 5], [2, 3, 4, 5])
    assert newest["more"] is forward["more"] is backward["more"] is True
