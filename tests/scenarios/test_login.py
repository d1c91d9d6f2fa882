"""The contract, walk-through 1: login with username and password, or register; a failed login says why."""

from tests.scenarios.conftest import Play


def test_register_opens_a_session(play: Play) -> None:
    """`register`: username password country name… — creates the account and opens a session; answers `tokenId`."""
    play("""
        messi: register messi surabaya Argentina Lionel Messi
        messi gets: tokenId topic=bin16 epoch
        messi gets: user=messi@kampus name="Lionel Messi" country=Argentina admin=false
        messi: inbox
        messi gets: messages=[] more=false
    """)


def test_auth_opens_a_session(play: Play) -> None:
    """`auth`: username password — opens a session; answers `tokenId`, and with it who that is."""
    play("""
        messi: register messi surabaya Argentina Lionel Messi
        messi keeps tokenId as first
        messi keeps epoch
        messi#phone: auth messi surabaya
        messi#phone gets: tokenId!=$first topic=bin16 epoch=$epoch
        messi#phone gets: user=messi@kampus name="Lionel Messi" country=Argentina admin=false
        messi: inbox
        messi#phone: inbox
    """)


def test_a_failed_login_says_why(play: Play) -> None:
    """`auth`: `User tidak ada` · `Password salah`. After it a right one opens a session."""
    play("""
        messi: auth messi surabaya
        messi gets: ERROR user_not_found User tidak ada
        messi: register messi surabaya Argentina Lionel Messi
        messi#phone: auth messi surabayo
        messi#phone gets: ERROR wrong_password Password salah
        messi#phone: inbox
        messi#phone gets: ERROR session_not_found Session tidak ditemukan
        messi#phone: auth messi surabaya
        messi#phone gets: tokenId
    """)


def test_a_name_is_given_once(play: Play) -> None:
    """`register`: `User sudah ada`. It says so to the account's own owner too, and changes nothing."""
    play("""
        messi: register messi surabaya Argentina Lionel Messi
        other: register messi malang1234 Inggris Somebody Else
        other gets: ERROR user_exists User sudah ada
        messi: register messi surabaya Argentina Lionel Messi
        messi gets: ERROR user_exists User sudah ada
        other: auth messi malang1234
        other gets: ERROR wrong_password Password salah
        other: auth messi surabaya
        other gets: name="Lionel Messi" country=Argentina
    """)


def test_names_are_kept_in_lower_case(play: Play) -> None:
    """Names are compared and kept in lower case."""
    play("""
        messi: register MeSSi surabaya Argentina Lionel Messi
        messi gets: user=messi@kampus name="Lionel Messi"
        messi#phone: auth MESSI surabaya
        messi#phone gets: user=messi@kampus
        other: register messi surabaya Argentina Lionel Messi
        other gets: ERROR user_exists User sudah ada
        henderson: register henderson surabaya Inggris Jordan Henderson
        henderson: send Messi@KAMPUS halo
        henderson gets: conversation=private/henderson@kampus,messi@kampus
        messi hears: halo
        messi#phone hears: halo
    """)


def test_what_an_account_may_be_called(play: Play) -> None:
    """Names: `[A-Za-z0-9][A-Za-z0-9._-]{0,31}`. Display name and country: 1 to 64 characters, no control ones."""
    play(
        """
        x: register ../etc surabaya Inggris X
        x gets: ERROR bad_request username…
        x: register _x surabaya Inggris X
        x gets: ERROR bad_request username…
        x: register $long33 surabaya Inggris X
        x gets: ERROR bad_request username…
        x: register username="" password=surabaya country=Inggris name=X
        x gets: ERROR bad_request username…
        x: register x surabaya Inggris $control
        x gets: ERROR bad_request name…
        x: register x surabaya Inggris $long65
        x gets: ERROR bad_request name…
        x: register x surabaya $control X
        x gets: ERROR bad_request country…
        x: register x surabaya Inggris
        x gets: ERROR bad_request…
        x: auth ../etc surabaya
        x gets: ERROR bad_request username…
        x: auth x
        x gets: ERROR bad_request…
        x: register $long32 surabaya Inggris $long64
        x gets: user=$long32@kampus name=$long64
        """,
        control="a\x1bb",
        long32="a.b-c_d9" * 4,
        long33="x" * 33,
        long64="é" * 64,
        long65="é" * 65,
    )


def test_what_a_password_may_be(play: Play) -> None:
    """Password: 8 to 1,024 bytes."""
    play(
        """
        x: register x seven77 Inggris X
        x gets: ERROR bad_request…
        x: register x $long Inggris X
        x gets: ERROR bad_request…
        x: register x $longest Inggris X
        x gets: tokenId
        x: auth x $longest
        x gets: tokenId
        y: register y éééé Inggris Y
        y gets: tokenId
        """,
        long="é" * 512 + "x",
        longest="é" * 512,
    )


def test_where_registration_is_closed(play: Play) -> None:
    """Where registration is closed, `register` is `forbidden`; nobody is registered by it."""
    play(
        """
        messi: register messi surabaya Argentina Lionel Messi
        messi gets: ERROR forbidden
        messi: auth messi surabaya
        messi gets: ERROR user_not_found User tidak ada
        """,
        config='registration = "closed"\n',
    )
