"""Files to other realms: brought before they are named, in chunks, resumable; and what a peer may not have."""

from typing import Any

import pytest

from realm.effects import Reply
from realm.federation import carrying
from realm.inputs import Tick
from realm.settings import Files, PeerRules, Settings
from schemas import commands
from schemas.codec import encode_command
from schemas.entries import Entry, File
from schemas.errors import Code
from schemas.names import Name
from tests.rules.federation_kit import (
    DAY,
    HOUR,
    Map,
    Network,
    Pair,
    User,
    envelope,
    make_pair,
    seal,
    ulid,
)
from tests.rules.files_kit import sha
from tests.rules.kit import ok, refused
from tests.rules.test_federation_link import Lied

CHUNK = 64
SMALL = Settings(files=Files(chunk_bytes=CHUNK))
CONTENT = bytes(range(256)) * 10


@pytest.fixture
def pair(network: Network) -> Pair:
    return make_pair(network, SMALL, SMALL)


@pytest.fixture
def lied(network: Network) -> Lied:
    return Lied(network)


def file_of(entry: Entry) -> File:
    assert isinstance(entry.file, File)
    return entry.file


def bytes_of(user: User, entry: Entry) -> bytes:
    """What the file of an entry holds, for a user who sees it."""
    asked: list[Reply] = []
    file = file_of(entry)
    frame = commands.Download(id=1, tokenId=user.token, file=file.id, offset=0, size=100_000)
    user.node.receive(user.key, [encode_command(frame)], user.node.network.new_route(), asked.append)
    user.node.network.flow()
    (reply,) = asked
    ok(reply.answer)
    return bytes(reply.data or b"")


def upload(user: User, content: bytes = CONTENT, name: str = "foto.png") -> str:
    return user.upload(content, name)


def test_a_file_goes_before_the_message_that_names_it(pair: Pair) -> None:
    file = upload(pair.messi)
    answer = ok(pair.messi.send_file("bob@pusat", file, entry=1).answer)
    assert (answer.message, answer.queued, answer.entry) == ("File sent", False, ulid(1))
    own = answer.file_info
    assert (own.id, own.name, own.size, own.digest) == (file, "foto.png", len(CONTENT), sha(CONTENT))
    (came,) = pair.bob.entries()
    theirs = file_of(came)
    assert (theirs.name, theirs.size, theirs.digest) == ("foto.png", len(CONTENT), sha(CONTENT))
    assert theirs.id != own.id
    assert bytes_of(pair.bob, came) == CONTENT
    said = [one for one in pair.network.seen if one.source == "kampus"]
    order = [one.what for one in said]
    assert order.index("link.upload") < order.index("link.chunk") < order.index("link.envelope")
    assert all(one.asked.bulk for one in said if one.what in ("link.upload", "link.chunk"))
    assert order.count("link.chunk") == 40


def test_what_is_said_of_the_file(pair: Pair) -> None:
    ok(pair.messi.send_file("bob@pusat", upload(pair.messi), entry=1).answer)
    (told,) = pair.network.told("link.upload")
    assert (told["from"], told["to"], told["name"], told["size"]) == ("messi@kampus", "bob", "foto.png", len(CONTENT))
    assert told["digest"] == sha(CONTENT)
    (told,) = pair.network.told("link.envelope")
    assert told["kind"] == "file"
    assert told["file"] == {
        "name": "foto.png",
        "size": len(CONTENT),
        "media_type": "text/plain",
        "digest": sha(CONTENT),
    }


def test_all_four_ways_to_send_a_file(pair: Pair) -> None:
    ok(pair.bob.get(commands.AddGroup, group="new"))
    file = upload(pair.messi)
    ok(pair.messi.get(commands.SendFileRealm, realm=Name("pusat"), to=Name("bob"), file=file))
    answer = ok(pair.messi.get(commands.SendGroupFileRealm, realm=Name("pusat"), group=Name("new"), file=file))
    assert answer.conversation == "sent/messi@kampus,new@pusat"
    assert [entry.conversation for entry in pair.bob.entries()] == [pair.talk, "group/new@pusat"]
    assert [bytes_of(pair.bob, entry) for entry in pair.bob.entries()] == [CONTENT] * 2


