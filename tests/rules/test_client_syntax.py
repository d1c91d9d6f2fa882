"""The contract's text syntax, to commands and back to words."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from client.errands import local_path, told
from client.errors import SessionNotFoundError, UsageError
from client.file_lines import Post, Save
from client.syntax import FORMS, SECRETIVE, help_text, parse, parse_any, to_line
from schemas import commands as c

OWN = "messi@kampus"
CONTRACT = (
    "auth register addgroup joingroup send sendfile sendgroup sendgroupfile inbox logout info addrealm "
    "sendprivaterealm sendfilerealm sendgrouprealm sendgroupfilerealm getrealminbox"
)


def fields(line: str | list[str], own: str | None = OWN) -> dict[str, object]:
    """What was understood, without what every command has."""
    command = parse(line, own)
    told = {name: getattr(command, name) for name in command.__struct_fields__}
    absent = {"id": 0, "tokenId": "", "limit": 100}
    return {
        name: value
        for name, value in told.items()
        if value is not UNSET and absent.get(name, UNSET) != value and value is not False
    }


@pytest.mark.parametrize(
    ("line", "command", "expected"),
    [
        ("auth messi surabaya", c.Auth, {"username": "messi", "password": "surabaya"}),
        (
            "register messi surabaya Argentina Lionel Messi",
            c.Register,
            {"username": "messi", "password": "surabaya", "country": "Argentina", "name": "Lionel Messi"},
        ),
        (
            "send henderson halo, selamat malam",
            c.Send,
            {"to": "henderson", "message": "halo, selamat malam"},
        ),
        ("send henderson  two  spaces \r\n", c.Send, {"to": "henderson", "message": " two  spaces "}),
        ("SEND Henderson@Pusat Halo", c.Send, {"to": "henderson@pusat", "message": "Halo"}),
        ("  inbox  ", c.Inbox, {}),
        ("users", c.Users, {}),
        ("users Leo", c.Users, {"find": "Leo"}),
        ("users after", c.Users, {"find": "after"}),
        ("users after abc", c.Users, {"after": "abc"}),
        ("users Leo after abc", c.Users, {"find": "Leo", "after": "abc"}),
        ("history henderson", c.History, {"conversation": "private/henderson@kampus,messi@kampus"}),
        (
            "history bob@pusat before 7 limit 3",
            c.History,
            {"conversation": "private/bob@pusat,messi@kampus", "before": 7, "limit": 3},
        ),
        ("history group/new@kampus after 0", c.History, {"conversation": "group/new@kampus", "after": 0}),
        ("read Henderson 5", c.Read, {"conversation": "private/henderson@kampus,messi@kampus", "seq": 5}),
        ("passwd surabaya jakarta123", c.Passwd, {"old": "surabaya", "new": "jakarta123"}),
        ("addgroup kelompok-Bagan", c.AddGroup, {"group": "kelompok-Bagan"}),
        ("sendgroup kelompok-Bagan halo semua", c.SendGroup, {"group": "kelompok-bagan", "message": "halo semua"}),
        (
            "addrealm pusat 10.0.0.7 8889",
            c.AddRealm,
            {"realm": "pusat", "address": "10.0.0.7", "port": 8889},
        ),
        (
            "sendprivaterealm pusat bob halo bob",
            c.SendPrivateRealm,
            {"realm": "pusat", "to": "bob", "message": "halo bob"},
        ),
        (
            f"addrealm Pusat pusat.example 8889 {'k' * 40}",
            c.AddRealm,
            {"realm": "pusat", "address": "pusat.example", "port": 8889, "key": "k" * 40},
        ),
        (
            "sendgrouprealm Pusat New  halo semua",
            c.SendGroupRealm,
            {"realm": "pusat", "group": "new", "message": " halo semua"},
        ),
        ("history group/New@Pusat", c.History, {"conversation": "sent/messi@kampus,new@pusat"}),
        ("read group/new@pusat 3", c.Read, {"conversation": "sent/messi@kampus,new@pusat", "seq": 3}),
        (
            "history sent/messi@kampus,new@pusat after 2",
            c.History,
            {"conversation": "sent/messi@kampus,new@pusat", "after": 2},
        ),
        ("realms", c.Realms, {}),
        ("getrealminbox pusat", c.GetRealmInbox, {"realm": "pusat"}),
        ("logout", c.Logout, {}),
    ],
)  # fmt: skip
def test_a_line_is_understood(line: str, command: type[c.Command], expected: dict[str, object]) -> None:
    assert type(parse(line, OWN)) is command
    assert fields(line) == expected


HISTORY = "(usage: history username [before N] [after N] [limit N])"
REGISTER = "(usage: register username password country name…)"
SEND = "(usage: send username message…)"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("sned henderson halo", "there is no command 'sned': help lists them all"),
        ("send", f"send needs username {SEND}"),
        ("send henderson ", f"send needs message {SEND}"),
        ("register messi surabaya Argentina", f"register needs name {REGISTER}"),
        ("inbox 3", "inbox takes no '3' (usage: inbox)"),
        ("read henderson five", "number is a number, not 'five' (usage: read username number)"),
        ("read henderson \u0665", "number is a number, not '\u0665' (usage: read username number)"),
        ("history henderson after", f"after needs N {HISTORY}"),
        ("history henderson before 2 before 1", f"history takes no 'before' {HISTORY}"),
        ("history henderson after 1 before 9", f"give after or before, not both {HISTORY}"),
        (
            "history hen!",
            f"an address is name or name@realm, in letters, digits, '.', '_' and '-' {HISTORY}",
        ),
        (
            "auth ../etc surabaya",
            "username: a name is 1 to 32 letters, digits, '.', '_' or '-', and starts with a letter or digit "
            "(usage: auth username password)",
        ),
        (
            "register messi kurang Argentina Leo",
            f"password: a password is 8 to 1,024 bytes of UTF-8 {REGISTER}",
        ),
        ("send henderson " + "x" * 65_537, f"a message is at most 65,536 bytes of UTF-8 {SEND}"),
        ("send henderson \udcff", f"this is not valid Unicode {SEND}"),
        (
            "sendfilerealm pusat bob",
            "sendfilerealm needs filename (usage: sendfilerealm realm username filename…)",
        ),
        (
            "sendfilerealm pusat bob foto.png",
            "sendfilerealm is about a file of this machine, and more than one command",
        ),
        ("sendprivaterealm pusat", "sendprivaterealm needs username (usage: sendprivaterealm realm username message…)"),
        (
            "sendprivaterealm pusat bob@pusat halo",
            "to: a name is 1 to 32 letters, digits, '.', '_' or '-', and starts with a letter or digit "
            "(usage: sendprivaterealm realm username message…)",
        ),
        ("sendgrouprealm pusat new", "sendgrouprealm needs message (usage: sendgrouprealm realm group message…)"),
        ("addrealm pusat 10.0.0.7 x", "port is a number, not 'x' (usage: addrealm realm address port [key])"),
        ("realms all", "realms takes no 'all' (usage: realms)"),
        ("getrealminbox", "getrealminbox needs realm (usage: getrealminbox realm)"),
        ("sendfile henderson ", "sendfile needs filename (usage: sendfile username filename…)"),
        ("sendfile henderson   ", "sendfile needs filename (usage: sendfile username filename…)"),
        ("save F1", "save needs path (usage: save file-id path…)"),
        ("save F1 a\0b", "a path has no such character (usage: save file-id path…)"),
        ("sendfile henderson foto.png", "sendfile is about a file of this machine, and more than one command"),
        ("", "there is no command '': help lists them all"),
    ],
)
def test_a_wrong_line_gets_one_sentence(line: str, sentence: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(line, OWN)
    assert str(raised.value) == sentence


def test_words_that_a_shell_has_taken_apart_may_hold_spaces() -> None:
    words = ["register", "gary", "two words", "United Kingdom", "Gary", "Lineker"]
    assert fields(words) == {
        "username": "gary",
        "password": "two words",
        "country": "United Kingdom",
        "name": "Gary Lineker",
    }
    assert fields(["send", "gary", "a  b", "c"])["message"] == "a  b c"


@pytest.mark.parametrize(
    ("line", "command", "path"),
    [
        ("sendfile Henderson foto saya (1).jpg \n", c.SendFile, "foto saya (1).jpg"),
        ("sendfile henderson  foto.jpg  ", c.SendFile, "foto.jpg"),
        (["sendfile", "henderson", "/a/two  spaces.jpg"], c.SendFile, "/a/two  spaces.jpg"),
        (["sendfile", "henderson", " a name with a space "], c.SendFile, " a name with a space "),
        (["sendgroupfile", "kelompok-bagan", " "], c.SendGroupFile, " "),
        (["SENDGROUPFILE", "Kelompok-Bagan", "laporan", "akhir.pdf"], c.SendGroupFile, "laporan akhir.pdf"),
        ("sendfilerealm Pusat Bob  foto saya.jpg ", c.SendFileRealm, "foto saya.jpg"),
        (["sendgroupfilerealm", "pusat", "new", "laporan", "akhir.pdf"], c.SendGroupFileRealm, "laporan akhir.pdf"),
        ("sendfile henderson@pusat " + "x" * 300, c.SendFile, "x" * 300),
        (["sendfile", "henderson", "no\udcffutf8"], c.SendFile, "no\udcffutf8"),
    ],
)
def test_a_path_is_the_rest_of_the_line(line: str | list[str], command: type[c.Command], path: str) -> None:
    post = parse_any(line, OWN)
    assert isinstance(post, Post)
    assert (type(post.command), post.path, post.name) == (command, path, c.name_of(command))


def test_a_file_is_saved_by_its_id() -> None:
    assert parse_any("save 01J0  my downloads/ ") == Save(file="01J0", path="my downloads/")
    assert parse_any(["save", "01J0", " foto "]) == Save(file="01J0", path=" foto ")


@pytest.mark.parametrize("words", [["sendfile", "henderson"], ["sendfile", "henderson", ""], ["save", "01J0", ""]])
def test_a_path_has_something_in_it(words: list[str]) -> None:
    with pytest.raises(UsageError, match=f"^{words[0]} needs "):
        parse_any(words)


def test_paths_begin_at_home_where_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/messi")
    assert str(local_path("~/foto.jpg")) == "/home/messi/foto.jpg"
    assert str(local_path("~nobody-of-that-name/foto.jpg")) == "~nobody-of-that-name/foto.jpg"
    assert told(local_path("a/no\udcffutf8")) == r"a/no\xffutf8"


def test_without_a_session_a_username_names_no_conversation() -> None:
    with pytest.raises(SessionNotFoundError, match="Session tidak ditemukan"):
        parse("history henderson", None)


@pytest.mark.parametrize(
    "line",
    [
        "send henderson  halo,  selamat malam ",
        "history private/henderson@kampus,messi@kampus before 5 limit 3",
        "read group/new@kampus 5",
        "users Leo after abc",
        "addrealm pusat 10.0.0.7 8889",
        "sendprivaterealm pusat bob halo",
        "sendgrouprealm pusat new halo",
        "getrealminbox pusat",
        "inbox",
    ],
)
def test_a_command_goes_back_to_words(line: str) -> None:
    assert to_line(parse(line, OWN)) == line


def test_going_back_to_words_hides_passwords() -> None:
    for line in ("auth messi surabaya", "register messi surabaya x y", "passwd surabaya surabaya"):
        assert "surabaya" not in to_line(parse(line))


def test_every_command_of_the_contract_has_a_form_and_every_form_is_in_the_help() -> None:
    assert set(CONTRACT.split()) <= FORMS.keys()
    told = help_text()
    for form in FORMS.values():
        assert f"  {form.usage}" in told
    assert "name@realm" in told
    assert max(map(len, told.split("\n"))) <= 80


def test_every_command_with_a_password_is_known_as_one() -> None:
    secret = {"password", "old", "new"}
    with_password = {form.name for form in FORMS.values() if secret & set(form.command.__struct_fields__)}
    assert with_password == SECRETIVE


@given(st.text(max_size=60), st.sampled_from([*FORMS, ""]))
def test_any_line_is_a_command_or_one_sentence(text: str, name: str) -> None:
    for line in (f"{name} {text}", [name, *text.split(" ")]):
        with contextlib.suppress(UsageError):
            understood = parse_any(line, OWN)
            assert not isinstance(understood, Post | Save) or understood.name == name
        with contextlib.suppress(UsageError):
            assert to_line(parse(line, OWN)).startswith(name)
