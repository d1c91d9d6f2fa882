"""`users` - Private Chat lists the other users."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage


def test_errors(play: Play) -> None:
    """It needs a session; a limit is 1 to 100."""
    play("""
        stranger: users
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: register messi surabaya Argentina Lionel Messi
        messi: users limit=0
        messi gets: ERROR bad_request limit…
        messi: users limit=101
        messi gets: ERROR bad_request limit…
        messi: users find=""
        messi gets: ERROR bad_request find…
        messi: users find=7
        messi gets: ERROR bad_request find…
    """)


def test_all(team: Stage) -> None:
    """`users: [{username, name, country, active}]`, by name; and no more of anybody than that."""
    team.play("""
        henderson: logout
        messi: users
        messi gets: more=false
        messi gets users (username, name, country, active):
            henderson, Jordan Henderson, Inggris, false
            lineker, Gary Lineker, Inggris, true
            messi, Lionel Messi, Argentina, true
    """)
    answer = team.actor("messi").answer or {}
    assert all(user.keys() == {"username", "name", "country", "active"} for user in answer["users"])


def test_find(team: Stage) -> None:
    """`find` is a part of a username or name; nothing in it is a pattern."""
    team.play("""
        messi: users find=neke
        messi gets users (username):
            lineker
        messi: users find="Jordan H"
        messi gets users (username):
            henderson
        messi: users find=er
        messi gets users (username):
            henderson
            lineker
        messi: users find=pele
        messi gets: users=[] more=false
        messi: users find=%
        messi gets: users=[]
        messi: users find=e_s
        messi gets: users=[]
        messi: users find="'; --"
        messi gets: users=[]
    """)


def test_pages(team: Stage) -> None:
    """`more: true` and `next`, which the same command takes as `after`; with `find` too."""
    team.play("""
        messi: users limit=2
        messi gets: more=true next
        messi gets users (username):
            henderson
            lineker
        messi keeps next as page
        messi: users limit=2 after=$page
        messi gets: more=false
        messi gets users (username):
            messi
        messi: users limit=1 find=er
        messi gets: more=true
        messi gets users (username):
            henderson
        messi keeps next as page
        messi: users limit=1 find=er after=$page
        messi gets: more=false
        messi gets users (username):
            lineker
    """)


def test_a_full_page(play: Play) -> None:
    """At most 100 items, which is also what no limit means."""
    play("""
        crowd: register u{100..164} surabaya Inggris User {100..164}
        crowd: register u{165..229} surabaya Inggris User {165..229}
        crowd: users
        crowd gets: more=true
        crowd gets users (username, active):
            u{100..199}, true
        crowd keeps next as page
        crowd: users after=$page
        crowd gets: more=false
        crowd gets users (username, name):
            u{200..229}, User {200..229}
    """)
