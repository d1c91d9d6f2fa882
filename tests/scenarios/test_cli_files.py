"""Files as people at a command line send and save them."""

import hashlib
import json
import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.local import part_path
from tests.conftest import StartRealm
from tests.realm_process import FAST_HASHING, RealmProcess
from tests.scenarios.cli_kit import REGISTER, Person, PersonFor, Terminal, people_of

FILE = r"messi: file (?P<name>.*), (?P<size>[\d.]+ [a-zA-Z]+) \(save (?P<id>\S+)\)$"
LINEKER = "register lineker surabaya Inggris Gary Lineker"


@pytest.fixture
def person(tmp_path: Path, realm: RealmProcess) -> Iterator[PersonFor]:
    """`person("messi")`: a client with a folder of its own, for the realm of the test."""
    with people_of(tmp_path, realm) as make:
        yield make


@pytest.fixture
def messi(person: PersonFor) -> Person:
    somebody = person("messi")
    somebody.says(*REGISTER["messi"].split())
    return somebody


@pytest.fixture
def henderson(person: PersonFor) -> Person:
    somebody = person("henderson")
    somebody.says(*REGISTER["henderson"].split())
    return somebody


def noise(size: int) -> bytes:
    return random.Random(size).randbytes(size)


def received(somebody: Person) -> "re.Match[str]":
    """The one file in the inbox."""
    (line,) = somebody.says("inbox")
    found = re.search(FILE, line)
    assert found is not None, line
    return found


def test_a_file_goes_to_a_person_and_is_saved_there(messi: Person, henderson: Person, tmp_path: Path) -> None:
    """Walk-through 5: both sides see its name and size, and it arrives as it was."""
    foto = tmp_path / "foto saya.jpg"
    foto.write_bytes(content := noise(1_300_001))
    assert messi.says("sendfile", "henderson", str(foto)) == ["File sent"]
    file = received(henderson)
    assert (file["name"], file["size"]) == ("foto saya.jpg", "1.3 MB")
    assert re.search(FILE, messi.says("history", "henderson")[0])
    folder = tmp_path / "downloads"
    folder.mkdir()
    for name in ("foto saya.jpg", "foto saya (2).jpg"):
        assert henderson.says("save", file["id"], str(folder)) == [f"saved {folder / name} (1.3 MB)"]
        assert (folder / name).read_bytes() == content
    assert sorted(path.name for path in folder.iterdir()) == ["foto saya (2).jpg", "foto saya.jpg"]
    assert messi.says("save", file["id"], str(tmp_path / "copy")) == [f"saved {tmp_path / 'copy'} (1.3 MB)"]


def test_a_file_goes_to_a_group_and_only_its_members_may_save_it(
    messi: Person, henderson: Person, person: PersonFor, tmp_path: Path
) -> None:
    lineker = person("lineker")
    lineker.says(*LINEKER.split())
    laporan = tmp_path / "laporan.pdf"
    laporan.write_bytes(b"%PDF-1.7\n" + noise(70_000))
    messi.says("addgroup", "kelompok-bagan")
    henderson.says("joingroup", "kelompok-bagan")
    assert messi.says("sendgroupfile", "kelompok-bagan", str(laporan)) == ["File sent"]
    file = received(henderson)
    henderson.says("save", file["id"], str(tmp_path / "saved.pdf"))
    assert (tmp_path / "saved.pdf").read_bytes() == laporan.read_bytes()
    stolen = tmp_path / "stolen.pdf"
    assert lineker.run("save", file["id"], str(stolen)) == (1, ["File tidak ditemukan"], "")
    assert lineker.run("save", "nonsense", str(stolen)) == (1, ["File tidak ditemukan"], "")
    assert lineker.run("sendgroupfile", "kelompok-bagan", str(laporan)) == (1, ["User bukan member grup"], "")
    assert not list(tmp_path.glob("stolen*"))


