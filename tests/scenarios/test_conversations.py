"""`conversations` - the user's conversations, latest first."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage

PELE = """
    pele: register pele surabaya Brasil Edson Arantes
"""


def test_errors(play: Play) -> None:
    """It needs a session; a limit is 1 to 100, and `after` is what `next` was."""
    play("""
        stranger: conversations
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: register messi surabaya Argentina Lionel Messi
        messi: conversations limit=0
        messi gets: ERROR bad_request limit…
        messi: conversations limit=101
        messi gets: ERROR bad_request limit…
        messi: conversations after="nonsense"
        messi gets: ERROR bad_request after…
        messi: conversations after=5
        messi gets: ERROR bad_request after…
        messi: conversations
        messi gets: conversations=[] more=false
    """)


def test_latest_first(team: Stage) -> None:
    """Each has its `head`, the read mark, what is unread of others, and its last entry."""
    team.play(PELE)
    team.play("""
        messi: send henderson satu
        henderson hears: satu
        lineker: send messi dua
        lineker: send messi tiga
        messi hears: dua
        messi hears: tiga
        messi: send pele empat
        pele hears: empat
        messi: conversations
        messi gets: more=false
        messi gets conversations (conversation, first, head, read, unread, last.message):
            private/messi@kampus,pele@kampus, 1, 1, 0, 0, empat
            private/lineker@kampus,messi@kampus, 1, 2, 0, 2, tiga
            private/henderson@kampus,messi@kampus, 1, 1, 0, 0, satu
        henderson: send messi lima
        messi hears: lima
        messi: conversations
        messi gets conversations (conversation, head, unread, last.message, last.from):
            private/henderson@kampus,messi@kampus, 2, 1, lima, henderson@kampus
            private/messi@kampus,pele@kampus, 1, 0, empat, messi@kampus
            private/lineker@kampus,messi@kampus, 2, 2, tiga, lineker@kampus
        henderson: conversations
        henderson gets conversations (conversation, head, unread):
            private/henderson@kampus,messi@kampus, 2, 1
    """)


def test_read_and_seen(team: Stage) -> None:
    """`read` is the user's own mark, `seen` the other user's."""
    team.play("""
        messi: send henderson m{1..5}
        henderson hears: m{1..5}
        henderson: read messi 2
        messi hears read: seq=2 by=henderson@kampus
        messi: read henderson 4
        henderson hears read: seq=4 by=messi@kampus
        messi: conversations
        messi gets conversations (head, read, seen, unread):
            5, 4, 2, 0
        henderson: conversations
        henderson gets conversations (head, read, seen, unread):
            5, 2, 4, 3
    """)


def test_pages(team: Stage) -> None:
    """`more: true` and `next: str` (opaque), which the same command takes as `after`."""
    team.play(PELE)
    team.play("""
        messi: send messi catatan
        messi: send pele satu
        messi: send lineker dua
        messi: send henderson tiga
        pele hears: satu
        lineker hears: dua
        henderson hears: tiga
        messi: conversations limit=2
        messi gets: more=true next
        messi keeps next as page
        messi gets conversations (last.message):
            tiga
            dua
        messi: conversations limit=2 after=$page
        messi gets: more=false
        messi gets conversations (last.message):
            satu
            catatan
        messi: conversations limit=4
        messi gets: more=false
    """)


def test_unread_counts_to_100(team: Stage) -> None:
    """`unread` counts entries after `read` that are not the user's own, up to 100."""
    team.play("""
        messi: send henderson m{1..99}
        henderson hears: m{1..99}
        henderson: conversations
        henderson gets: conversations.0.unread=99
        messi: send henderson m{100..120}
        henderson hears: m{100..120}
        henderson: conversations
        henderson gets: conversations.0.unread=100 conversations.0.head=120
        messi: conversations
        messi gets: conversations.0.unread=0
    """)
