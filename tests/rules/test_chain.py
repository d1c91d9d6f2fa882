"""The chain of protocol.md, "Conversations and entries"."""

import contextlib
import hashlib

import msgspec
import pytest

from schemas.entries import CHAIN_START, Entry, File, file_body, follows, link, text_body
from schemas.names import ConversationId

CONVERSATION = ConversationId("private/henderson@kampus,messi@kampus")
SALT = bytes(range(16))
FIRST = "80183bbd47f1f2aaefee4daf1802e331c750eab7e11d5460f43a25b762172f76"
SECOND = "d12522f2c3cdcfecdf1ad588d5b996cbffaba8372af4c0aec5e13a209eb16643"
HALO = Entry(
    conversation=CONVERSATION,
    seq=1,
    id="01J0000000000000000000000A",
    sender="messi@kampus",
    name="Lionel Messi",
    sent_at=1790000000000,
    kind="text",
    chain=bytes.fromhex(FIRST),
    salt=SALT,
    message="halo",
)
FOTO = File(id="f", name="foto.png", size=70000, media_type="image/png", digest=hashlib.sha256(b"x").digest())
SENT_FOTO = Entry(
    conversation=CONVERSATION,
    seq=70000,
    id="01J0000000000000000000000B",
    sender="henderson@kampus",
    name="Jordan Henderson",
    sent_at=1790000000001,
    kind="file",
    chain=bytes.fromhex(SECOND),
    salt=SALT,
    file=FOTO,
)


def test_vectors() -> None:
    """ "Vectors, salt = bytes 0 … 15" """
    body = text_body(SALT, "halo")
    first = link(CHAIN_START, CONVERSATION, 1, HALO.id, HALO.sender, HALO.sent_at, "text", body)
    assert first.hex() == FIRST
    second = link(
        first,
        CONVERSATION,
        70000,
        SENT_FOTO.id,
        SENT_FOTO.sender,
        SENT_FOTO.sent_at,
        "file",
        file_body(SALT, FOTO),
    )
    assert second.hex() == SECOND


def test_entries_follow_each_other() -> None:
    assert follows(CHAIN_START, HALO)
    assert follows(HALO.chain, SENT_FOTO)
    assert not follows(SENT_FOTO.chain, HALO)


def test_an_erased_entry_keeps_the_chain() -> None:
    """ "a body can be erased without breaking the chain" """
    erased = Entry(
        conversation=CONVERSATION,
        seq=1,
        id=HALO.id,
        sender=HALO.sender,
        name="",
        sent_at=HALO.sent_at,
        kind="text",
        chain=HALO.chain,
        erased=True,
        body=text_body(SALT, "halo"),
    )
    assert follows(CHAIN_START, erased)


def test_an_entry_without_content_follows_nothing() -> None:
    empty = Entry(
        conversation=CONVERSATION,
        seq=1,
        id=HALO.id,
        sender=HALO.sender,
        name="",
        sent_at=HALO.sent_at,
        kind="text",
        chain=HALO.chain,
    )
    assert not follows(CHAIN_START, empty)


@pytest.mark.parametrize(("size", "refused"), [(-1, True), (-(1 << 63), True), (0, False), (1 << 40, False)])
def test_a_file_has_no_negative_size(size: int, refused: bool) -> None:
    said = msgspec.msgpack.encode({**msgspec.structs.asdict(FOTO), "size": size})
    with pytest.raises(msgspec.ValidationError) if refused else contextlib.nullcontext():
        assert msgspec.msgpack.decode(said, type=File).size == size