def test_the_texts_of_the_contract_where_it_cannot_be_sent(messi: Person, realm: RealmProcess, tmp_path: Path) -> None:
    foto = tmp_path / "foto.jpg"
    foto.write_bytes(noise(600_000))
    (tmp_path / "folder").mkdir()
    for words, text in [
        (("sendfile", "nobody", str(foto)), "User tidak ada"),
        (("sendgroupfile", "nothing", str(foto)), "Group tidak ditemukan"),
        (("sendfile", "messi", str(tmp_path / "none.jpg")), "File tidak ditemukan"),
        (("sendfile", "messi", str(tmp_path / "folder")), "File tidak ditemukan"),
        (("sendgroupfile", "nothing", str(tmp_path / "none.jpg")), "File tidak ditemukan"),
    ]:
        assert messi.run(*words) == (1, [text], "")
    kept = [path for folder in ("uploads", "blobs") for path in (realm.data / folder).rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) == 0  # it was refused before any byte was sent
    messi.says("logout")
    assert messi.run("sendfile", "messi", str(foto)) == (1, ["Session tidak ditemukan"], "")
    assert messi.run("save", "F1", str(tmp_path)) == (1, ["Session tidak ditemukan"], "")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("leer", "leer"),
        ("\U0001f600 höhe.txt", "\U0001f600 höhe.txt"),
        ("x" * 251 + ".jpg", "x" * 251 + ".jpg"),
        ("zwei\nzeilen\x1b[31m\u202egpj.exe", "zwei_zeilen_[31m_gpj.exe"),
        (".profile", ".profile"),
    ],
)
def test_names_are_shown_and_do_no_harm(messi: Person, tmp_path: Path, name: str, shown: str) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / name).write_bytes(b"" if name == "leer" else name.encode())
    assert messi.says("sendfile", "messi", str(source / name)) == ["File sent"]
    (line,) = messi.says("history", "messi")
    file = re.search(FILE, line)
    assert file is not None, line
    assert file["name"] == shown
    folder = tmp_path / "saved"
    folder.mkdir()
    messi.says("save", file["id"], str(folder))
    (saved,) = folder.iterdir()
    assert not saved.name.startswith(".")
    assert saved.read_bytes() == (source / name).read_bytes()


def test_what_was_begun_is_gone_on_with_and_what_is_wrong_begun_again(messi: Person, tmp_path: Path) -> None:
    foto = tmp_path / "foto.jpg"
    foto.write_bytes(content := noise(1_000_000))
    messi.says("sendfile", "messi", str(foto))
    file = re.search(FILE, messi.says("history", "messi")[0])
    assert file is not None
    part = part_path(tmp_path / "saved", hashlib.sha256(content).digest())
    for begun in (content[:700_000], noise(700_000), bytes(2_000_000)):
        part.write_bytes(begun)
        messi.says("save", file["id"], str(tmp_path / "saved"))
        assert (tmp_path / "saved").read_bytes() == content
        (tmp_path / "saved").unlink()
    assert not part.exists()


def test_what_is_saved_harms_nothing_that_is_there(messi: Person, tmp_path: Path) -> None:
    """Whatever its name is, and that of what comes after it."""
    source, folder = tmp_path / "source", tmp_path / "downloads"
    source.mkdir()
    folder.mkdir()
    (folder / "thesis.part").write_bytes(b"the only one")
    for name in ("report.part", "report", "thesis", " with spaces "):
        (source / name).write_bytes(name.encode())
        messi.says("sendfile", "messi", str(source / name))
    for line in messi.says("history", "messi"):
        file = re.search(FILE, line)
        assert file is not None, line
        messi.says("save", file["id"], str(folder))
    expected = {name: name.encode() for name in ("report.part", "report", "thesis", " with spaces ")}
    expected["thesis.part"] = b"the only one"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected


def test_where_nothing_can_be_written_it_says_why(messi: Person, tmp_path: Path) -> None:
    foto = tmp_path / "foto.jpg"
    foto.write_bytes(b"foto")
    messi.says("sendfile", "messi", str(foto))
    file = re.search(FILE, messi.says("history", "messi")[0])
    assert file is not None
    nowhere = tmp_path / "nowhere" / "foto.jpg"
    reason = f"bagan: {nowhere} cannot be written: No such file or directory\n"
    assert messi.run("save", file["id"], str(nowhere)) == (1, [], reason)


def test_scripts_get_json(messi: Person, tmp_path: Path) -> None:
    foto = tmp_path / "foto.jpg"
    foto.write_bytes(noise(70_000))
    lines = [f"sendfile messi {foto}", f"sendfile messi {foto}x", "sendfile nobody"]
    code, told, errors = messi.run("--json", stdin="\n".join(lines))
    sent, missing, wrong = (json.loads(line) for line in told if "status" in line)
    assert (code, errors) == (2, "")
    assert (sent["cmd"], sent["status"], sent["message"]) == ("sendfile", "OK", "File sent")
    assert sent["file_info"]["name"] == "foto.jpg"
    assert (missing["cmd"], missing["code"], missing["message"]) == (
        "sendfile", "file_not_found", "File tidak ditemukan",
    )  # fmt: skip
    assert wrong["code"] == "usage"
    target = tmp_path / "saved.jpg"
    (saved,) = map(json.loads, messi.says("--json", "save", sent["file_info"]["id"], str(target)))
    assert saved | {"id": None} == {
        "cmd": "save", "id": None, "status": "OK", "file": sent["file_info"]["id"], "path": str(target),
        "size": 70_000,
    }  # fmt: skip
    assert target.read_bytes() == foto.read_bytes()


