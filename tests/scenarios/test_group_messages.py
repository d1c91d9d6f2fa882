"""`sendgroup`, and what a group's members find in push, history, inbox, conversations and sync."""

from tests.wire.player import Stage

GROUP = """
    messi: addgroup New
    henderson: joingroup new
"""
"""messi and henderson are in it, lineker is not."""


def test_sendgroup_errors(team: Stage) -> None:
    """`Group tidak ditemukan` · `User bukan member grup` · `Session tidak ditemukan`."""
    team.play(
        """
        messi: addgroup new
        stranger: sendgroup new halo
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: sendgroup old halo
        messi gets: ERROR group_not_found Group tidak ditemukan
        henderson: sendgroup new halo
        henderson gets: ERROR not_member User bukan member grup
        messi: sendgroup ../new halo
        messi gets: ERROR bad_request group…
        messi: sendgroup new@pusat halo
        messi gets: ERROR bad_request group…
        messi: sendgroup new
        messi gets: ERROR bad_request…
        messi: sendgroup message="" new
        messi gets: ERROR bad_request message…
        messi: sendgroup new $over
        messi gets: ERROR too_large…
        messi: sendgroup entry=nonsense new halo
        messi gets: ERROR bad_request entry…
        messi: sendgroup new $full
        messi gets: Message sent
        messi: history group/new@kampus
        messi gets: head=1
        """,
        over="x" * 65_537,
        full="x" * 65_536,
    )


def test_every_member_hears_and_nobody_else(team: Stage) -> None:
    """Push of `entry` to every member on every device, but to the one that sends; not to others."""
    team.play(GROUP)
    team.play("""
        messi#phone: auth messi surabaya
        henderson#phone: auth henderson surabaya
        messi: sendgroup new pesan {1..3}
        messi gets: conversation=group/new@kampus seq=3 name="Lionel Messi" salt=bin16 chain=bin32
        messi#phone hears: pesan {1..3}
        henderson hears entry: entry.conversation=group/new@kampus entry.seq=1 entry.from=messi@kampus
        henderson hears: pesan {2..3}
        henderson#phone hears: pesan {1..3}
        messi hears nothing else
        lineker hears nothing else
        lineker: joingroup new
        lineker: sendgroup new dari lineker
        messi hears: dari lineker
        messi#phone hears: dari lineker
        henderson hears: dari lineker
        henderson#phone hears: dari lineker
        lineker: leavegroup new
        messi: sendgroup new sudah pergi
        messi#phone hears: sudah pergi
        henderson hears: sudah pergi
        henderson#phone hears: sudah pergi
        lineker hears nothing else
    """)


def test_repeatable(team: Stage) -> None:
    """With the same `entry`: no second effect, and the first answer; with other arguments a bad request."""
    team.play(GROUP)
    team.play("""
        messi: addgroup old
        messi: sendgroup entry=01J0000000000000000000000A new halo
        messi gets: seq=1 entry=01J0000000000000000000000A
        messi keeps chain
        messi: sendgroup new dua
        messi: sendgroup entry=01J0000000000000000000000A new halo
        messi gets: seq=1 chain=$chain
        messi: sendgroup entry=01J0000000000000000000000A new lain
        messi gets: ERROR bad_request entry…
        messi: sendgroup entry=01J0000000000000000000000A old halo
        messi gets: ERROR bad_request entry…
        messi: send entry=01J0000000000000000000000A henderson halo
        messi gets: ERROR bad_request entry…
        henderson hears: halo
        henderson hears: dua
        # the ULID is the sender's own: another may choose the same
        henderson: sendgroup entry=01J0000000000000000000000A new lain
        henderson gets: seq=3
        messi hears: lain
    """)


def test_history_is_for_members_and_whole(team: Stage) -> None:
    """A member reads a group's whole history, from before joining too; others, and who has left, do not."""
    team.play(GROUP)
    team.play("""
        messi: sendgroup new pesan {1..3}
        henderson hears: pesan {1..3}
        lineker: history group/new@kampus
        lineker gets: ERROR not_member User bukan member grup
        lineker: history group/old@kampus
        lineker gets: ERROR group_not_found Group tidak ditemukan
        lineker: joingroup new
        lineker: history group/new@kampus
        lineker gets: first=1 head=3 seen=0 more=false
        lineker gets entries:
            {1..3} messi: pesan {1..3}
        lineker: history before=3 limit=1 group/new@kampus
        lineker gets: more=true
        lineker gets entries:
            2 messi: pesan 2
        messi: removemember new lineker
        lineker hears left: conversation=group/new@kampus
        lineker: history group/new@kampus
        lineker gets: ERROR not_member User bukan member grup
        henderson: leavegroup new
        henderson: history group/new@kampus
        henderson gets: ERROR not_member User bukan member grup
    """)


def test_the_inbox_begins_at_joining(team: Stage) -> None:
    """Earlier entries are in `history`; and again from the moment of joining again."""
    team.play(GROUP)
    team.play("""
        messi: sendgroup new sebelum {1..2}
        henderson hears: sebelum {1..2}
        lineker: joingroup new
        lineker: inbox
        lineker gets: messages=[] more=false
        messi: sendgroup new sesudah
        henderson hears: sesudah
        lineker hears: sesudah
        lineker: sendgroup new dari lineker
        messi hears: dari lineker
        henderson hears: dari lineker
        lineker: leavegroup new
        lineker: inbox
        lineker gets: messages=[] more=false
        henderson: sendgroup new tanpa lineker
        messi hears: tanpa lineker
        lineker: joingroup new
        henderson: sendgroup new kembali
        messi hears: kembali
        lineker hears: kembali
        lineker: inbox
        lineker gets messages:
            6 henderson: kembali
        henderson: inbox
        henderson gets messages:
            {1..2} messi: sebelum {1..2}
            3 messi: sesudah
            4 lineker: dari lineker
    """)


