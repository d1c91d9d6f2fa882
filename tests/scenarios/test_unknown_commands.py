"""What no realm answers, and what is not for everybody."""

from tests.scenarios.conftest import Play


def test_links_are_for_peers(play: Play) -> None:
    """Any `link.*` frame from a key that is no peer is `forbidden`, in a session or without."""
    play(
        """
        stranger: link.hello realm=pusat
        stranger gets: ERROR forbidden
        messi: register messi surabaya Argentina Lionel Messi
        messi: link.prove nonce=$nonce
        messi gets: ERROR forbidden
        messi: link.chunk upload=x offset=0
        messi gets: ERROR forbidden
        messi: link.envelope epoch=1
        messi gets: ERROR forbidden
        messi: link.nonsense
        messi gets: ERROR forbidden
    """,
        nonce=bytes(16),
    )


def test_operators_have_a_socket_of_their_own(play: Play) -> None:
    """What an operator says comes over the realm's folder, and from nowhere else."""
    play("""
        stranger: operator.peers
        stranger gets: ERROR forbidden
        messi: register messi surabaya Argentina Lionel Messi
        messi: operator.addpeer realm=pusat address=127.0.0.1 port=8889
        messi gets: ERROR forbidden
    """)


def test_unknown(play: Play) -> None:
    """`unknown_command` names it; a map without `cmd` is a bad request."""
    play("""
        messi: dance
        messi gets: ERROR unknown_command…
        messi: raw {"cmd": 7}
        messi gets: ERROR bad_request…
        messi: raw {}
        messi gets: ERROR bad_request…
        messi: register messi surabaya Argentina Lionel Messi
        messi: Inbox
        messi gets: ERROR unknown_command…
        messi: inbox colour=blue
        messi gets: messages=[]
    """)