def test_what_is_there_is_not_brought_again(pair: Pair) -> None:
    file = upload(pair.messi)
    ok(pair.messi.send_file("bob@pusat", file).answer)
    pair.network.forget()
    ok(pair.messi.send_file("lina@pusat", file).answer)
    other = upload(pair.messi, name="lain.png")
    ok(pair.messi.send_file("bob@pusat", other).answer)
    assert pair.network.told("link.chunk") == []
    assert [file_of(entry).name for entry in pair.bob.entries()] == ["foto.png", "lain.png"]
    assert [file_of(entry).name for entry in pair.lina.entries()] == ["foto.png"]


def test_an_empty_file(pair: Pair) -> None:
    ok(pair.messi.send_file("bob@pusat", upload(pair.messi, b"")).answer)
    (came,) = pair.bob.entries()
    assert bytes_of(pair.bob, came) == b""


def test_only_own_files_are_sent(pair: Pair) -> None:
    file = upload(pair.henderson)
    for unknown in (file, "x"):
        assert refused(pair.messi.send_file("bob@pusat", unknown).answer, Code.FILE_NOT_FOUND)
    ok(pair.henderson.send_file("messi", file).answer)
    assert refused(pair.messi.send_file("bob@pusat", file).answer, Code.FILE_NOT_FOUND)
    assert pair.kampus.count("outbox") == 0


def test_a_file_for_nobody_is_refused_before_a_byte_goes(pair: Pair) -> None:
    file = upload(pair.messi)
    assert refused(pair.messi.send_file("nobody@pusat", file, entry=1).answer, Code.USER_NOT_FOUND)
    answer = pair.messi.get(commands.SendGroupFileRealm, realm=Name("pusat"), group=Name("none"), file=file)
    assert refused(answer, Code.GROUP_NOT_FOUND)
    assert pair.network.told("link.chunk") == []
    assert pair.messi.get(commands.Conversations).conversations == []
    assert refused(pair.messi.send_file("nobody@pusat", file, entry=1).answer, Code.USER_NOT_FOUND)
    assert pair.kampus.ends("pusat").queued == 0


