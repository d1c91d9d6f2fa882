"""`passwd` - `Password changed`; ends the user's other sessions."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage


def test_errors(play: Play) -> None:
    """The old one must be right, the new one 8 to 1,024 bytes."""
    play(
        """
        stranger: passwd surabaya malang1234
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: register messi surabaya Argentina Lionel Messi
        messi: passwd surabayo malang1234
        messi gets: ERROR wrong_password Password salah
        messi: passwd surabaya short
        messi gets: ERROR bad_request…
        messi: passwd surabaya $long
        messi gets: ERROR bad_request…
        messi: passwd surabaya
        messi gets: ERROR bad_request…
        messi#phone: auth messi surabaya
        messi: inbox
        messi gets: messages=[]
        """,
        long="x" * 1025,
    )


def test_the_new_one_counts(play: Play) -> None:
    """From then on, restarts included."""
    play("""
        messi: register messi surabaya Argentina Lionel Messi
        messi: passwd surabaya malang1234
        messi gets: Password changed
        messi#phone: auth messi surabaya
        messi#phone gets: ERROR wrong_password Password salah
        messi#phone: auth messi malang1234
        messi#phone gets: tokenId
        restart realm
        messi hears welcome:
        messi#phone hears welcome:
        messi#tablet: auth messi malang1234
        messi#tablet gets: tokenId
    """)


def test_other_sessions_end(team: Stage) -> None:
    """It ends the user's other sessions, for push too; the one that asked goes on."""
    team.play("""
        messi#phone: auth messi surabaya
        messi#phone keeps tokenId as token
        messi: passwd surabaya malang1234
        messi gets: Password changed
        henderson: send messi halo
        messi hears: halo
        messi#phone: inbox
        messi#phone gets: ERROR session_not_found Session tidak ditemukan
        messi#phone: resume tokenId=$token
        messi#phone gets: ERROR session_not_found Session tidak ditemukan
        messi#phone: auth messi malang1234
        messi#phone hears nothing else
        henderson: send messi lagi
        messi#phone hears: lagi
        messi hears: lagi
        henderson: send lineker tetap
        lineker hears: tetap
    """)
