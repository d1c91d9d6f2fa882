"""The contract's own text syntax: `send henderson halo, selamat malam` to a command, and back to words.

Each form is written as help shows it: `name` is one word, `name…` the rest of the line as it stands, `name#`
a number, `[name]` may be left out, `[name=N]` is a pair such as `before 7`. `field:name` gives the field of
the command where people call it otherwise.
"""

import re
import textwrap
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from msgspec import UNSET

from client.errors import AnswerError, UsageError
from client.file_lines import NOT_YET, Errand, Post, Save
from schemas import commands as c
from schemas.codec import Malformed, decode_command, encode_command
from schemas.commands import Command, name_of
from schemas.errors import Code
from schemas.limits import MAX_ITEMS
from schemas.names import ADDRESS_PATTERN, EXPLAINED, Address, Name, full, private, sent, split

_PART: Final = re.compile(r"(?P<field>\w+)(:(?P<shown>[\w-]+))?(?P<kind>…|#|=\S+)?")
_GROUP: Final = re.compile(r"group/(?P<address>[^@,]+@(?P<realm>[^@,]+))")
_WORD: Final = re.compile(r"\s*(\S+)\s?")
_SECRET: Final = frozenset({"password", "old", "new", "invite"})
_ABOUT: Final = 40
"""The column in which help says what a command does."""
SECRETIVE: Final = frozenset({"auth", "register", "passwd"})
"""Commands in which passwords are typed."""
HIDDEN: Final = "********"


@dataclass(frozen=True, slots=True)
class Part:
    """One place in a form."""

    field: str
    shown: str
    kind: str
    optional: bool

    @property
    def usage(self) -> str:
        """How help shows it."""
        if self.kind.startswith("="):
            return f"[{self.shown} {self.kind[1:]}]"
        text = self.shown + ("…" if self.kind == "…" else "")
        return f"[{text}]" if self.optional else text


@dataclass(frozen=True, slots=True)
class Form:
    """How one command is written."""

    command: type[Command] | type[Save]
    parts: tuple[Part, ...]

    @property
    def name(self) -> str:
        """The command's name."""
        return str(self.command.__struct_config__.tag)

    @property
    def usage(self) -> str:
        """The whole form, as help shows it."""
        return " ".join([self.name, *(part.usage for part in self.parts)])

    @property
    def about(self) -> str:
        """What the command does."""
        return (self.command.__doc__ or "").strip()


def _form(command: type[Command] | type[Save], written: str = "") -> Form:
    parts = []
    for text in re.findall(r"\[[^\]]*\]|\S+", written):
        found = _PART.fullmatch(text.strip("[]"))
        assert found is not None, text
        shown = found["shown"] or found["field"]
        parts.append(Part(found["field"], shown, found["kind"] or "", text.startswith("[")))
    return Form(command, tuple(parts))


_ALL: Final = (
    _form(c.Auth, "username password"),
    _form(c.Register, "username password country name…"),
    _form(c.Resume),
    _form(c.Send, "to:username message…"),
    _form(c.SendFile, "to:username file:filename…"),
    _form(Save, "file:file-id path…"),
    _form(c.Inbox),
    _form(c.Conversations, "[after=NEXT]"),
    _form(c.History, "conversation:username [before=N] [after=N] [limit=N]"),
    _form(c.Read, "conversation:username seq:number#"),
    _form(c.Sync),
    _form(c.Users, "[find] [after=NEXT]"),
    _form(c.Info),
    _form(c.Passwd, "old new"),
    _form(c.Logout),
    _form(c.AddGroup, "group"),
    _form(c.JoinGroup, "group"),
    _form(c.LeaveGroup, "group"),
    _form(c.RemoveMember, "group username"),
    _form(c.SendGroup, "group message…"),
    _form(c.SendGroupFile, "group file:filename…"),
    _form(c.Groups, "[find] [after=NEXT]"),
    _form(c.Members, "group [after=NEXT]"),
    _form(c.AddRealm, "realm address port# [key]"),
    _form(c.Realms),
    _form(c.SendPrivateRealm, "realm to:username message…"),
    _form(c.SendFileRealm, "realm to:username file:filename…"),
    _form(c.SendGroupRealm, "realm group message…"),
    _form(c.SendGroupFileRealm, "realm group file:filename…"),
    _form(c.GetRealmInbox, "realm"),
)
FORMS: Final = {form.name: form for form in _ALL}
"""Every command that can be written, in the order in which help lists them."""


class Words(NamedTuple):
    """What is left to read: a line as typed, or the words of a command line that a shell has taken apart."""

    line: str = ""
    args: tuple[str, ...] = ()

    def next(self) -> tuple[str, "Words"]:
        """The next word, and what comes after it and one space; an empty word where there is none."""
        if self.args:
            return self.args[0], Words(self.line, self.args[1:])
        found = _WORD.match(self.line)
        return (found[1], Words(self.line[found.end() :])) if found else ("", Words())

    @property
    def rest(self) -> str:
        """All that is left, as it stands."""
        return " ".join(self.args) if self.args else self.line


def parse(line: str | list[str], own: str | None = None) -> Command:
    """The command that is written in a line, or in the words that a shell has made of one.

    `own` is the caller's `name@realm`, which makes a username into a conversation. The `id` is 0 and there is
    no token: a session puts them in. Raises UsageError with one sentence; SessionNotFoundError where the line
    cannot be understood without a session.
    """
    understood = parse_any(line, own)
    if isinstance(understood, Post | Save):
        raise UsageError(f"{understood.name} is about a file of this machine, and more than one command")
    return understood


