"""Nothing secret in what a realm says of itself.

Two real realms are taken through every command, with passwords, messages, names of files and wrong frames that are
planted; then their logs, what they print, their figures, `status` and the list of processes are searched for those.
"""

import hashlib
import json
import os
import signal
import sqlite3
import urllib.request
from collections.abc import Iterator
from typing import Any

import msgpack
import psutil
import pytest

from schemas.commands import COMMANDS, name_of
from schemas.federation import LINK_COMMANDS
from schemas.operator import OPERATOR_COMMANDS
from tests.conftest import StartRealm
from tests.realm_process import RealmProcess, free_ports
from tests.scenarios.test_operator_settings import says
from tests.wire.attacker import PASSWORD, Outside, Person, outside
from tests.wire.dialling import Keys, Map, new_keys, packed, received, unpacked
from tests.wire.inside import inside

PLANTED = "planted"
"""What is said has this in it, wherever it is said."""
CONTENT = b"planted-content " * 500
DIGEST = hashlib.sha256(CONTENT).digest()


class Speaker:
    """Says commands, with and without sense, and remembers which."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.said: set[str] = set()

    def say(self, cmd: str, **arguments: Any) -> Map:
        self.said.add(cmd)
        wrong = dict.fromkeys(arguments, f"{PLANTED}-\x00")
        assert self.person.ask(cmd, **wrong)["id"] or not wrong
        call = self.person.post(cmd, **arguments)
        answer = unpacked(received(self.person.caller.socket)[0])
        assert answer["id"] == call
        return answer

    def upload(self, name: str) -> str:
        """The id of a file."""
        begun = self.say("upload", digest=DIGEST, size=len(CONTENT), name=name)
        self.said.add("chunk")
        chunk = packed(cmd="chunk", id=77, tokenId=self.person.token, upload=begun["upload"], offset=0)
        self.person.caller.socket.send_multipart([chunk, CONTENT])
        return str(unpacked(received(self.person.caller.socket)[-1])["file"])


def everything(here: Outside, keys: Keys) -> tuple[Speaker, list[str]]:
    """Say every command that users have; who said it, and the tokens."""
    person = Person(here, "messi", keys, here.caller(keys))
    other = here.person("henderson")
    one, tokens = Speaker(person), [person.token, other.token]
    account = {"username": "x-y", "country": f"{PLANTED}-land", "name": f"{PLANTED} name"}
    one.say("register", password=f"{PLANTED}-password", invite=f"{PLANTED}-invite", **account)
    one.say("auth", username="x-y", password=f"{PLANTED}-wrong")
    one.say("passwd", old=PASSWORD, new=f"{PLANTED}-new-password")
    message = f"{PLANTED} message"
    one.say("addgroup", group="new")
    Speaker(other).say("joingroup", group="new")
    one.say("joingroup", group="new")
    entry = one.say("send", to="henderson", message=message)
    one.say("sendgroup", group="new", message=message)
    file = one.upload(f"{PLANTED}.txt")
    one.say("sendfile", to="henderson", file=file)
    one.say("sendgroupfile", group="new", file=file)
    for cmd, to in (("sendprivaterealm", {"to": "bob"}), ("sendgrouprealm", {"group": "theirs"})):
        assert one.say(cmd, realm="pusat", message=message, **to)["status"] == "OK"
    for cmd, to in (("sendfilerealm", {"to": "bob"}), ("sendgroupfilerealm", {"group": "theirs"})):
        assert one.say(cmd, realm="pusat", file=file, **to)["status"] == "OK"
    one.say("history", conversation=entry["conversation"])
    one.say("read", conversation=entry["conversation"], seq=1)
    one.say("download", file=file, offset=0, size=5, thumbnail=False)
    one.say("users", find=PLANTED)
    one.say("groups", find=PLANTED)
    one.say("members", group="new")
    one.say("removemember", group="new", username="henderson")
    one.say("leavegroup", group="new")
    for cmd in ("resume", "inbox", "conversations", "sync", "realms", "info"):
        one.say(cmd)
    one.say("getrealminbox", realm="pusat")
    one.say("addrealm", realm=f"{PLANTED}-realm", address="127.0.0.1", port=1, key=None)
    return one, tokens


def nonsense(person: Person) -> None:
    """Frames that are no commands, with something planted in each."""
    frames: list[list[bytes]] = [
        [f"{PLANTED}-frame".encode()],
        [packed(cmd=f"{PLANTED}-cmd", id=1)],
        [packed(cmd="send", id=f"{PLANTED}-id", message=f"{PLANTED}-x")],
        [packed(cmd="send", id=1, tokenId=f"{PLANTED}-token", to="x", message=f"{PLANTED}-x")],
        [packed(cmd="auth", id=1, username="messi", password=[f"{PLANTED}-list"])],
        [msgpack.packb({f"{PLANTED}-key": f"{PLANTED}-value"}), f"{PLANTED}-second".encode()],
        [packed(cmd="link.envelope", epoch=1, message=f"{PLANTED}-envelope")],
    ]
    for parts in frames:
        person.caller.socket.send_multipart(parts)
        assert unpacked(received(person.caller.socket)[-1])["status"] == "ERROR"


def as_operator(realm: RealmProcess) -> set[str]:
    """Say every command of the operator's; which they were."""
    said: dict[str, Map] = {
        "operator.peers": {},
        "operator.addpeer": {"realm": "sini", "address": f"{PLANTED}.invalid", "port": 1},
        "operator.figures": {},
        "operator.reload": {},
        "operator.forgetpeer": {"realm": "sini"},
        "operator.registration": {},
        "operator.users": {},
        "operator.adduser": {
            "username": "planted", "password": f"{PLANTED}-pass", "name": f"{PLANTED} ", "country": f"{PLANTED}-land",
        },
        "operator.resetpassword": {"username": "planted", "password": f"{PLANTED}-new"},
        "operator.disableuser": {"username": "planted", "disabled": True},
        "operator.adminuser": {"username": "planted", "admin": True},
        "operator.eraseuser": {"username": "planted"},
    }  # fmt: skip
    with inside(realm) as here:
        operator = here.operator()
        for cmd, arguments in said.items():
            assert operator.ask(cmd, **arguments)["id"] > 0
        while not operator.ask("operator.eraseuser", username="planted")["done"]:  # it writes, as the next test does
            pass
    return set(said)