def test_what_a_realm_has_is_kept_once_and_may_be_sent_again(
    messi: Person, realm: RealmProcess, tmp_path: Path
) -> None:
    for name in ("foto.jpg", "the same.jpg"):
        (tmp_path / name).write_bytes(noise(70_000))
        messi.says("sendfile", "messi", str(tmp_path / name))
    found = [re.search(FILE, line) for line in messi.says("history", "messi")]
    assert [file and file["name"] for file in found] == ["foto.jpg", "the same.jpg"]
    assert [path.stat().st_size for path in (realm.data / "blobs").rglob("*") if path.is_file()] == [70_000]


def test_at_a_terminal_a_bar_shows_how_far_it_is(messi: Person, tmp_path: Path) -> None:
    foto = tmp_path / "foto.jpg"
    foto.write_bytes(noise(3_000_000))
    terminal = Terminal(messi.command("sendfile", "messi", str(foto)), messi.env)
    try:
        terminal.shows("foto.jpg")
        terminal.shows("/3.0 MB")
        terminal.shows("File sent")
        assert terminal.ends() == 0
    finally:
        terminal.close()


def test_ctrl_c_at_the_prompt_stops_a_transfer_and_not_the_client(start_realm: StartRealm, tmp_path: Path) -> None:
    realm = start_realm(config="[files]\nchunk_bytes = 4096\n")  # so that it takes a while
    film = tmp_path / "film.mkv"
    film.write_bytes(noise(40_000_000))
    with people_of(tmp_path, realm) as make:
        somebody = make("messi")
        somebody.says(*REGISTER["messi"].split())
        terminal = Terminal(somebody.command(), somebody.env)
        try:
            for _ in range(2):
                terminal.shows("messi@kampus>")
                terminal.types(f"sendfile messi {film}\r")
                terminal.shows("/40.0 MB")
                while not held_by(realm):
                    time.sleep(0.01)
                terminal.process.send_signal(signal.SIGINT)
                terminal.shows("stopped; what has been carried is kept")
            assert 0 < held_by(realm) < 40_000_000
            terminal.shows("messi@kampus>")
            terminal.types("send messi halo\r")
            terminal.shows("Message sent")
            terminal.shows("messi@kampus>")
            terminal.types("\x04")
            assert terminal.ends() == 0
        finally:
            terminal.close()


def test_a_file_that_nobody_may_read_here_is_not_found(messi: Person, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert messi.run("sendfile", "messi", str(pipe)) == (1, ["File tidak ditemukan"], "")


def test_an_upload_that_was_cut_off_on_both_sides_is_gone_on_with(start_realm: StartRealm, tmp_path: Path) -> None:
    realm = start_realm(config="[files]\nchunk_bytes = 4096\n")  # so that it takes a while
    film = tmp_path / "film.mkv"
    film.write_bytes(noise(40_000_000))
    with people_of(tmp_path, realm) as make:
        somebody = make("messi")
        somebody.says(*REGISTER["messi"].split())
        sending = somebody.stays("sendfile", "messi", str(film))
        while not (held := held_by(realm)):
            assert sending.process.poll() is None
            time.sleep(0.01)
        sending.ends(signal.SIGKILL)
        realm.kill()
        assert held < 40_000_000
        realm.config.write_text(FAST_HASHING)
        realm.start()
        assert somebody.says("sendfile", "messi", str(film)) == ["File sent"]
        file = re.search(FILE, somebody.says("history", "messi")[0])
        assert file is not None
        somebody.says("save", file["id"], str(tmp_path / "saved.mkv"))
        assert (tmp_path / "saved.mkv").read_bytes() == film.read_bytes()
        assert held_by(realm) == 0


def held_by(realm: RealmProcess) -> int:
    """Bytes of uploads that are not whole yet."""
    return sum(path.stat().st_size for path in (realm.data / "uploads").glob("*"))
