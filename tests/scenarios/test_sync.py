"""`sync` - the heartbeat, and the way to see that nothing is missing."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage

CROWD = """
    messi: register messi surabaya Argentina Lionel Messi
    crowd: register u{100..164} surabaya Inggris User {100..164}
    crowd: register u{165..229} surabaya Inggris User {165..229}
    crowd restarts
    messi: send u{100..229} halo
"""
"""130 conversations of messi, each with one entry."""


def test_errors(play: Play) -> None:
    """At most 500 cursors, at most 100 names to watch."""
    play(
        """
        stranger: sync
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: register messi surabaya Argentina Lionel Messi
        messi: sync cursors=$many
        messi gets: ERROR bad_request cursors…
        messi: sync watch=$crowd
        messi gets: ERROR bad_request watch…
        messi: sync watch=[../x]
        messi gets: ERROR bad_request watch…
        messi: raw {"cmd": "sync", "cursors": {"nonsense": 1}}
        messi gets: ERROR bad_request cursors…
        messi: raw {"cmd": "sync", "cursors": {"private/a@kampus,messi@kampus": -1}}
        messi gets: ERROR bad_request cursors…
        messi: raw {"cmd": "sync", "cursors": [1]}
        messi gets: ERROR bad_request cursors…
        messi: sync
        messi gets: total=0
        """,
        many={f"private/messi@kampus,u{n}@kampus": 1 for n in range(501)},
        crowd=["messi"] * 101,
    )


def test_epoch_and_total(team: Stage) -> None:
    """`total`: the heads of the user's conversations; it only grows. `epoch` is the login's, and the welcome's."""
    team.play("""
        messi keeps epoch
        messi: sync
        messi gets: epoch=$epoch total=0
        messi: send henderson m{1..3}
        henderson hears: m{1..3}
        messi: sync
        messi gets: epoch=$epoch total=3
        lineker: send messi halo
        messi hears: halo
        messi: sync
        messi gets: total=4
        messi: read lineker 1
        lineker hears read: seq=1
        messi: inbox
        messi: sync
        messi gets: total=4
        henderson: sync
        henderson gets: epoch=$epoch total=3
        lineker: sync
        lineker gets: epoch=$epoch total=1
    """)


def test_heads_that_differ(team: Stage) -> None:
    """For `cursors`: `heads` of those that differ or are not named, null for one that is gone."""
    team.play("""
        messi: send henderson m{1..3}
        henderson hears: m{1..3}
        lineker: send messi l{1..2}
        messi hears: l{1..2}
        messi: sync cursors={}
        messi gets: total=5 more=false
        messi gets heads:
            private/henderson@kampus,messi@kampus = 3
            private/lineker@kampus,messi@kampus = 2
        messi: sync cursors={henderson:3}
        messi gets heads:
            private/lineker@kampus,messi@kampus = 2
        messi: sync cursors={henderson:1,lineker:2}
        messi gets heads:
            private/henderson@kampus,messi@kampus = 3
        messi: sync cursors={henderson:9,lineker:2}
        messi gets heads:
            private/henderson@kampus,messi@kampus = 3
        messi: sync cursors={henderson:3,lineker:2}
        messi gets: heads={} total=5 more=false
    """)


def test_a_conversation_that_is_not_there(team: Stage) -> None:
    """… null for one that is gone, as after a restore; somebody else's conversation is none of the user's."""
    team.play("""
        messi: send henderson halo
        henderson hears: halo
        messi: sync cursors={henderson:1,nobody:4}
        messi gets heads:
            private/messi@kampus,nobody@kampus = null
        lineker: raw {"cmd": "sync", "cursors": {"private/henderson@kampus,messi@kampus": 0}}
        lineker gets: total=0
        lineker gets heads:
            private/henderson@kampus,messi@kampus = null
    """)


def test_a_lost_push_is_healed(team: Stage) -> None:
    """The numbers show a gap at once, `sync` shows a lost last entry, and `history` fills it."""
    team.play("""
        messi: send henderson m{1..2}
        henderson hears: m{1..2}
        henderson restarts
        messi: send henderson m{3..4}
        henderson: auth henderson surabaya
        henderson: sync cursors={messi:2}
        henderson gets heads:
            private/henderson@kampus,messi@kampus = 4
        henderson: history after=2 messi
        henderson gets entries:
            {3..4} messi: m{3..4}
        henderson: sync cursors={messi:4}
        henderson gets: heads={}
    """)


def test_pages(play: Play) -> None:
    """Going through the conversations in byte order from behind `after`; `next` is to be given as `after`."""
    stage = play(CROWD)
    messi = stage.actor("messi")
    heads: dict[str, int] = {}
    command: dict[str, object] = {"cmd": "sync", "cursors": {}}
    for _ in range(4):
        [page] = messi.ask([command])
        assert page["total"] == 130
        assert list(page["heads"]) == sorted(page["heads"])
        assert not heads or min(page["heads"]) > max(heads)
        heads |= page["heads"]
        if not page["more"]:
            break
        command = {**command, "after": page["next"]}
    assert heads == {f"private/messi@kampus,u{n}@kampus": 1 for n in range(100, 230)}
    cursors = dict.fromkeys(heads, 1) | {"private/messi@kampus,u200@kampus": 0}
    stage.play(
        """
        messi: sync cursors=$cursors
        messi gets: total=130 more=false
        messi gets heads:
            private/messi@kampus,u200@kampus = 1
        """,
        cursors=cursors,
    )


def test_500_cursors_at_a_time(play: Play) -> None:
    """Where 500 are named, it goes up to the last named; `next` leads to those behind."""
    stage = play(CROWD)
    named = {f"private/messi@kampus,t{n}@kampus": 0 for n in range(400)}
    named |= {f"private/messi@kampus,u{n}@kampus": 1 for n in range(100, 200)}
    [page] = stage.actor("messi").ask([{"cmd": "sync", "cursors": named}])
    heads = dict(page["heads"])
    while page["more"] and page["next"] < max(named):
        [page] = stage.actor("messi").ask([{"cmd": "sync", "cursors": named, "after": page["next"]}])
        heads |= page["heads"]
    assert heads == {f"private/messi@kampus,t{n}@kampus": None for n in range(400)}
    assert page["more"]
    stage.play(
        """
        messi: sync cursors=$rest after=$next
        messi gets: more=false
        messi gets heads:
            private/messi@kampus,u229@kampus = 1
        """,
        rest={f"private/messi@kampus,u{n}@kampus": 1 for n in range(200, 229)},
        next=page["next"],
    )


def test_watch(team: Stage) -> None:
    """For `watch`: `active: {name: bool}`; users of other realms, and nobody, are false."""
    team.play("""
        lineker: logout
        messi: sync watch=[henderson,lineker,messi,nobody,henderson@kampus,henderson@pusat]
        messi gets active:
            henderson = true
            lineker = false
            messi = true
            nobody = false
            henderson@kampus = true
            henderson@pusat = false
        messi: sync watch=[]
        messi gets: active={}
    """)
