"""Files in a room and in the list: shown by their names wherever a text would be, harmless whatever they are called."""

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, structs

from client.harmless import is_harmful
from client.model.attached import Attached, Loss, Parcel, of_entry, of_parcel, shown_name
from client.model.desk import Desk, Unsaid, mirror_of_a_window
from client.model.glance import glances
from client.model.room import Fate, Message, Outgoing, rows
from schemas import answers, commands
from schemas.entries import Entry, File
from schemas.names import Address, ConversationId, Name

USER = "henderson@kampus"
TALK = ConversationId("private/henderson@kampus,messi@kampus")
GROUP = ConversationId("group/new@kampus")
FOTO = File(id="F1", name="foto liburan.jpg", size=2_048, media_type="image/jpeg", digest=bytes(32))
TAKEN = Entry(
    conversation=TALK, seq=1, id="1", sender="messi@kampus", name="Messi", sent_at=0, kind="file", chain=bytes(32),
    salt=bytes(16), file=FOTO,
)  # fmt: skip


def messages(entries: list[Entry], outgoing: list[Outgoing]) -> list[Message]:
    shown = rows(entries, outgoing, user=USER, name="Henderson", seen=0, zone=UTC)
    return [one for one in shown if isinstance(one, Message)]


def test_a_file_is_shown_by_its_name() -> None:
    (one,) = messages([TAKEN], [])
    assert one.file == Attached("foto liburan.jpg", 2_048, FOTO)
    assert (one.text, one.file.is_picture) == ("foto liburan.jpg", True)


def test_a_file_that_was_erased_is_no_file() -> None:
    erased = structs.replace(TAKEN, erased=True, body=bytes(32), file=UNSET, salt=UNSET)
    (one,) = messages([erased], [])
    assert (one.file, one.text) == (None, "")


def test_a_file_on_its_way_is_shown_with_how_far_it_is() -> None:
    parcel = Parcel("foto.jpg", 200)
    one = Outgoing("x", "", 1, parcel)

    def seen() -> tuple[str, int, bool, bool, Fate | None]:
        (row,) = messages([], [one])
        assert row.file is not None
        assert row.file.file is None
        return row.text, row.file.percent, row.file.coming, row.file.is_lost, row.fate

    assert seen() == ("foto.jpg", 0, True, False, Fate.SENDING)
    parcel.held = 100
    assert seen() == ("foto.jpg", 50, True, False, Fate.SENDING)
    parcel.held = 200
    assert seen() == ("foto.jpg", 0, False, False, Fate.SENDING)
    parcel.read = 50
    assert seen() == ("foto.jpg", 25, True, False, Fate.SENDING)
    parcel.read = 200
    assert seen() == ("foto.jpg", 0, False, False, Fate.SENDING)
    parcel.sent = 150
    assert seen() == ("foto.jpg", 75, False, False, Fate.SENDING)
    one.why = "no answer"
    assert seen() == ("foto.jpg", 75, False, False, Fate.FAILED)
    parcel.loss = Loss.CUT
    assert seen()[3:] == (True, Fate.FAILED)


def test_an_empty_file_is_here_at_once() -> None:
    assert of_parcel(Parcel("a", 0)) == Attached("a", 0)


def test_the_list_has_the_name_of_a_file() -> None:
    desk = Desk(mirror_of_a_window(USER), "Henderson")
    desk.overview.said(TAKEN)
    (glance,) = glances(desk, frozenset(), UTC)
    assert (glance.text, glance.is_file) == ("foto liburan.jpg", True)
    desk.unsaid.draft(TALK, "a draft")
    (glance,) = glances(desk, frozenset(), UTC)
    assert (glance.text, glance.is_file) == ("a draft", False)


@pytest.mark.parametrize(
    ("conversation", "command"),
    [
        (TALK, commands.SendFile(id=0, to=Address("messi@kampus"), file="F", entry="x")),
        (GROUP, commands.SendGroupFile(id=0, group=Name("new"), file="F", entry="x")),
    ],
)
def test_a_file_is_sent_by_the_command_for_files(conversation: ConversationId, command: commands.Filing) -> None:
    desk = Desk(mirror_of_a_window(USER), "Henderson")
    assert desk.send_command(conversation, Outgoing("x", "", 1, Parcel("a", 1)), "F") == command


class Removed(Parcel):
    """A file of which is known whether anybody wants to send it still."""

    removed = 0

    def remove(self) -> None:
        self.removed += 1


def kept(desk: Desk) -> list[Outgoing]:
    return desk.unsaid.outgoing.get(TALK, [])


def test_a_file_goes_with_its_message_however_that_ends() -> None:
    """Its answer may never come, though the message has found its place."""
    unsaid = Unsaid()
    desk = Desk(mirror_of_a_window(USER), "Henderson", unsaid)
    desk.open(TALK)
    parcels = [Removed("a", 1) for _ in range(4)]
    placed, given_up, stored, failed = (Outgoing(f"{number}", "", 1, one) for number, one in enumerate(parcels))
    for one in (placed, given_up, stored, failed):
        desk.send(TALK, one)
    desk.discard(given_up)
    stored.stored = True
    failed.why = "no answer"
    assert desk.shown is not None
    desk.shown.entries.append(structs.replace(TAKEN, id=placed.entry, sender=USER))
    desk.changed()
    assert [one.removed for one in parcels] == [1, 1, 0, 0]
    assert (placed.stored, kept(desk)) == (True, [stored, failed])
    Desk(mirror_of_a_window(USER), "Henderson", unsaid)
    assert [one.removed for one in parcels] == [1, 1, 1, 0]
    assert kept(desk) == [failed]


def test_what_is_stored_does_not_fail_any_more() -> None:
    desk = Desk(mirror_of_a_window(USER), "Henderson")
    one = Outgoing("x", "", 1, Parcel("a", 1))
    desk.send(TALK, one)
    one.stored = True
    desk.sent(TALK, one, "no answer")
    assert one.fate is Fate.STORED


def test_what_the_realm_has_stored_is_in_the_list_as_a_file() -> None:
    desk = Desk(mirror_of_a_window(USER), "Henderson")
    one = Outgoing("x", "", 1, Parcel("foto liburan.jpg", 2_048))
    desk.send(TALK, one)
    desk.sent(
        TALK,
        one,
        answers.Sent(
            id=0, message="File sent", entry="x", conversation=TALK, seq=1, name="Henderson", sent_at=1,
            salt=bytes(16), chain=bytes(32), file_info=FOTO,
        ),
    )  # fmt: skip
    last = desk.overview.rows[TALK].last
    assert last is not None
    assert (last.kind, last.file, last.message) == ("file", FOTO, UNSET)


@given(st.text())
def test_whatever_a_file_is_called_its_name_is_seen(name: str) -> None:
    shown = shown_name(name)
    assert shown.strip()
    assert not any(is_harmful(character) for character in shown)


@pytest.mark.parametrize("media_type", ["image/svg+xml", "text/html", "application/pdf", "image/x-icon", ""])
def test_what_could_run_is_no_picture(media_type: str) -> None:
    attached = of_entry(structs.replace(TAKEN, file=structs.replace(FOTO, media_type=media_type)))
    assert attached is not None
    assert not attached.is_picture