def test_a_file_that_is_refused_later_bounces(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    assert ok(pair.messi.send_file("nobody@pusat", upload(pair.messi), entry=1).answer).queued
    pair.network.join("kampus", "pusat")
    pair.network.run(5_000)
    own, came = pair.messi.history("private/messi@kampus,nobody@pusat")
    assert (own.kind, came.kind, came.re, came.code) == ("file", "bounce", ulid(1), "user_not_found")
    assert not own.queued


def test_messages_behind_a_file_overtake_it(pair: Pair) -> None:
    pair.network.hold("link.chunk")
    asked = pair.messi.send_file("bob@pusat", upload(pair.messi), entry=1)
    assert ok(pair.messi.send("bob@pusat", "halo", entry=2).answer).seq == 1
    pair.network.release()
    assert ok(asked.answer).seq == 2
    assert [entry.id for entry in pair.bob.entries()] == [ulid(2), ulid(1)]


def test_files_go_one_after_the_other(pair: Pair) -> None:
    files = [upload(pair.messi, bytes([number]) * 300, f"{number}.png") for number in range(5)]
    pair.network.cut("kampus", "pusat")
    for file in files:
        assert ok(pair.messi.send_file("bob@pusat", file).answer).queued
    pair.network.join("kampus", "pusat")
    pair.network.run(5_000)
    assert [file_of(entry).name for entry in pair.bob.entries()] == [f"{number}.png" for number in range(5)]
    assert pair.messi.delivered() == [1, 2, 3, 4, 5]


def test_a_file_that_is_slow_is_queued_and_delivered(pair: Pair) -> None:
    phone = pair.messi.elsewhere()
    pair.network.hold("link.chunk")
    asked = pair.messi.send_file("bob@pusat", upload(pair.messi), entry=1)
    pair.network.run(2_000)
    assert ok(asked.answer).queued
    assert [(entry.kind, entry.queued) for entry in phone.entries()] == [("file", True)]
    pair.network.release()
    assert pair.messi.delivered() == phone.delivered() == [1]


def test_what_is_lost_on_the_way_is_taken_up_where_it_was(pair: Pair) -> None:
    pair.network.lose("link.chunk", times=3)
    pair.messi.send_file("bob@pusat", upload(pair.messi))
    pair.network.run(60_000)
    (came,) = pair.bob.entries()
    assert bytes_of(pair.bob, came) == CONTENT


def test_an_upload_is_resumed_after_a_restart_of_either(pair: Pair) -> None:
    for node in (pair.kampus, pair.pusat):
        content = CONTENT + node.name.encode()
        pair.network.lose("link.chunk", times=1_000_000)
        pair.network.rules[-1].also = lambda frame: frame.body["offset"] >= 640
        pair.messi.send_file("bob@pusat", upload(pair.messi, content))
        pair.network.run(1_000)
        pair.network.heal()
        pair.network.forget()
        node.crash()
        pair.network.run(60_000)
        assert min(told["offset"] for told in pair.network.told("link.chunk")) == 640
        assert bytes_of(pair.bob, pair.bob.history(pair.talk)[-1]) == content


def test_all_doubled_is_one_file(pair: Pair) -> None:
    pair.network.double("*")
    pair.messi.send_file("bob@pusat", upload(pair.messi))
    pair.network.run(60_000)
    (came,) = pair.bob.entries()
    assert bytes_of(pair.bob, came) == CONTENT
    assert pair.pusat.count("uploads") == 0


def test_lost_bytes_here_make_the_message_bounce(pair: Pair) -> None:
    pair.network.cut("kampus", "pusat")
    bad, good = upload(pair.messi), upload(pair.messi, b"good", "good.png")
    for number, file in enumerate((bad, good)):
        ok(pair.messi.send_file("bob@pusat", file, entry=number).answer)
    del pair.kampus.disk.blobs[sha(CONTENT)]
    pair.network.join("kampus", "pusat")
    pair.network.run(5_000)
    (bounced,) = [entry for entry in pair.messi.history(pair.talk) if entry.kind == "bounce"]
    assert (bounced.re, bounced.code) == (ulid(0), "file_not_found")
    assert [file_of(entry).name for entry in pair.bob.entries()] == ["good.png"]
    assert [note.fields["digest"] for note in pair.kampus.notes("a file cannot be carried on")] != []


def test_a_file_in_the_outbox_is_not_swept(pair: Pair) -> None:
    """Without an own entry yet, only the outbox names it."""
    pair.network.hold("link.upload")
    file = upload(pair.messi)
    pair.messi.send_file("nobody@pusat", file, entry=1)
    pair.network.now += 1_000
    with pair.kampus.store.transaction() as tx:
        assert tx.drop_unsent(pair.kampus.now + DAY, 100) == 0
        assert tx.file(file) is not None


def test_what_was_swept_at_the_receiver_is_brought_again(pair: Pair) -> None:
    """Brought, and forgotten there before its message came."""
    pair.network.hold("link.envelope")
    asked = pair.messi.send_file("bob@pusat", upload(pair.messi))
    pair.network.run(2_000)
    assert ok(asked.answer).queued
    pair.network.held.clear()
    pair.network.cut("kampus", "pusat")
    pair.network.heal()
    pair.network.now += 2 * DAY
    pair.pusat.turn(Tick())
    pair.network.flow()
    assert pair.pusat.count("files") == 0
    assert pair.pusat.disk.blobs == {}
    pair.network.join("kampus", "pusat")
    pair.network.run(20_000)
    (came,) = pair.bob.entries()
    assert file_of(came).digest == sha(CONTENT)
    assert pair.pusat.disk.blobs == {sha(CONTENT): CONTENT}
    assert pair.messi.delivered() == [1]
    assert pair.kampus.ends("pusat").queued == 0


def test_a_restored_receiver_gets_its_files_again(pair: Pair) -> None:
    backup = pair.pusat.backup()
    ok(pair.messi.send_file("bob@pusat", upload(pair.messi)).answer)
    ok(pair.messi.send("bob@pusat", "halo").answer)
    pair.pusat.restore(backup)
    pair.network.run(70_000)
    assert sorted(entry.kind for entry in pair.bob.history(pair.talk)) == ["file", "text"]
    assert pair.pusat.disk.blobs == {sha(CONTENT): CONTENT}
    assert [entry.kind for entry in pair.messi.history(pair.talk)] == ["file", "text"]


def test_a_restored_receiver_that_takes_the_file_no_more_is_left_alone(pair: Pair) -> None:
    """Its quota is smaller now: what was taken once does not bounce, nor is it offered for ever."""
    backup = pair.pusat.backup()
    ok(pair.messi.send_file("bob@pusat", upload(pair.messi)).answer)
    pair.pusat.restore(backup, Settings(peers=PeerRules(file_bytes=0)))
    pair.network.run(60_000)
    assert len(pair.network.told("link.upload")) < 5
    assert [entry.kind for entry in pair.messi.history(pair.talk)] == ["file"]


def test_bytes_that_are_lost_after_a_restore_of_the_peer_are_no_endless_loop(pair: Pair) -> None:
    backup = pair.pusat.backup()
    ok(pair.messi.send_file("bob@pusat", upload(pair.messi)).answer)
    pair.kampus.disk.blobs.clear()
    pair.pusat.restore(backup)
    pair.network.run(60_000)
    assert len(pair.network.told("link.upload")) < 5
    assert [entry.kind for entry in pair.messi.history(pair.talk)] == ["file"]


def test_a_receiver_that_has_lost_an_upload_is_asked_again(pair: Pair) -> None:
    """`file_not_found` to a chunk is no last word: a restore, or its upload was given up."""
    backup = pair.pusat.backup()
    pair.network.hold("link.chunk")
    asked = pair.messi.send_file("bob@pusat", upload(pair.messi))
    pair.network.run(2_500)
    assert ok(asked.answer).queued
    held, pair.network.held = pair.network.held, []
    pair.pusat.store.close()  # restored so fast that nobody hears that the connection was lost
    for path in pair.pusat.folder.glob("realm.db*"):
        path.unlink()
    (pair.pusat.folder / "realm.db").write_bytes(backup.database)
    pair.pusat.disk.uploads, pair.pusat.disk.blobs = {}, {}
    pair.pusat.start()
    pair.network.held = held
    pair.network.release()
    pair.network.run(70_000)
    assert pair.messi.entries() == []
    assert pair.pusat.count("entries") == 1


# who holds what


def test_a_blob_of_the_own_users_is_not_given_to_a_peer(pair: Pair) -> None:
    """A digest is not enough: all bytes are brought."""
    secret = upload(pair.bob)
    pair.network.forget()
    ok(pair.messi.send_file("lina@pusat", upload(pair.messi)).answer)
    assert len(pair.network.told("link.chunk")) == 40
    (came,) = pair.lina.entries()
    assert file_of(came).id != secret


def say_upload(lied: Lied, content: bytes, name: str = "foto.png", **changes: Any) -> Map:
    told = {"cmd": "link.upload", "id": 1, "digest": sha(content), "size": len(content), "name": name}
    return lied.pusat.say(lied.kampus, {**told, "from": "bob@pusat", "to": "messi", **changes})  # type: ignore[no-any-return]


def file_envelope(n: int, entry: int, content: bytes, before: bytes = bytes(32), name: str = "foto.png") -> Map:
    told = envelope(n, entry, kind="file", message=None, file=_carried(content, name))
    bare = {key: value for key, value in told.items() if key != "hash"}
    return seal(before, bare)


def _carried(content: bytes, name: str) -> Map:
    return {"name": name, "size": len(content), "media_type": "image/png", "digest": sha(content)}


def test_an_envelope_that_names_bytes_of_others_is_not_the_last_word(lied: Lied) -> None:
    upload(lied.henderson)
    lied.pusat.hello(lied.kampus)
    told = file_envelope(1, 1, CONTENT)
    assert lied.pusat.say(lied.kampus, told)["results"] == {1: "file_not_found"}
    assert lied.messi.inbox() == []
    answer = say_upload(lied, CONTENT)
    assert (answer["offset"], "file" in answer) == (0, False)
    chunk = {"cmd": "link.chunk", "id": 2, "upload": answer["upload"], "offset": 0}
    assert lied.pusat.say(lied.kampus, chunk, CONTENT)["file"] == answer["upload"]
    again = file_envelope(2, 1, CONTENT, told["hash"])
    assert lied.pusat.say(lied.kampus, again)["results"] == {}
    (came,) = lied.messi.inbox()
    assert file_of(came).id == answer["upload"]


def test_a_peer_may_not_go_on_with_an_upload_of_a_user_or_of_another_peer(lied: Lied) -> None:
    opened = ok(lied.messi.get(commands.Upload, digest=sha(CONTENT), size=len(CONTENT), name="x"))
    chunk = {"cmd": "link.chunk", "id": 2, "upload": opened.upload, "offset": 0}
    assert lied.pusat.say(lied.kampus, chunk, CONTENT)["code"] == "file_not_found"
    theirs = say_upload(lied, CONTENT)["upload"]
    assert theirs != opened.upload
    answer = lied.messi.get(commands.Chunk, data=CONTENT, upload=theirs, offset=0)
    assert refused(answer, Code.FILE_NOT_FOUND)
    other = lied.network.liar("desa")
    other.answer = lambda asked: other.greeting(asked) if asked["cmd"] == "link.hello" else []
    ok(lied.messi.add_realm("desa").answer)
    assert other.say(lied.kampus, {**chunk, "upload": theirs}, CONTENT)["code"] == "file_not_found"
    assert ok(lied.messi.get(commands.Chunk, data=CONTENT, upload=opened.upload, offset=0)).file == opened.upload
    assert lied.pusat.say(lied.kampus, {**chunk, "upload": theirs}, CONTENT)["file"] == theirs


def test_a_file_of_one_peer_is_not_that_of_another(lied: Lied) -> None:
    answer = say_upload(lied, CONTENT)
    chunk = {"cmd": "link.chunk", "id": 2, "upload": answer["upload"], "offset": 0}
    lied.pusat.say(lied.kampus, chunk, CONTENT)
    other = lied.network.liar("desa")
    other.answer = lambda asked: other.greeting(asked) if asked["cmd"] == "link.hello" else []
    ok(lied.messi.add_realm("desa").answer)
    other.hello(lied.kampus)
    told = file_envelope(1, 1, CONTENT)
    told = seal(bytes(32), {**{key: value for key, value in told.items() if key != "hash"}, "from": "ani@desa"})
    assert other.say(lied.kampus, told)["results"] == {1: "file_not_found"}


def test_a_user_does_not_get_what_a_peer_has_only_brought(lied: Lied) -> None:
    answer = say_upload(lied, CONTENT)
    chunk = {"cmd": "link.chunk", "id": 2, "upload": answer["upload"], "offset": 0}
    lied.pusat.say(lied.kampus, chunk, CONTENT)
    for user in (lied.messi, lied.henderson):
        refusal = user.get(commands.Download, file=answer["upload"], offset=0, size=10)
        assert refused(refusal, Code.FILE_NOT_FOUND)
        assert refused(user.send_file("messi", answer["upload"]).answer, Code.FILE_NOT_FOUND)
        opened = ok(user.get(commands.Upload, digest=sha(CONTENT), size=len(CONTENT), name="x"))
        assert opened.offset == 0


def test_what_the_envelope_says_of_the_bytes_does_not_count(lied: Lied) -> None:
    """Size and media type are what was found here."""
    answer = say_upload(lied, b"\x89PNG...")
    chunk = {"cmd": "link.chunk", "id": 2, "upload": answer["upload"], "offset": 0}
    lied.pusat.say(lied.kampus, chunk, b"\x89PNG...")
    lied.pusat.hello(lied.kampus)
    told = envelope(
        1,
        1,
        kind="file",
        message=None,
        file={"name": "foto.png", "size": 9**9, "media_type": "text/html", "digest": sha(b"\x89PNG...")},
    )
    assert lied.pusat.say(lied.kampus, told)["results"] == {}
    (came,) = lied.messi.inbox()
    assert (file_of(came).size, file_of(came).media_type) == (7, "image/png")


def test_what_is_refused_at_once(lied: Lied) -> None:
    assert say_upload(lied, CONTENT, to="nobody")["code"] == "user_not_found"
    told = {"to": "messi", "group": "none"}
    assert say_upload(lied, CONTENT, **told)["code"] == "bad_request"
    assert say_upload(lied, CONTENT, name="a\0b")["code"] == "bad_request"
    assert say_upload(lied, CONTENT, size=2**63 - 1)["code"] == "too_large"
    assert say_upload(lied, CONTENT, digest=b"x")["code"] == "bad_request"
    assert lied.kampus.count("uploads") == 0


def test_a_peer_has_a_quota_of_its_own(network: Network) -> None:
    pair = make_pair(network, None, Settings(peers=PeerRules(file_bytes=8_192)))
    ok(pair.bob.send_file("lina", upload(pair.bob, b"x" * 9_000)).answer)
    ok(pair.messi.send_file("bob@pusat", upload(pair.messi, b"a" * 5_000)).answer)
    answer = pair.messi.send_file("bob@pusat", upload(pair.messi, b"b")).answer
    assert refused(answer, Code.QUOTA_EXCEEDED)
    ok(pair.messi.send_file("lina@pusat", upload(pair.messi, b"a" * 5_000)).answer)
    ok(pair.messi.send("bob@pusat", "a text needs none").answer)


def test_what_a_peer_brings_does_not_count_as_its_recipients(network: Network) -> None:
    small = Settings(files=Files(user_bytes=4_096))
    pair = make_pair(network, None, small)
    ok(pair.messi.send_file("bob@pusat", upload(pair.messi, b"a" * 5_000)).answer)
    upload(pair.bob, b"b")


def test_what_a_peer_left_unfinished_is_given_up(lied: Lied) -> None:
    answer = say_upload(lied, CONTENT)
    assert lied.kampus.count("uploads") == 1
    lied.network.skip(DAY + HOUR)
    assert lied.kampus.count("uploads") == 0
    chunk = {"cmd": "link.chunk", "id": 2, "upload": answer["upload"], "offset": 0}
    assert lied.pusat.say(lied.kampus, chunk, CONTENT)["code"] == "file_not_found"


def test_wrong_bytes_are_not_kept(lied: Lied) -> None:
    answer = say_upload(lied, CONTENT)
    chunk = {"cmd": "link.chunk", "id": 2, "upload": answer["upload"], "offset": 0}
    assert lied.pusat.say(lied.kampus, chunk, b"x" * len(CONTENT))["code"] == "bad_request"
    assert lied.kampus.count("uploads") == lied.kampus.count("files") == 0


def test_the_limits_of_a_chunk_hold_for_peers_too(lied: Lied) -> None:
    answer = say_upload(lied, CONTENT)
    chunk = {"cmd": "link.chunk", "id": 2, "upload": answer["upload"], "offset": 0}
    assert lied.pusat.say(lied.kampus, chunk, b"x" * 262_145)["code"] == "too_large"
    assert lied.pusat.say(lied.kampus, chunk)["code"] == "bad_request"
    assert lied.pusat.say(lied.kampus, {**chunk, "offset": 7}, b"x")["code"] == "bad_request"
    assert lied.pusat.say(lied.kampus, chunk, b"x" * 3_000)["code"] == "bad_request"


@pytest.mark.parametrize(
    "told",
    [
        {"upload": "", "offset": 0, "chunk": 9},
        {"upload": "u", "offset": 10**6, "chunk": 9},
        {"upload": "u", "offset": 0, "chunk": 0},
        {"upload": "u", "offset": 0},
        {"status": "ERROR", "code": "moon"},
        {"status": "ERROR"},
        {"status": ""},
    ],
)
def test_a_senseless_answer_to_an_upload_is_no_busy_loop(lied: Lied, told: Map) -> None:
    lied.pusat.answer = lambda asked: (
        lied.pusat.honest(asked) if asked["cmd"] != "link.upload" else [{"id": asked["id"], "status": "OK", **told}]
    )
    file = upload(lied.messi)
    asked = lied.messi.send_file("bob@pusat", file)
    lied.network.run(60_000)
    assert ok(asked.answer).queued
    assert len(lied.said("link.upload")) <= 12
    assert ok(lied.messi.send("bob@pusat").answer).queued is False


def test_a_peer_that_asks_for_tiny_chunks_costs_bounded_work(lied: Lied) -> None:
    def answer(asked: Map) -> list[Map]:
        if asked["cmd"] == "link.upload":
            return [{"id": asked["id"], "status": "OK", "upload": "u", "offset": 0, "chunk": 1}]
        return lied.pusat.honest(asked)

    lied.pusat.answer = answer
    before = len(lied.kampus.effects)
    lied.messi.send_file("bob@pusat", upload(lied.messi))
    lied.network.run(9_000)
    assert len(lied.said("link.chunk")) == 8
    assert len(lied.kampus.effects) - before < 60


class Choosy:
    """A peer that takes files but for those whose names it is told to refuse."""

    def __init__(self, lied: Lied) -> None:
        self.lied = lied
        self.codes: dict[str, str] = {}
        lied.pusat.answer = self.answer
        lied.network.run(3_000)
        lied.pusat.asked.clear()

    def answer(self, asked: Map) -> list[Map]:
        if asked["cmd"] != "link.upload":
            return self.lied.pusat.honest(asked)
        if asked["name"] in self.codes:
            return [{"id": asked["id"], "status": "ERROR", "code": self.codes[asked["name"]], "message": "no"}]
        return [{"id": asked["id"], "status": "OK", "upload": "u", "offset": 0, "chunk": 64, "file": "f"}]

    def send(self, name: str) -> None:
        self.lied.messi.send_file("bob@pusat", upload(self.lied.messi, name.encode(), name))

    @property
    def asked(self) -> list[str]:
        return [one["name"] for one in self.lied.said("link.upload")]

    @property
    def named(self) -> list[str]:
        """What was named in envelopes."""
        return [one["file"]["name"] for one in self.lied.said("link.envelope")]


@pytest.mark.parametrize("code", ["unavailable", "bad_request", "internal_error", "file_not_found", "what is this"])
def test_a_file_that_is_not_taken_for_now_holds_no_other_up(lied: Lied, code: str) -> None:
    choosy = Choosy(lied)
    choosy.codes["big"] = code
    for name in ("a", "big", "b", "c"):
        choosy.send(name)
    assert choosy.asked == ["a", "big", "b", "c"]
    assert choosy.named == ["a", "b", "c"]
    lied.network.run(20_000)
    choosy.send("d")
    assert choosy.named == ["a", "b", "c", "d"]
    choosy.codes.clear()
    lied.network.run(60_000)
    assert choosy.named == ["a", "b", "c", "d", "big"]


def test_a_file_that_is_not_taken_is_offered_ever_more_seldom(lied: Lied) -> None:
    choosy = Choosy(lied)
    choosy.codes["big"] = "unavailable"
    choosy.send("big")
    lied.network.run(HOUR)
    assert 55 <= choosy.asked.count("big") <= 140, "once in half a minute to a minute"


def test_a_file_that_gets_on_is_tried_again_soon(lied: Lied) -> None:
    """As long as the peer holds more of it each time than ever before."""
    size, most = 40, 30
    held = 0

    def answer(asked: Map) -> list[Map]:
        nonlocal held
        if asked["cmd"] == "link.upload":
            held = (held + 1) % most
            return [{"id": asked["id"], "status": "OK", "upload": "u", "offset": held, "chunk": 9, "file": ""}]
        if asked["cmd"] == "link.chunk":
            return [{"id": asked["id"], "status": "ERROR", "code": "unavailable", "message": "not now"}]
        return lied.pusat.honest(asked)

    lied.pusat.answer = answer
    lied.messi.send_file("bob@pusat", upload(lied.messi, bytes(size)))
    lied.network.run(most * 1_500)
    assert len(lied.said("link.upload")) >= most, "each second"
    lied.network.run(HOUR)
    assert len(lied.said("link.upload")) <= most + 140, "then as seldom as one that does not"


def test_where_the_peer_has_enough_to_do_files_keep_their_order(lied: Lied) -> None:
    choosy = Choosy(lied)
    choosy.codes["a"] = "rate_limited"
    for name in ("a", "b", "c"):
        choosy.send(name)
    lied.network.run(20_000)
    assert set(choosy.asked) == {"a"}
    choosy.codes.clear()
    lied.network.run(60_000)
    assert choosy.named == ["a", "b", "c"]


def test_a_file_that_cannot_be_read_for_now_holds_no_other_up(pair: Pair) -> None:
    first, second = upload(pair.messi, b"first" * 50), upload(pair.messi, b"second")
    pair.kampus.disk.broken = sha(b"first" * 50)
    pair.messi.send_file("bob@pusat", first)
    ok(pair.messi.send_file("bob@pusat", second).answer)
    pair.network.run(10_000)
    assert [file_of(entry).size for entry in pair.bob.entries()] == [6]
    pair.kampus.disk.broken = None
    pair.network.run(60_000)
    assert [file_of(entry).size for entry in pair.bob.entries()] == [6, 250]


def test_not_all_files_are_offered_to_a_peer_that_takes_none(lied: Lied, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond some that are put off the others wait, and have their turn when those are taken, or refused for good."""
    monkeypatch.setattr(carrying, "PUT_OFF", 3)
    choosy = Choosy(lied)
    names = [str(number) for number in range(8)]
    choosy.codes = dict.fromkeys(names, "unavailable")
    for name in names:
        choosy.send(name)
    lied.network.run(60_000)
    assert set(choosy.asked) == {"0", "1", "2"}
    choosy.codes = {"0": "too_large"}
    lied.network.run(120_000)
    assert sorted(choosy.named) == names[1:]
    assert choosy.named[:5] == names[3:]


def test_a_chunk_is_not_to_blame_where_one_before_it_was_not_taken(lied: Lied) -> None:
    """A full disk there, whose word of the first chunk is lost each time: the file is not given up."""

    def answer(asked: Map) -> list[Map]:
        if asked["cmd"] == "link.upload":
            return [{"id": asked["id"], "status": "OK", "upload": "u", "offset": 0, "chunk": 9, "file": ""}]
        if asked["cmd"] == "link.chunk" and asked["offset"]:
            return [{"id": asked["id"], "status": "ERROR", "code": "bad_request", "message": "the wrong place"}]
        return [] if asked["cmd"] == "link.chunk" else lied.pusat.honest(asked)

    lied.pusat.answer = answer
    lied.messi.send_file("bob@pusat", upload(lied.messi, b"0123456789abcdefghijklmnop"))
    lied.network.run(HOUR)
    assert len(lied.said("link.upload")) > 2 * carrying.REJECTED
    assert lied.kampus.ends("pusat").queued == 1


def test_a_restart_offers_all_again(lied: Lied) -> None:
    choosy = Choosy(lied)
    choosy.codes["big"] = "unavailable"
    choosy.send("big")
    lied.network.run(10 * 60_000)
    choosy.codes.clear()
    lied.kampus.crash()
    lied.network.run(5_000)
    assert choosy.named == ["big"]


def test_answers_of_an_earlier_carrying_do_not_count(lied: Lied) -> None:
    """And nothing of an id that was never given."""
    asked_first: list[Map] = []

    def answer(asked: Map) -> list[Map]:
        if asked["cmd"] != "link.upload":
            return lied.pusat.honest(asked)
        asked_first.append(asked)
        done = {"id": asked_first[0]["id"], "status": "OK", "upload": "u", "offset": 0, "chunk": 9, "file": "u"}
        return [] if len(asked_first) == 1 else [done, {**done, "id": 2**64 - 1}, {**done, "id": -1}]

    lied.pusat.answer = answer
    lied.messi.send_file("bob@pusat", upload(lied.messi))
    lied.network.run(60_000)
    assert len(asked_first) > 1
    assert lied.said("link.envelope") == []


def test_a_clock_set_back_does_not_stall_a_file(pair: Pair) -> None:
    pair.network.lose("link.upload", times=1)
    pair.messi.send_file("bob@pusat", upload(pair.messi))
    pair.kampus.clock = -DAY
    pair.network.run(15_000)
    assert [entry.kind for entry in pair.bob.entries()] == ["file"]


def test_the_own_file_is_known_while_it_waits(pair: Pair) -> None:
    """After a crash the copy names the file, and the sender sees its bytes."""
    pair.network.hold("link.upload")
    pair.messi.send_file("bob@pusat", upload(pair.messi), entry=1)
    pair.network.held.clear()
    pair.kampus.crash()
    (own,) = pair.messi.history(pair.talk)
    assert (own.kind, own.queued) == ("file", True)
    assert bytes_of(pair.messi, own) == CONTENT
