"""Sessions: a token is bound to (user, key), and lives until logout, replacement, expiry or `passwd` elsewhere."""

from tests.scenarios.conftest import Play
from tests.wire.player import Stage


def test_a_token_is_worth_nothing_elsewhere(team: Stage) -> None:
    """A token used from another key is `session_not_found`; it says nothing to its owner's session."""
    team.play("""
        messi keeps tokenId as token
        thief: resume tokenId=$token
        thief gets: ERROR session_not_found Session tidak ditemukan
        thief: inbox tokenId=$token
        thief gets: ERROR session_not_found Session tidak ditemukan
        thief: send tokenId=$token henderson halo
        thief gets: ERROR session_not_found Session tidak ditemukan
        thief: logout tokenId=$token
        thief gets: ERROR session_not_found Session tidak ditemukan
        lineker: send tokenId=$token henderson halo
        lineker gets: ERROR session_not_found Session tidak ditemukan
        messi: send henderson halo
        henderson hears entry: entry.from=messi@kampus
    """)


def test_a_token_of_another_user_on_the_same_key(team: Stage) -> None:
    """(user, key) has one session: two users of one device each have their own, side by side."""
    team.play("""
        device: auth messi surabaya
        device keeps tokenId as messis
        device: auth henderson surabaya
        device keeps tokenId as hendersons
        device: send tokenId=$messis lineker dari messi
        lineker hears entry: entry.from=messi@kampus
        messi hears: dari messi
        device: send tokenId=$hendersons lineker dari henderson
        lineker hears entry: entry.from=henderson@kampus
        henderson hears: dari henderson
        device: logout tokenId=$messis
        device: inbox tokenId=$hendersons
        device: inbox tokenId=$messis
        device gets: ERROR session_not_found Session tidak ditemukan
    """)


def test_a_second_auth_replaces_the_session(team: Stage) -> None:
    """A second `auth` with the same key replaces it, under a new topic; nothing more comes on the old one."""
    team.play("""
        messi keeps tokenId as token
        messi keeps topic
        messi: auth messi surabaya
        messi gets: tokenId!=$token topic!=$topic
        messi: resume tokenId=$token
        messi gets: ERROR session_not_found Session tidak ditemukan
        messi: inbox tokenId=$token
        messi gets: ERROR session_not_found Session tidak ditemukan
        henderson: send messi halo
        messi hears: halo
        messi hears nothing else
        henderson: info
        henderson gets: [henderson, lineker, messi]
    """)


def test_resume(team: Stage) -> None:
    """`resume` - as `auth`, with the same `tokenId` and `topic`: after a restart of either side, no password."""
    team.play("""
        messi keeps tokenId as token
        messi keeps topic
        messi keeps epoch
        messi restarts
        henderson: send messi halo
        messi: resume tokenId=$token
        messi gets: tokenId=$token topic=$topic epoch=$epoch
        messi gets: user=messi@kampus name="Lionel Messi" country=Argentina admin=false
        messi: inbox
        messi gets messages:
            1 henderson: halo
        henderson: send messi lagi
        messi hears: lagi
    """)


def test_resume_errors(play: Play) -> None:
    """`resume`: `Session tidak ditemukan`, without a token, with a wrong one, and after logout."""
    play("""
        messi: resume
        messi gets: ERROR session_not_found Session tidak ditemukan
        messi: resume tokenId=nonsense
        messi gets: ERROR session_not_found Session tidak ditemukan
        messi: resume tokenId=7
        messi gets: ERROR bad_request tokenId…
        messi: register messi surabaya Argentina Lionel Messi
        messi: logout
        messi: resume
        messi gets: ERROR session_not_found Session tidak ditemukan
    """)


def test_a_restart_of_the_realm_ends_nothing(team: Stage) -> None:
    """Token and topic live, restarts of the realm included; no other command needs `resume` first."""
    team.play("""
        messi keeps epoch
        messi: send henderson sebelum
        henderson hears: sebelum
        restart realm
        messi hears welcome: epoch=$epoch total=1
        henderson hears welcome: epoch=$epoch
        lineker hears welcome: epoch=$epoch total=0
        messi: send henderson sesudah
        messi gets: seq=2
        henderson hears: sesudah
        henderson: history messi
        henderson gets entries:
            1 messi: sebelum
            2 messi: sesudah
        henderson: inbox
        henderson gets messages:
            1 messi: sebelum
            2 messi: sesudah
        lineker hears nothing else
    """)


def test_what_a_restart_keeps(team: Stage) -> None:
    """Accounts, sessions, topics, read marks, inbox cursors, numbers, the answers to repeats, and the epoch."""
    team.play(
        """
        messi keeps tokenId as token
        messi keeps topic
        messi keeps epoch
        messi: send entry=$ulid henderson m1
        messi keeps chain
        messi: send henderson m2
        henderson hears: m1
        henderson hears: m2
        henderson: read messi 2
        messi hears read: seq=2
        henderson: inbox limit=1
        lineker: logout
        kill realm
        start realm
        messi hears welcome: epoch=$epoch
        henderson hears welcome: epoch=$epoch
        messi: send entry=$ulid henderson m1
        messi gets: seq=1 chain=$chain
        messi: resume
        messi gets: tokenId=$token topic=$topic epoch=$epoch
        henderson: conversations
        henderson gets conversations (head, read, unread):
            2, 2, 0
        henderson: inbox
        henderson gets messages:
            2 messi: m2
        lineker: inbox
        lineker gets: ERROR session_not_found Session tidak ditemukan
        lineker: auth lineker surabaya
        lineker gets: epoch=$epoch name="Gary Lineker"
        henderson hears nothing else
        """,
        ulid="01J0000000000000000000000A",
    )


def test_at_most_twenty_sessions(play: Play) -> None:
    """At most 20 sessions a user; the oldest goes, here and for push."""
    dialogue = "messi: register messi surabaya Argentina Lionel Messi\n"
    dialogue += "\n".join(f"messi#{n}: auth messi surabaya" for n in range(2, 22))
    play(
        dialogue
        + """
messi: inbox
messi gets: ERROR session_not_found Session tidak ditemukan
messi#2: inbox
messi#2 gets: messages=[]
messi#21: send messi halo
"""
        + "\n".join(f"messi#{n} hears: halo" for n in range(2, 21))
        + """
messi#2: logout
messi: auth messi surabaya
messi hears nothing else
messi#3: inbox
messi#3 gets: messages=[]
"""
    )