def fails_inside(realm: RealmProcess, speaker: Speaker) -> Map:
    """An answer that a fault of the realm's own gave, with something planted in the error's text."""
    database = sqlite3.connect(realm.data / "realm.db", timeout=30)
    database.execute(
        f"CREATE TRIGGER spoiled BEFORE INSERT ON groups BEGIN SELECT RAISE(ABORT, '{PLANTED}-in-an-error'); END"
    )
    database.commit()
    database.close()
    return speaker.person.ask("addgroup", group="another")


def told(realm: RealmProcess, port: int) -> Iterator[tuple[str, str]]:
    """What the realm says of itself while it runs."""
    yield "status", says("status", "--data", str(realm.data)).stdout
    yield "status --json", says("status", "--json", "--data", str(realm.data)).stdout
    yield "peers", says("peers", "--data", str(realm.data)).stdout
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
        yield "figures", answer.read().decode()
    process = psutil.Process(realm.pid)
    processes = [process, *process.children(recursive=True)]
    yield "processes", repr([(one.cmdline(), one.name(), one.environ()) for one in processes])


@pytest.mark.parametrize("form", ["json", "readable"])
def test_nothing_secret_is_told(start_realm: StartRealm, form: str) -> None:
    port, keys = free_ports(1)[0], new_keys()
    kampus = start_realm(config=f'figures.port = {port}\nlog.format = "{form}"\n')
    pusat = start_realm("pusat", config=f'log.format = "{form}"\n')
    word = says("invite", "--data", str(pusat.data)).stdout.strip()
    assert says("accept", word, "--data", str(kampus.data)).returncode == 0
    with outside(pusat) as there, outside(kampus) as here:
        Speaker(there.person("bob")).say("addgroup", group="theirs")
        speaker, tokens = everything(here, keys)
        nonsense(speaker.person)
        said = speaker.said | as_operator(kampus)
        broken = fails_inside(kampus, speaker)
        assert broken["code"] == "internal_error"
        said |= {"logout"} if speaker.person.ask("logout")["status"] == "OK" else set()
        everywhere = {name_of(command) for command in (*COMMANDS, *OPERATOR_COMMANDS)}
        assert everywhere - said == set(), "say it here too, with something planted"
        held = [*told(kampus, port)]
        figures = dict(held)["figures"]
        assert 'command="operator.figures"' in figures
        heard = [says("status", "--json", "--data", str(realm.data)).stdout for realm in (kampus, pusat)]
        replied = {one["command"] for status in heard for one in json.loads(status)["served"]["replied"]}
        assert {name_of(command) for command in LINK_COMMANDS} | {"link.envelope"} <= replied
    for realm in (kampus, pusat):
        assert realm.process is not None
        assert realm.process.stdout is not None
        os.kill(realm.pid, signal.SIGTERM)
        held.append((f"{realm.name} prints", realm.process.stdout.read()))
        realm.process.wait(timeout=30)  # a second signal might come when it listens to none any more
        assert realm.stop() == 0
        held.append((f"{realm.name} logs", realm.log()))
    key = (kampus.data / "realm.key").read_text().strip()
    secrets = [PASSWORD, *tokens, key, keys.secret.decode(), "$argon2", CONTENT[:16].decode(), f"{PLANTED} "]
    secrets += [f"{PLANTED}-{what}" for what in ("pass", "new", "wrong", "invite", "in-an-error", "land", "token", "x")]
    secrets += [f"{PLANTED}.txt", f"{PLANTED}-frame", f"{PLANTED}-second", f"{PLANTED}-cmd", f"{PLANTED}-envelope"]
    found = {(where, secret) for where, text in held for secret in secrets if secret in text}
    assert found == set()
    told_of_it(kampus, broken["incident"], form)


def told_of_it(realm: RealmProcess, incident: str, form: str) -> None:
    """The log has what went wrong, under the number that the caller was given, and where to look."""
    (line,) = [line for line in realm.log().splitlines() if incident in line]
    for what in ("internal error", "addgroup", "messi", "IntegrityError", "groups.py", "create_group"):
        assert what in line, line
    if form == "json":
        fields = json.loads(line)
        assert (fields["level"], fields["command"], fields["address"]) == ("error", "addgroup", "127.0.0.1")
        assert fields["at"][0] == "IntegrityError"