def test_read_marks(team: Stage) -> None:
    """One's own devices hear of it, other members do not; it begins at `head` on joining."""
    team.play(GROUP)
    team.play("""
        messi: sendgroup new pesan {1..3}
        henderson hears: pesan {1..3}
        lineker: read group/new@kampus 1
        lineker gets: ERROR not_member User bukan member grup
        lineker: read group/old@kampus 1
        lineker gets: ERROR group_not_found Group tidak ditemukan
        lineker: joingroup new
        lineker: conversations
        lineker gets conversations (conversation, head, read, seen, unread):
            group/new@kampus, 3, 3, 0, 0
        henderson#phone: auth henderson surabaya
        henderson: read group/new@kampus 2
        henderson#phone hears read: conversation=group/new@kampus seq=2 by=henderson@kampus
        messi hears nothing else
        henderson: conversations
        henderson gets conversations (head, read, seen, unread):
            3, 2, 0, 1
        henderson: read group/new@kampus 99
        henderson#phone hears read: seq=3
        henderson: inbox
        henderson gets messages:
            {1..3} messi: pesan {1..3}
    """)


def test_conversations(team: Stage) -> None:
    """The title is as its creator typed it; an empty group has `head: 0` and no `last`; who has left has none."""
    team.play(
        """
        messi: send henderson halo
        henderson hears: halo
        messi: addgroup Kelompok-Bagan
        messi: conversations
        messi gets: more=false
        messi gets conversations (conversation, title, first, head, read, seen, unread, last):
            group/kelompok-bagan@kampus, Kelompok-Bagan, 1, 0, 0, 0, 0, (none)
            private/henderson@kampus,messi@kampus, Jordan Henderson, 1, 1, 0, 0, 0, $last
        henderson: joingroup kelompok-bagan
        henderson: sendgroup kelompok-bagan satu
        messi hears: satu
        messi: conversations
        messi gets conversations (conversation, title, head, unread, last.message, last.from):
            group/kelompok-bagan@kampus, Kelompok-Bagan, 1, 1, satu, henderson@kampus
            private/henderson@kampus,messi@kampus, Jordan Henderson, 1, 0, halo, messi@kampus
        lineker: conversations
        lineker gets: conversations=[]
        henderson: leavegroup kelompok-bagan
        henderson: conversations
        henderson gets conversations (conversation):
            private/henderson@kampus,messi@kampus
    """,
        last="…",
    )


def test_the_total_only_grows(team: Stage) -> None:
    """The heads, plus for each group left its head at leaving, plus how often the user joined or left."""
    team.play(GROUP)
    team.play("""
        henderson: sync
        henderson gets: total=1
        messi: sendgroup new pesan {1..3}
        henderson hears: pesan {1..3}
        henderson: sync
        henderson gets: total=4
        henderson: leavegroup new
        henderson: sync
        henderson gets: total=5
        messi: sendgroup new tanpa henderson
        henderson: sync
        henderson gets: total=5
        henderson: joingroup new
        henderson: sync
        henderson gets: total>5
        henderson keeps total
        messi: removemember new henderson
        henderson hears left: conversation=group/new@kampus
        henderson: sync
        henderson gets: total>$total
        lineker: sync
        lineker gets: total=0
    """)


def test_heads(team: Stage) -> None:
    """An empty group is named too; one that was left, or never joined, is null."""
    team.play(GROUP)
    team.play("""
        henderson: sync cursors={}
        henderson gets heads:
            group/new@kampus = 0
        henderson: sync cursors={group/new@kampus:0}
        henderson gets: heads={}
        messi: sendgroup new halo
        henderson hears: halo
        henderson: sync cursors={group/new@kampus:0}
        henderson gets heads:
            group/new@kampus = 1
        henderson: leavegroup new
        henderson: sync cursors={group/new@kampus:1}
        henderson gets heads:
            group/new@kampus = null
        henderson: sync cursors={}
        henderson gets: heads={}
        lineker: sync cursors={group/new@kampus:1,group/old@kampus:1}
        lineker gets heads:
            group/new@kampus = null
            group/old@kampus = null
    """)


def test_a_repeated_send_after_leaving(team: Stage) -> None:
    """ "the same sender's second send with it has no second effect and gets the first one's answer" """
    team.play(GROUP)
    team.play(
        """
        henderson: sendgroup entry=$ulid new halo
        henderson gets: seq=1
        messi hears: halo
        messi: removemember new henderson
        henderson hears left: conversation=group/new@kampus
        henderson: sendgroup entry=$ulid new halo
        henderson gets: seq=1
        henderson: sendgroup entry=$ulid new other words
        henderson gets: ERROR bad_request…
        henderson: sendgroup new halo
        henderson gets: ERROR not_member User bukan member grup
        """,
        ulid="01J0000000000000000000000A",
    )
