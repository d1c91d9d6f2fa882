"""Places and their addresses: each finds the other, and whatever is written there is some place."""

from typing import get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from client.model.places import Chats, Groups, Home, Members, NewRealm, Peer, Place, Realms, Room, above, find, route
from schemas.names import Address, ConversationId, Name, private

FIRST, REST = "abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz0123456789._-"
NAMES = st.builds("{}{}".format, st.sampled_from(FIRST), st.text(REST, max_size=31)).map(Name)
FULL = st.builds("{}@{}".format, NAMES, NAMES)
CONVERSATIONS = st.one_of(
    st.builds("group/{}".format, FULL),
    st.builds(private, FULL.map(Address), FULL.map(Address)),
    st.builds("sent/{},{}".format, FULL, FULL),
).map(ConversationId)

FIXED: list[Place] = [kind() for kind in get_args(Place) if kind not in (Room, Members, Peer)]
PLACES: st.SearchStrategy[Place] = st.one_of(
    st.sampled_from(FIXED), st.builds(Room, CONVERSATIONS), st.builds(Members, NAMES), st.builds(Peer, NAMES)
)
# Half of a surrogate pair is no character, but Python takes one for it.
ANYTHING = st.text(st.characters(exclude_categories=()))
NEARLY = st.tuples(
    st.sampled_from(["/room/", "/members/", "/room/private/", "/groups/", "/chats?", "%2Froom/"]),
    st.one_of(ANYTHING, CONVERSATIONS, NAMES, st.text("%0123456789abcdefK@,/.?#")),
).map("".join)


@given(PLACES)
def test_an_address_finds_its_place(place: Place) -> None:
    assert find(route(place)) == place


def test_all_fixed_places_have_addresses_of_their_own() -> None:
    assert len({route(place) for place in FIXED}) == len(FIXED) == 10
    assert [find(route(place)) for place in FIXED] == FIXED


@given(PLACES)
def test_an_address_is_one_that_a_browser_leaves_alone(place: Place) -> None:
    address = route(place)
    assert address.isascii()
    assert address.startswith("/")
    assert not set(address) & set(' "#<>?`{}%\\^|')


@given(st.one_of(ANYTHING, NEARLY))
@example("/room/\ud800")
@example("/members/%ED%A0%80")
@example("/room/private/%zz")
@example("/room/")
def test_any_text_is_some_place(address: str) -> None:
    place = find(address)
    assert isinstance(place, Place)
    assert find(route(place)) == place


@given(PLACES, st.text())
def test_what_is_asked_of_a_place_does_not_change_it(place: Place, asked: str) -> None:
    assert find(f"{route(place)}?{asked}") == place


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("/room/PRIVATE/Messi@Kampus,neymar@kampus", Room(ConversationId("private/messi@kampus,neymar@kampus"))),
        ("/room/private/neymar@kampus,messi@kampus", Room(ConversationId("private/messi@kampus,neymar@kampus"))),
        ("/room/group%2Fnew%40kampus", Room(ConversationId("group/new@kampus"))),
        ("/members/New", Members(Name("new"))),
        ("/room/group/new", Home()),
        ("/room/private/messi@kampus", Home()),
        ("/room/group/new@kampus/more", Home()),
        ("/room/group/new@kampus%0A", Home()),
        ("/realm/Pusat", Peer(Name("pusat"))),
        ("/realm/", Home()),
        ("/realm/a/b", Home()),
        ("/members/", Home()),
        ("/members/a b", Home()),
        ("/members/" + "a" * 33, Home()),
        ("/chats/", Home()),
        ("chats", Home()),
        ("", Home()),
    ],
)
def test_addresses_that_somebody_has_written(address: str, place: Place) -> None:
    assert find(address) == place


@given(PLACES, st.booleans())
def test_above_ends_at_home(place: Place, wide: bool) -> None:
    passed = [place]
    while passed[-1] != Home():
        passed.append(above(passed[-1], wide=wide))
        assert passed.count(passed[-1]) == 1, "it goes in a circle"
    assert above(Home(), wide=wide) == Home()


def test_a_room_hangs_below_the_list_where_that_is_a_page_of_its_own() -> None:
    room = Room(ConversationId("group/new@kampus"))
    assert above(room, wide=False) == Chats()
    assert above(room, wide=True) == Home()


def test_members_hang_below_the_room_for_whoever_came_from_there() -> None:
    room = Room(ConversationId("group/new@kampus"))
    for wide in (True, False):
        assert above(Members(Name("new")), wide=wide, came_from=room) == room
        assert above(Members(Name("new")), wide=wide, came_from=Groups()) == Groups()
        assert above(Members(Name("new")), wide=wide) == Groups()


def test_what_one_does_at_another_realm_hangs_below_it() -> None:
    there, room = Peer(Name("pusat")), Room(ConversationId("private/bob@pusat,messi@kampus"))
    for wide in (True, False):
        assert above(room, wide=wide, came_from=there) == there
        assert above(there, wide=wide, came_from=room) == above(NewRealm(), wide=wide) == Realms()
        assert above(Realms(), wide=wide) == Home()
