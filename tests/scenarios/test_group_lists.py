"""`groups` and `members` - their pages, and `find`."""

import msgpack

from tests.wire.player import Stage

CROWD = 130
"""More members than a page has room for, and than `groups` names."""
LARGE = 75
"""So many groups of 100 members with long names are more than a page has room for."""


def crowd_joins(team: Stage, names: list[str], groups: list[str]) -> None:
    """messi makes these groups, and a crowd that is new joins each."""
    messi, crowd = team.actor("messi"), team.actor("crowd")
    account = {"cmd": "register", "password": "surabaya", "country": "Inggris"}
    sessions = crowd.ask([{**account, "username": name, "name": f"User {name[:4]}"} for name in names])
    messi.ask([{"cmd": "addgroup", "group": group} for group in groups])
    for one in sessions:
        joins = [{"cmd": "joingroup", "group": group, "tokenId": one["tokenId"]} for group in groups]
        assert {answer["message"] for answer in crowd.ask(joins)} == {"Join group berhasil"}
    team.play("crowd restarts")


def test_groups_errors(team: Stage) -> None:
    """It needs a session; a limit is 1 to 100."""
    team.play("""
        stranger: groups
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: groups limit=0
        messi gets: ERROR bad_request limit…
        messi: groups limit=101
        messi gets: ERROR bad_request limit…
        messi: groups find=""
        messi gets: ERROR bad_request find…
        messi: groups joined=7
        messi gets: ERROR bad_request joined…
        messi: groups
        messi gets: groups=[] more=false
    """)


def test_what_is_told_of_a_group(team: Stage) -> None:
    """`{group, title, admin, count, joined, members}`, by name; `members` only to members."""
    team.play("""
        messi: addgroup Zebra
        henderson: addgroup Anggrek
        messi: joingroup anggrek
        messi: groups
        messi gets: more=false
        messi gets groups (group, title, admin, count, joined, members):
            anggrek, Anggrek, henderson, 2, true, [henderson, messi]
            zebra, Zebra, messi, 1, true, [messi]
        henderson: groups
        henderson gets groups (group, admin, count, joined, members):
            anggrek, henderson, 2, true, [henderson, messi]
            zebra, messi, 1, false, (none)
        henderson: groups joined=true
        henderson gets groups (group):
            anggrek
        lineker: groups joined=true
        lineker gets: groups=[] more=false
    """)
    answer = team.actor("henderson").ask([{"cmd": "groups"}])[0]
    told = {"group", "title", "admin", "count", "joined"}
    assert [group.keys() for group in answer["groups"]] == [told | {"members"}, told]


def test_find(team: Stage) -> None:
    """`find` is a part of a name, however it is typed; nothing in it is a pattern."""
    team.play("""
        messi: addgroup Kelompok-Bagan
        messi: addgroup kelas_5
        henderson: addgroup bagan
        messi: groups find=BAGAN
        messi gets groups (title):
            bagan
            Kelompok-Bagan
        messi: groups find=kel
        messi gets groups (group):
            kelas_5
            kelompok-bagan
        messi: groups find=bagan joined=true
        messi gets groups (group):
            kelompok-bagan
        messi: groups find=%
        messi gets: groups=[] more=false
        messi: groups find=k_l
        messi gets: groups=[]
        messi: groups find="'; --"
        messi gets: groups=[]
    """)


def test_pages_of_groups(team: Stage) -> None:
    """`more: true` and `next`, which the same command takes as `after`; with `find` and `joined` too."""
    team.play("""
        messi: addgroup g{10..34}
        henderson: addgroup h{10..34}
        messi: groups limit=20
        messi gets: more=true next
        messi gets groups (group):
            g{10..29}
        messi keeps next as page
        messi: groups limit=20 after=$page
        messi gets: more=true
        messi gets groups (group):
            g{30..34}
            h{10..24}
        messi keeps next as page
        messi: groups limit=20 after=$page
        messi gets: more=false
        messi gets groups (group):
            h{25..34}
        messi: groups limit=2 find="3"
        messi gets: more=true
        messi gets groups (group):
            g13
            g23
        messi keeps next as page
        messi: groups limit=5 find="3" after=$page
        messi gets groups (group):
            g{30..34}
        messi: groups limit=25 joined=true
        messi gets: more=false
        messi gets groups (group):
            g{10..34}
        henderson: groups limit=24 joined=true
        henderson gets: more=true
        henderson keeps next as page
        henderson: groups limit=24 joined=true after=$page
        henderson gets: more=false
        henderson gets groups (group):
            h34
    """)


def test_pages_of_members(team: Stage) -> None:
    """`members` has all by name, page by page; `groups` counts all and names the first 100."""
    crowd_joins(team, [f"u{number}" for number in range(100, 100 + CROWD)], ["new"])
    team.play("""
        messi: groups
        messi gets: groups.0.count=131 groups.0.members.0=messi groups.0.members.99=u198
        messi: members new
        messi gets: more=true next
        messi gets members (username, name):
            messi, Lionel Messi
            u{100..198}, User u{100..198}
        messi keeps next as page
        messi: members after=$page new
        messi gets: more=false
        messi gets members (username):
            u{199..229}
        messi: members limit=1 new
        messi gets: more=true
        messi gets members (username):
            messi
        messi keeps next as page
        messi: members limit=2 after=$page new
        messi gets members (username):
            u{100..101}
    """)
    answer = team.actor("messi").ask([{"cmd": "groups"}])[0]
    assert len(answer["groups"][0]["members"]) == 100


def test_large_groups_end_a_page(team: Stage) -> None:
    """A page ends at 256 KiB, with at least one item, and then says `more: true`."""
    groups = [f"g{number}".ljust(32, "x") for number in range(100, 100 + LARGE)]
    crowd_joins(team, [f"u{number}".ljust(32, "x") for number in range(100, 200)], groups)
    [page] = team.actor("messi").ask([{"cmd": "groups"}])
    assert page["more"]
    assert 128 * 1024 < len(msgpack.packb(page)) <= 256 * 1024
    [rest] = team.actor("messi").ask([{"cmd": "groups", "after": page["next"]}])
    assert [group["group"] for group in page["groups"] + rest["groups"]] == groups
    assert {len(group["members"]) for group in page["groups"]} == {100}


def test_who_is_active(team: Stage) -> None:
    """A member who has logged out stays one, and is not active."""
    team.play("""
        messi: addgroup new
        henderson: joingroup new
        henderson: logout
        messi: members new
        messi gets members (username, name, active):
            henderson, Jordan Henderson, false
            messi, Lionel Messi, true
        henderson: auth henderson surabaya
        messi: members new
        messi gets members (username, active):
            henderson, true
            messi, true
        henderson: groups joined=true
        henderson gets groups (group):
            new
    """)