def parse_any(line: str | list[str], own: str | None = None) -> Command | Errand:
    """As `parse`; also what is about files of this machine, which `client.errands` does."""
    words = Words(line.rstrip("\r\n")) if isinstance(line, str) else Words(args=tuple(line))
    first, words = words.next()
    name = first.lower()
    form = FORMS.get(name)
    if form is None:
        raise UsageError(f"there is no command {first!r}: help lists them all")
    fields = _read(form, words)
    if "conversation" in fields:
        fields["conversation"] = _conversation(fields["conversation"], own, form)
    if form.command is Save or issubclass(form.command, c.Filing):
        return _errand(form, fields, typed=isinstance(line, str))
    return _checked(form, fields)


def to_line(command: Command) -> str:
    """The line for a command, with its secrets hidden: for people to read, not to parse again."""
    form = FORMS[name_of(type(command))]
    words = [form.name]
    for part in form.parts:
        value = getattr(command, part.field)
        if value is UNSET or (part.field == "limit" and value == MAX_ITEMS):
            continue
        if part.kind.startswith("="):
            words.append(part.shown)
        words.append(HIDDEN if part.field in _SECRET else str(value))
    return " ".join(words)


def help_text() -> str:
    """All commands, each with its usage and what it does, in 80 columns."""
    lines = []
    for form in _ALL:
        about = textwrap.wrap(form.about, 79 - _ABOUT)
        usage = f"  {form.usage}"
        if len(usage) < _ABOUT:
            usage = f"{usage:{_ABOUT}}{about.pop(0)}"
        lines += [usage, *(" " * _ABOUT + line for line in about)]
    lines.append("A username may be name@realm: then it is that of a user of another realm.")
    return "\n".join(lines)


def _read(form: Form, words: Words) -> dict[str, Any]:
    """The fields of a form as they are written."""
    fields: dict[str, Any] = {}
    pairs = {part.shown: part for part in form.parts if part.kind.startswith("=")}
    for part in form.parts:
        if part.kind.startswith("="):
            continue
        if part.kind == "…":
            text, words = words.rest, Words()
        else:
            text, after = words.next()
            if part.optional and text in pairs and after.next()[0]:
                continue  # `users after NEXT`: the pair, not a search for "after"
            words = after
        if text:
            fields[part.field] = _number(part, text, form) if part.kind == "#" else text
        elif not part.optional:
            raise UsageError(f"{form.name} needs {part.shown} (usage: {form.usage})")
    while (text := words.next()[0]) in pairs:
        part = pairs.pop(text)
        value, words = words.next()[1].next()
        if not value:
            raise UsageError(f"{part.shown} needs {part.kind[1:]} (usage: {form.usage})")
        fields[part.field] = _number(part, value, form) if part.kind == "=N" else value
    if words.next()[0]:
        much = "so much" if form.name in SECRETIVE else repr(words.next()[0])
        raise UsageError(f"{form.name} takes no {much} (usage: {form.usage})")
    return fields


def _number(part: Part, text: str, form: Form) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 19):
        raise UsageError(f"{part.shown} is a number, not {text!r} (usage: {form.usage})")
    return int(text)


def _conversation(typed: str, own: str | None, form: Form) -> str:
    """The identifier of a conversation that is named by it, or by the other user.

    A group of another realm has none here but that of what the caller has sent to it.
    """
    if own is not None and (group := _GROUP.fullmatch(typed.lower())) and group["realm"] != own.partition("@")[2]:
        return sent(Address(own), Address(group["address"]))
    if "/" in typed:
        return typed
    if not re.match(ADDRESS_PATTERN, typed):
        raise UsageError(f"{EXPLAINED[ADDRESS_PATTERN]} (usage: {form.usage})")
    if own is None:
        raise AnswerError.of(Code.SESSION_NOT_FOUND)
    me = Address(own)
    own_realm = Name(own.partition("@")[2])
    return private(me, full(*split(Address(typed.lower()), own_realm)))


def _errand(form: Form, fields: dict[str, Any], *, typed: bool) -> Errand:
    """What is to be done with a file of this machine."""
    path = _path(fields[form.parts[-1].field], form, typed=typed)
    if form.command is Save:
        return Save(file=fields["file"], path=path)
    command = _checked(form, fields | {"file": NOT_YET})
    assert isinstance(command, c.Filing)
    return Post(command, path)


def _path(text: str, form: Form, *, typed: bool) -> str:
    """A path is the rest of the line: of a typed one without the spaces around it, from a shell as it is."""
    path = text.strip() if typed else text
    if not path:
        raise UsageError(f"{form.name} needs {form.parts[-1].shown} (usage: {form.usage})")
    if "\0" in path:
        raise UsageError(f"a path has no such character (usage: {form.usage})")
    return path


def _checked(form: Form, fields: dict[str, Any]) -> Command:
    """The command with these fields, by the same rules by which a realm will read it."""
    make: Any = form.command
    try:
        frame = encode_command(make(id=0, **fields))
    except UnicodeEncodeError as error:
        raise UsageError(f"this is not valid Unicode (usage: {form.usage})") from error
    except ValueError as error:
        raise UsageError(f"{error} (usage: {form.usage})") from error
    read = decode_command([frame])
    if isinstance(read, Malformed):
        raise UsageError(f"{read.refusal.text} (usage: {form.usage})")
    assert isinstance(read[0], Command)
    return read[0]
