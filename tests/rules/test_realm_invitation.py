"""The one word by which a realm is invited: what it says, that it is one word, and what is none."""

import re
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from zmq.utils import z85

from schemas.invites import RealmInvitation, parse_realm, split_place

KEY = "rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7"
CODED = "rq%3ArM%3E%7DU%3F%40Lns47E1%25kR.o%40n%25FcmmsL%2F%40%7BH8%5Dyf7"
WORD = f"bagan-realm://pusat@127.0.0.1:9889/{CODED}"

NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,31}", fullmatch=True)
PORTS = st.integers(1, 65_535)
HOSTS = st.from_regex(r"[\w.-]{1,253}", fullmatch=True) | st.ip_addresses(v=4).map(str)
PLACES = st.builds("{}:{}".format, HOSTS | st.ip_addresses(v=6).map("[{}]".format), PORTS)
KEYS = st.binary(min_size=32, max_size=32).map(lambda key: z85.encode(key).decode())


def test_an_invitation_as_it_is_written() -> None:
    invitation = RealmInvitation("pusat", "127.0.0.1:9889", KEY)
    assert invitation.text() == WORD
    assert parse_realm(WORD) == invitation
    assert (invitation.host, invitation.port) == ("127.0.0.1", 9889)
    six = RealmInvitation("pusat", "[::1]:9889", KEY)
    assert six.text() == f"bagan-realm://pusat@%5B::1%5D:9889/{CODED}"
    assert (six.host, six.port) == ("::1", 9889)


@given(NAMES, PLACES, KEYS)
def test_an_invitation_says_what_was_written(name: str, place: str, key: str) -> None:
    invitation = RealmInvitation(name, place, key)
    word = invitation.text()
    assert set(word) <= set(string.ascii_letters + string.digits + ":/@%._~-"), "a shell and a chat leave it as it is"
    assert parse_realm(word) == parse_realm(f"  {word}\n") == invitation
    assert split_place(place) == (invitation.host, invitation.port)


def test_what_people_do_to_words() -> None:
    assert parse_realm(WORD.replace("bagan-realm", "BAGAN-REALM").replace("pusat", "Pusat")) == parse_realm(WORD)
    assert parse_realm(f"bagan-realm://pusat@[::1]:1/{CODED}").host == "::1", "the brackets may stay"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "this is no realm's invitation"),
        ("pusat", "this is no realm's invitation"),
        (WORD[1:], "this is no realm's invitation"),
        (WORD + "/", "this is no realm's invitation"),
        (f"{WORD} {WORD}", "this is no realm's invitation"),
        (WORD.replace("pusat@", ""), "this is no realm's invitation"),
        (WORD.partition("/rq")[0], "this is no realm's invitation"),
        (WORD.replace("pusat", "pu@sat"), "this is no realm's invitation"),
        ("http://localhost:8550/?realm=a:1", "this link invites a person"),
        (WORD.replace("pusat", ""), "its name before the @"),
        (WORD.replace("pusat", "-"), "its name before the @"),
        (WORD.replace("pusat", "p\u0131sat"), "its name before the @"),
        (WORD.replace("pusat", "pusat%0A"), "its name before the @"),
        (WORD.replace("pusat", "\u212aampus"), "its name before the @"),  # a K that folds to one of ours
        (WORD.replace("9889", "0"), "HOST:PORT after the @"),
        (WORD.replace("9889", "65536"), "HOST:PORT after the @"),
        (WORD.replace("9889", "٣"), "HOST:PORT after the @"),
        (WORD.replace(":9889", ""), "HOST:PORT after the @"),
        (WORD.replace("127.0.0.1", ""), "HOST:PORT after the @"),
        (WORD.replace("127.0.0.1", "a%20b"), "HOST:PORT after the @"),
        (WORD.replace("127.0.0.1", "::1"), "HOST:PORT after the @"),
        (WORD.replace("127.0.0.1", "a%2Fb"), "HOST:PORT after the @"),
        (WORD[:-1], "ends in its key"),
        (WORD + "0", "ends in its key"),
        (WORD.replace("rq", "~q"), "ends in its key"),
        (WORD.replace(CODED, "%23" * 40), "ends in its key"),
        (WORD.replace("rq", "%ff"), "is UTF-8"),
    ],
)
def test_what_is_no_invitation_is_told_in_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=r"\A[^\n]+\Z") as raised:
        parse_realm(text)
    assert sentence in str(raised.value)


@given(st.text() | st.lists(st.sampled_from(["bagan-realm://", "pusat", *"@:/%", "a:1", "%ff", CODED])).map("".join))
@example("bagan-realm://a@\udcff:1/" + CODED)
def test_any_text_is_an_invitation_or_one_sentence(text: str) -> None:
    try:
        invitation = parse_realm(text)
    except ValueError as error:
        told = str(error)
    else:
        assert parse_realm(invitation.text()) == invitation
        return
    assert re.match(r"(this is no realm's|this link invites|a realm's) ?[^\n]*\Z", told)


@pytest.mark.parametrize("cut", range(len(WORD)))
def test_one_that_was_not_copied_whole(cut: int) -> None:
    with pytest.raises(ValueError, match="copy the whole of it"):
        parse_realm(WORD[:cut])


@pytest.mark.parametrize("name", ["Pusat", "", "a b", "x" * 33, "pusat\n"])
def test_a_name_is_checked_where_one_is_made(name: str) -> None:
    with pytest.raises(ValueError, match="its name before the @"):
        RealmInvitation(name, "a:1", KEY)


@pytest.mark.parametrize(
    "text", ["", "a", "a:", ":1", "a:0", "a:65536", "a:٣", "a:1\n", "a b:1", "[::1]", "::1:1", "a:-1"]
)
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match="is no HOST:PORT"):
        split_place(text)
