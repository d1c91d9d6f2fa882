"""The contract, walk-through 3: private chat, live, and found again later."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage


def test_a_message_is_seen_at_once(team: Stage) -> None:
    """`messi` writes to `henderson`: `henderson`, logged in elsewhere, sees it at once (live push)."""
    team.play("""
        messi: send henderson halo, selamat malam
        messi gets: Message sent
        henderson hears: halo, selamat malam
        henderson: send messi malam juga
        henderson gets: Message sent
        messi hears: malam juga
        lineker hears nothing else
    """)


def test_what_is_pushed_is_the_whole_entry(team: Stage) -> None:
    """`entry {entry}`: number, sender by address and by display name, kind, time, salt and chain."""
    team.play("""
        messi: send henderson halo
        messi gets: conversation=private/henderson@kampus,messi@kampus seq=1 name="Lionel Messi" salt=bin16
        messi keeps entry as id
        messi keeps sent_at
        henderson hears entry: entry.conversation=private/henderson@kampus,messi@kampus entry.seq=1 entry.id=$id
        henderson: send messi halo juga
        messi hears entry: entry.from=henderson@kampus entry.name="Jordan Henderson" entry.kind=text entry.seq=2
        messi: history henderson
        messi gets: entries.0.id=$id entries.0.from=messi@kampus entries.0.sent_at=$sent_at head=2 first=1
    """)


def test_who_logs_in_later_finds_it(play: Play) -> None:
    """A `henderson` who logs in later finds it there: in `inbox`, in `history`, and among the conversations."""
    play("""
        henderson: register henderson surabaya Inggris Jordan Henderson
        henderson: logout
        messi: register messi surabaya Argentina Lionel Messi
        messi: send henderson halo, selamat malam
        messi gets: Message sent
        henderson#phone: auth henderson surabaya
        henderson#phone: conversations
        henderson#phone gets conversations (conversation, head, unread, last.message):
            private/henderson@kampus,messi@kampus, 1, 1, halo, selamat malam
        henderson#phone: inbox
        henderson#phone gets messages:
            1 messi: halo, selamat malam
        henderson#phone: history messi
        henderson#phone gets entries:
            1 messi: halo, selamat malam
    """)


def test_history_survives_the_inbox(team: Stage) -> None:
    """The first system drained the inbox: history vanished. Here `inbox` moves a cursor, and history stays."""
    team.play("""
        messi: send henderson satu
        messi: send henderson dua
        henderson hears: satu
        henderson hears: dua
        henderson: inbox
        henderson gets messages:
            1 messi: satu
            2 messi: dua
        henderson: inbox
        henderson gets: messages=[] more=false
        henderson: history messi
        henderson gets entries:
            1 messi: satu
            2 messi: dua
        messi: history henderson
        messi gets entries:
            1 messi: satu
            2 messi: dua
    """)


def test_ones_other_devices_see_what_one_sends(team: Stage) -> None:
    """Own entries are in `history` and push (to the user's other devices), not in `inbox`."""
    team.play("""
        messi#phone: auth messi surabaya
        messi: send henderson dari laptop
        messi#phone hears: dari laptop
        henderson hears: dari laptop
        messi#phone: send henderson dari telepon
        messi hears: dari telepon
        henderson hears: dari telepon
        messi#phone: inbox
        messi#phone gets: messages=[] more=false
        messi#phone: history henderson
        messi#phone gets entries:
            1 messi: dari laptop
            2 messi: dari telepon
        messi hears nothing else
        messi#phone hears nothing else
    """)


def test_a_push_needs_no_inbox_and_moves_nothing(team: Stage) -> None:
    """The mail button is never needed for a message to appear; it is a catch-up, for all devices together."""
    team.play("""
        messi#phone: auth messi surabaya
        henderson: send messi pesan {1..3}
        messi hears: pesan {1..3}
        messi#phone hears: pesan {1..3}
        messi#phone: inbox
        messi#phone gets messages:
            {1..3} henderson: pesan {1..3}
        messi: inbox
        messi gets: messages=[] more=false
    """)


def test_messages_keep_their_order(team: Stage) -> None:
    """In each conversation entries are numbered 1, 2, 3 … without a gap, in the order in which they are stored."""
    team.play("""
        messi: send henderson pesan {1..60}
        messi gets: seq=60
        henderson hears: pesan {1..60}
        henderson: send messi balasan {61..80}
        messi hears: balasan {61..80}
        lineker: send messi halo
        messi hears entry: entry.seq=1 entry.message=halo
    """)
