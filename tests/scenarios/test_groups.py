"""The contract, walk-through 4: groups, and `addgroup` and `joingroup` with their error texts."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage

NAMED = "group, title, admin, count, joined, members"


def test_walk_through(team: Stage) -> None:
    """Make one, find it, join it, and see every message of it live, without `inbox`."""
    team.play(f"""
        messi: groups joined=true
        messi gets: groups=[] more=false
        messi: addgroup kelompok-Bagan
        messi gets: Add group Berhasil
        messi: groups joined=true
        messi gets groups ({NAMED}):
            kelompok-bagan, kelompok-Bagan, messi, 1, true, [messi]
        # Join Group Chat lists the groups that the user is not in.
        henderson: groups
        henderson gets groups ({NAMED}):
            kelompok-bagan, kelompok-Bagan, messi, 1, false, (none)
        henderson: joingroup kelompok-Bagan
        henderson gets: Join group berhasil
        lineker: joingroup kelompok-Bagan
        lineker gets: Join group berhasil
        henderson: groups joined=true
        henderson gets groups ({NAMED}):
            kelompok-bagan, kelompok-Bagan, messi, 3, true, [henderson, lineker, messi]
        henderson: sendgroup kelompok-Bagan halo semua
        henderson gets: Message sent
        messi hears: halo semua
        lineker hears: halo semua
        messi: sendgroup kelompok-Bagan halo juga
        messi gets: Message sent
        henderson hears: halo juga
        lineker hears: halo juga
    """)


def test_addgroup_errors(team: Stage) -> None:
    """`Group sudah ada` · `Session tidak ditemukan`; a name that is none is a bad request."""
    team.play(
        """
        stranger: addgroup new
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: addgroup new
        henderson: addgroup new
        henderson gets: ERROR group_exists Group sudah ada
        messi: addgroup new
        messi gets: ERROR group_exists Group sudah ada
        messi: addgroup NEW
        messi gets: ERROR group_exists Group sudah ada
        messi: addgroup
        messi gets: ERROR bad_request…
        messi: addgroup group=7
        messi gets: ERROR bad_request group…
        messi: addgroup group="kelompok bagan"
        messi gets: ERROR bad_request group…
        messi: addgroup ../new
        messi gets: ERROR bad_request group…
        messi: addgroup new@kampus
        messi gets: ERROR bad_request group…
        messi: addgroup -new
        messi gets: ERROR bad_request group…
        messi: addgroup $long
        messi gets: ERROR bad_request group…
        messi: addgroup $longest
        messi gets: Add group Berhasil
    """,
        long="x" * 33,
        longest="x" * 32,
    )


def test_joingroup_errors(team: Stage) -> None:
    """`Group belum ada` · `User sudah join` · `Session tidak ditemukan`."""
    team.play("""
        messi: addgroup new
        stranger: joingroup new
        stranger gets: ERROR session_not_found Session tidak ditemukan
        henderson: joingroup old
        henderson gets: ERROR no_such_group Group belum ada
        henderson: joingroup ../new
        henderson gets: ERROR bad_request group…
        messi: joingroup new
        messi gets: ERROR already_member User sudah join
        henderson: joingroup new
        henderson: joingroup new
        henderson gets: ERROR already_member User sudah join
        henderson: joingroup New
        henderson gets: ERROR already_member User sudah join
        messi: groups
        messi gets groups (group, count):
            new, 2
    """)


def test_a_user_and_a_group_may_have_one_name(team: Stage) -> None:
    """Names of users and of groups are two things, and so are their conversations."""
    team.play("""
        messi: addgroup henderson
        messi: send henderson hanya kamu
        messi gets: conversation=private/henderson@kampus,messi@kampus seq=1
        messi: sendgroup henderson semua
        messi gets: conversation=group/henderson@kampus seq=1
        henderson hears: hanya kamu
    """)


def test_names_are_compared_in_lower_case(team: Stage) -> None:
    """A group is shown as its creator typed it, and found however it is typed."""
    team.play("""
        messi: addgroup Kelompok-Bagan
        henderson: joingroup kelompok-bagan
        lineker: joingroup KELOMPOK-BAGAN
        henderson: sendgroup kelompok-BAGAN halo
        henderson gets: conversation=group/kelompok-bagan@kampus seq=1
        messi hears entry: entry.conversation=group/kelompok-bagan@kampus entry.message=halo
        lineker hears: halo
        lineker: members Kelompok-BAGAN
        lineker gets members (username):
            henderson
            lineker
            messi
        messi: history group/Kelompok-Bagan@Kampus
        messi gets entries:
            1 henderson: halo
        messi: removemember KELOMPOK-bagan HENDERSON
        messi gets: Member removed
        henderson hears left: conversation=group/kelompok-bagan@kampus
        lineker: conversations
        lineker gets conversations (conversation, title):
            group/kelompok-bagan@kampus, Kelompok-Bagan
        lineker: leavegroup KeLoMpOk-BaGaN
        lineker gets: Leave group berhasil
    """)


def test_a_restart_keeps_everything(team: Stage) -> None:
    """The first system lost groups on restart. Members, admin, order of joining, entries and marks stay."""
    team.play("""
        messi: addgroup Kelompok-Bagan
        lineker: joingroup kelompok-bagan
        henderson: joingroup kelompok-bagan
        messi: sendgroup kelompok-bagan satu
        lineker hears: satu
        henderson hears: satu
        lineker: inbox
        restart realm
        messi hears welcome: epoch
        henderson hears welcome: epoch
        lineker hears welcome: epoch
        messi: groups
        messi gets groups (group, title, admin, count, members):
            kelompok-bagan, Kelompok-Bagan, messi, 3, [henderson, lineker, messi]
        messi: sendgroup kelompok-bagan dua
        messi gets: seq=2
        lineker hears: dua
        henderson hears: dua
        lineker: inbox
        lineker gets messages:
            2 messi: dua
        henderson: inbox
        henderson gets messages:
            1 messi: satu
            2 messi: dua
        messi: leavegroup kelompok-bagan
        kill realm
        start realm
        henderson hears welcome: epoch
        lineker hears welcome: epoch
        messi hears welcome: epoch
        lineker: groups
        lineker gets groups (group, admin, count):
            kelompok-bagan, lineker, 2
        messi: sendgroup kelompok-bagan tiga
        messi gets: ERROR not_member User bukan member grup
    """)


def test_an_empty_group_survives_a_restart(play: Play) -> None:
    """Its name is taken, its history stays, and the next to join becomes its admin."""
    play("""
        messi: register messi surabaya Argentina Lionel Messi
        henderson: register henderson surabaya Inggris Jordan Henderson
        messi: addgroup new
        messi: sendgroup new halo
        messi: leavegroup new
        restart realm
        messi hears welcome: epoch
        henderson hears welcome: epoch
        henderson: addgroup new
        henderson gets: ERROR group_exists Group sudah ada
        henderson: joingroup new
        henderson: groups
        henderson gets groups (group, admin, count, members):
            new, henderson, 1, [henderson]
        henderson: history group/new@kampus
        henderson gets entries:
            1 messi: halo
    """)
