"""The contract, walk-through 2: home greets the user, says who is active, and offers to log out."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage


def test_info_without_anybody(play: Play) -> None:
    """`info`: `Tidak ada user yang aktif`. It needs no session."""
    play("""
        stranger: info
        stranger gets: ERROR no_active_user Tidak ada user yang aktif
        messi: register messi surabaya Argentina Lionel Messi
        messi: logout
        stranger: info
        stranger gets: ERROR no_active_user Tidak ada user yang aktif
    """)


def test_info_lists_who_is_active(team: Stage) -> None:
    """`info`: `message: [username]`, sorted. Nothing else of anybody: no token, no password."""
    team.play("""
        stranger: info
        stranger gets: [henderson, lineker, messi]
        lineker: info
        lineker gets: [henderson, lineker, messi]
        henderson: logout
        stranger: info
        stranger gets: [lineker, messi]
    """)
    assert (team.actor("stranger").answer or {}).keys() == {"id", "status", "message"}


def test_logout_ends_the_session(play: Play) -> None:
    """`logout` — ends the session: `Logout berhasil`. After it the token is worth nothing."""
    play("""
        messi: register messi surabaya Argentina Lionel Messi
        messi: logout
        messi gets: Logout berhasil
        messi: logout
        messi gets: ERROR session_not_found Session tidak ditemukan
        messi: resume
        messi gets: ERROR session_not_found Session tidak ditemukan
        messi: inbox
        messi gets: ERROR session_not_found Session tidak ditemukan
    """)


def test_logout_ends_push_too(team: Stage) -> None:
    """… here and for push. After logout nothing more is published on the session's topic.

    The next login subscribes on the same connection, which keeps its order: what the realm had published to
    the old topic would be there before the new welcome.
    """
    team.play("""
        messi: send henderson satu
        henderson hears: satu
        henderson: logout
        messi: send henderson dua
        lineker: send henderson tiga
        henderson: auth henderson surabaya
        henderson hears nothing else
        messi: send henderson empat
        henderson hears: empat
        henderson hears nothing else
        henderson: inbox
        henderson gets messages:
            1 lineker: tiga
            1 messi: satu
            2 messi: dua
            3 messi: empat
    """)


def test_logout_of_one_device(team: Stage) -> None:
    """A session belongs to (user, key): the user's other devices go on, and the user stays active."""
    team.play("""
        messi#phone: auth messi surabaya
        messi: logout
        messi gets: Logout berhasil
        henderson: send messi halo
        messi#phone hears: halo
        henderson: info
        henderson gets: [henderson, lineker, messi]
        messi#phone: logout
        henderson: info
        henderson gets: [henderson, lineker]
    """)
