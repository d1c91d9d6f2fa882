"""`send` username message… — a private message. An OK means: on disk."""

from tests.wire.player import Stage


def test_errors(team: Stage) -> None:
    """`send`: `User tidak ada` · `Session tidak ditemukan`."""
    team.play("""
        henderson: send nobody x
        henderson gets: ERROR user_not_found User tidak ada
        henderson: send nobody@kampus x
        henderson gets: ERROR user_not_found User tidak ada
        henderson: send messi@nowhere x
        henderson gets: ERROR realm_not_found Realm tidak ditemukan
        stranger: send messi x
        stranger gets: ERROR session_not_found Session tidak ditemukan
        stranger: send tokenId=nonsense messi x
        stranger gets: ERROR session_not_found Session tidak ditemukan
        henderson: conversations
        henderson gets: conversations=[]
    """)


def test_bad_input(team: Stage) -> None:
    """Names are checked once, at the edge; `bad_request` says which field, and why."""
    team.play("""
        messi: send ../henderson x
        messi gets: ERROR bad_request to…
        messi: send henderson@ x
        messi gets: ERROR bad_request to…
        messi: send to=7 message=x
        messi gets: ERROR bad_request to…
        messi: send message="" henderson
        messi gets: ERROR bad_request message…
        messi: send henderson
        messi gets: ERROR bad_request…
        messi: send message=x
        messi gets: ERROR bad_request…
        messi: send entry=short henderson x
        messi gets: ERROR bad_request entry…
        messi: send entry=8ZZZZZZZZZZZZZZZZZZZZZZZZZ henderson x
        messi gets: ERROR bad_request entry…
    """)


def test_the_size_of_a_message(team: Stage) -> None:
    """Message: 1 to 65,536 bytes of UTF-8; `too_large` says the limit. Any text comes through as it was."""
    team.play(
        """
        messi: send henderson $over
        messi gets: ERROR too_large…
        messi: send henderson $full
        messi gets: Message sent
        henderson hears: $full
        messi: send henderson $odd
        henderson hears: $odd
        """,
        over="é" * 32_768 + "x",
        full="é" * 32_768,
        odd="  \u0000 tab\t\nnew line, e\u0301 and é stay apart, 👋🏽 \u202e",
    )


def test_a_repeated_send_has_one_effect(team: Stage) -> None:
    """The same sender's second send with the same `entry` has no second effect and gets the first one's answer."""
    team.play(
        """
        messi: send entry=$ulid henderson halo
        messi gets: entry=$ulid seq=1
        messi keeps chain
        messi keeps sent_at
        messi: send entry=$ulid henderson halo
        messi gets: Message sent
        messi gets: entry=$ulid seq=1 chain=$chain sent_at=$sent_at
        messi#phone: auth messi surabaya
        messi#phone: send entry=$ulid henderson halo
        messi#phone gets: entry=$ulid seq=1 chain=$chain
        messi: send henderson lagi
        messi gets: seq=2
        messi#phone hears: lagi
        henderson hears: halo
        henderson hears: lagi
        henderson hears nothing else
        messi hears nothing else
        """,
        ulid="01J0000000000000000000000A",
    )


def test_an_entry_id_is_for_one_message(team: Stage) -> None:
    """… (other arguments: `bad_request`). Another sender may choose the same id."""
    team.play(
        """
        messi: send entry=$ulid henderson halo
        henderson hears: halo
        messi: send entry=$ulid henderson halo!
        messi gets: ERROR bad_request…
        messi: send entry=$ulid lineker halo
        messi gets: ERROR bad_request…
        lineker: send entry=$ulid henderson halo juga
        lineker gets: seq=1 entry=$ulid
        henderson hears: halo juga
        messi: history henderson
        messi gets: head=1
        """,
        ulid="01J0000000000000000000000A",
    )


def test_a_refused_send_may_be_repeated(team: Stage) -> None:
    """A refusal stores nothing: the same `entry` may be sent again when the reason is gone."""
    team.play(
        """
        messi: send entry=$ulid pele halo
        messi gets: ERROR user_not_found User tidak ada
        pele: register pele surabaya Brasil Edson Arantes
        messi: send entry=$ulid pele halo
        messi gets: seq=1 entry=$ulid
        pele hears: halo
        """,
        ulid="01J0000000000000000000000A",
    )


def test_repeats_in_one_turn(team: Stage) -> None:
    """Ten that arrive together are one, and each is answered."""
    send = {"cmd": "send", "to": "henderson", "message": "halo", "entry": "01J0000000000000000000000A"}
    answers = team.actor("messi").ask([send] * 10)
    assert [answer["seq"] for answer in answers] == [1] * 10
    team.play("""
        henderson hears: halo
        henderson hears nothing else
        messi: send henderson lagi
        messi gets: seq=2
        henderson hears: lagi
    """)


def test_notes_to_oneself(team: Stage) -> None:
    """Sending to oneself is allowed (notes). They are own entries: in history and push, not in the inbox."""
    team.play("""
        messi#phone: auth messi surabaya
        messi: send messi beli susu
        messi gets: conversation=private/messi@kampus,messi@kampus seq=1
        messi#phone hears: beli susu
        messi: history messi
        messi gets entries:
            1 messi: beli susu
        messi: inbox
        messi gets: messages=[]
        messi: conversations
        messi gets conversations (conversation, head, unread):
            private/messi@kampus,messi@kampus, 1, 0
        messi hears nothing else
    """)
