"""`backup` beside a realm that runs, and `restore`: its users find what they had, and are told to fetch anew."""

import hashlib
import os
import pty
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests.conftest import StartRealm
from tests.realm_process import NO_LIMITS, RealmProcess
from tests.scenarios.operator_kit import say
from tests.wire.player import Stage

TEXT = b"halo, selamat malam\n"


def populated(stage: Stage) -> None:
    stage.play(
        """
        messi: register messi surabaya Argentina Lionel Messi
        henderson: register henderson surabaya Inggris Jordan Henderson
        messi: send henderson halo {1..5}
        henderson hears: halo {1..5}
        messi: upload digest=$digest size=20 name=laporan.txt
        messi keeps upload as upload
        messi: chunk upload=$upload offset=0 bytes=$whole
        messi keeps file as file
        messi: sendfile henderson $file
        henderson hears entry: entry.kind=file
        messi: sync
        messi keeps epoch as epoch
        """,
        digest=hashlib.sha256(TEXT).digest(),
        whole=TEXT,
    )


def test_a_realm_is_put_back(start_realm: StartRealm, tmp_path: Path) -> None:
    realm, file = start_realm(), tmp_path / "b.tar"
    (realm.data / "bagan.toml").write_text('registration = "open"\n')
    with Stage(realm) as stage:
        populated(stage)
        code, lines, errors = say("backup", file, "--data", realm.data)
        assert (code, errors) == (0, "")
        assert lines[0].startswith(f"{file}: the realm kampus with 1 file of its users (20 bytes), ")
        assert lines[0].endswith("read back, and all of it is well")
        assert "the key of the realm (SHA256:" in lines[1]
        assert "nobody else" in lines[1]
        assert file.stat().st_mode & 0o777 == 0o600
        stage.play("""
            messi: send henderson after the backup
            henderson hears: after the backup
        """)

        code, _, errors = say("restore", file, "--data", realm.data)
        assert (code, errors.splitlines()) == (
            1,
            [f"the folder {realm.data} is not empty: say another --data, or stop what runs there and move it away"],
        )
        assert realm.stop() == 0
        shutil.rmtree(realm.data)
        code, lines, errors = say("restore", file, "--data", realm.data)
        assert (code, errors) == (0, "")
        assert lines[0].startswith(f"{realm.data}: the realm kampus with 1 file of its users (20 bytes), as of ")
        assert "must not run any more" in lines[-1]
        assert (realm.data / "bagan.toml").read_text() == 'registration = "open"\n'
        epoch, whole = stage.values["epoch"], stage.values["file"]
    realm.start()
    with Stage(realm) as stage:
        stage.play(
            """
            messi: auth messi surabaya
            messi gets: epoch!=$epoch
            henderson: auth henderson surabaya
            messi: send henderson said anew
            henderson hears: said anew
            messi: history henderson
            messi gets entries (seq, kind):
                {1..5}, text
                6, file
                7, text
            henderson: download file=$file offset=0 size=262144
            henderson gets: size=20 bytes=$whole
            """,
            epoch=epoch,
            file=whole,
            whole=TEXT,
        )


def test_beside_one_that_is_being_used(start_realm: StartRealm, tmp_path: Path) -> None:
    """What was answered before the backup began is in it; and the realm goes on meanwhile."""
    realm, file = start_realm(config=NO_LIMITS), tmp_path / "b.tar"
    with Stage(realm) as stage:
        stage.play("""
            messi: register messi surabaya Argentina Lionel Messi
            messi: send messi before {1..300}
        """)
        command = [sys.executable, "-m", "realm", "backup", str(file), "--data", str(realm.data)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as making:
            while making.poll() is None:
                stage.play("messi: send messi meanwhile {1..100}")
            assert making.returncode == 0
        stage.play("messi: send messi after")
    assert say("restore", file, "--data", tmp_path / "again")[0] == 0
    realm.stop()
    again = RealmProcess(tmp_path, "kampus")
    again.data = tmp_path / "again"
    again.start()
    try:
        with Stage(again) as stage:
            stage.play("""
                messi: auth messi surabaya
                messi: history after=299 limit=1 messi
                messi gets entries (seq, message):
                    300, before 300
                messi keeps head as head
                messi: history limit=1 messi
                messi gets: head=$head head>299
            """)
    finally:
        again.kill()


def test_what_cannot_be_done_is_one_sentence(realm: RealmProcess, tmp_path: Path) -> None:
    file = tmp_path / "b.tar"
    with Stage(realm) as stage:
        populated(stage)
    for words, sentence in (
        (("backup", file, "--data", tmp_path / "nowhere"), "no realm has run on the folder"),
        (("backup", tmp_path, "--data", realm.data), "is a folder: say a file"),
        (("backup", tmp_path / "nowhere" / "b.tar", "--data", realm.data), "there is no folder"),
        (("restore", tmp_path / "nowhere", "--data", tmp_path / "x"), "cannot be read (No such file or directory)"),
        (("restore", realm.data / "realm.db", "--data", tmp_path / "x"), "this is no backup of a realm"),
        (("restore", tmp_path, "--data", tmp_path / "x"), "cannot be read (Is a directory)"),
    ):
        code, lines, errors = say(*words)
        assert (code, lines, len(errors.splitlines())) == (1, [], 1), errors
        assert sentence in errors
    assert say("backup")[0] == say("restore", file)[0] == say("backup", file, "--datum", "x")[0] == 2

    large = realm.data / "large.toml"
    large.write_text("#" * 1_000_000)
    code, _, errors = say("backup", file, "--data", realm.data, limit=700_000)
    assert (code, len(errors.splitlines())) == (1, 1), errors
    assert "is full: make room there, or choose another place; nothing was left of it" in errors
    assert not list(tmp_path.glob("b.tar*")), "nothing is left where the disk is full"
    (realm.data / "realm.key").chmod(0o644)
    code, _, errors = say("backup", file, "--data", realm.data)
    assert (code, "chmod 600" in errors) == (1, True)


def test_at_a_terminal_it_is_shown_how_far_it_is(realm: RealmProcess, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with closing(os.fdopen(ours, "rb", buffering=0)) as screen:
        command = [sys.executable, "-m", "realm", "backup", str(tmp_path / "b.tar"), "--data", str(realm.data)]
        done = subprocess.run(
            command, stderr=theirs, stdout=subprocess.PIPE, env={**os.environ, "TERM": "xterm"}, timeout=60, check=True
        )
        os.close(theirs)
        shown = b""
        try:
            while part := screen.read(4_096):
                shown += part
        except OSError:  # as Linux says that nobody writes any more
            pass
    assert b"reading it back" in shown
    assert b"nobody else" in done.stdout
