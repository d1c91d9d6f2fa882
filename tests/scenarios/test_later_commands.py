"""What no realm answers yet, and what none ever will."""

from tests.scenarios.conftest import Play

LATER = """
    sendprivaterealm pusat henderson halo
    sendfilerealm pusat henderson 01J0000000000000000000000A
    sendgrouprealm pusat new halo
    sendgroupfilerealm pusat new 01J0000000000000000000000A
    getrealminbox pusat
    realms
    addrealm pusat 127.0.0.1 8889
"""


def test_not_available_yet(play: Play) -> None:
    """Until their turn comes these answer `forbidden`; without a session, `Session tidak ditemukan` already."""
    lines = ["messi: register messi surabaya Argentina Lionel Messi"]
    for command in LATER.strip().splitlines():
        lines += [f"messi: {command.strip()}", "messi gets: ERROR forbidden not available yet"]
        lines += [f"stranger: {command.strip()}"]
        lines += ["stranger gets: ERROR session_not_found Session tidak ditemukan"]
    play("\n".join(lines))


def test_links_are_for_peers(play: Play) -> None:
    """Any `link.*` frame from a key that is no peer is `forbidden`, in a session or without."""
    play("""
        stranger: link.hello realm=pusat
        stranger gets: ERROR forbidden
        messi: register messi surabaya Argentina Lionel Messi
        messi: link.introduce realm=pusat address=127.0.0.1 port=8889
        messi gets: ERROR forbidden
        messi: link.envelope epoch=1
        messi gets: ERROR forbidden
        messi: link.nonsense
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
