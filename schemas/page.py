"""Generates the protocol page: `python -m schemas.page`.

The prose is in `protocol.template.md` beside this file; every `<!-- NAME -->` in it is replaced by what the
types say.
"""

import re
import sys
import types
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, UnsetType

from schemas import events, federation, limits
from schemas.answers import Answer, Card
from schemas.commands import COMMANDS, Command, InSession, name_of
from schemas.entries import Entry
from schemas.errors import DESCRIBED, FIXED_TEXTS

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "protocol.md"
TEMPLATE: Final = Path(__file__).with_name("protocol.template.md")
LONG: Final = 4
"""An answer with more fields than this is told once, and named where it is given."""

EXAMPLE: Final = ROOT / "tests" / "wire" / "stranger.py"

_PART: Final = re.compile(r"<!-- (?P<name>\w+) -->")

_PLAIN: Final = {str: "str", int: "int", bool: "bool", bytes: "bin", float: "float", type(None): "null"}


def render() -> str:
    """The whole page. Raises KeyError where the template names a part that there is not."""
    return _PART.sub(lambda found: _PARTS[found["name"]](), TEMPLATE.read_text(encoding="utf-8"))


def commands_table() -> str:
    """Every command, its arguments and what its answer adds."""
    rows = ["| cmd | does | arguments | the answer adds |", "|---|---|---|---|"]
    for command in COMMANDS:
        arguments = _fields(command, without=InSession)
        shared = command.answer in _shared()
        adds = f"*{command.answer.__name__}*" if shared else _fields(command.answer, without=Answer)
        rows.append(f"| `{name_of(command)}` | {_summary(command)} | {arguments} | {adds} |")
    return "\n".join(rows)


def answers_table() -> str:
    """The answers that several commands share."""
    rows = ["| answer | adds |", "|---|---|"]
    rows += [f"| *{answer.__name__}* | {_fields(answer, without=Answer)} |" for answer in _shared()]
    return "\n".join(rows)


def errors_table() -> str:
    """The catalogue of codes."""
    rows = ["| code | message |", "|---|---|"]
    rows += [f"| `{code}` | {text} |" for code, text in FIXED_TEXTS.items()]
    rows += [f"| `{code}` | *{what}* |" for code, what in DESCRIBED.items()]
    return "\n".join(rows)


def events_table() -> str:
    """Every event."""
    rows = ["| event | fields | when |", "|---|---|---|"]
    for event in get_args(events.AnyEvent):
        tag = event.__struct_config__.tag
        rows.append(f"| `{tag}` | {_fields(event, without=events.Event)} | {event.note} |")
    return "\n".join(rows)


def links_table() -> str:
    """What realms say to each other, and what is answered."""
    rows = ["| cmd | arguments | the answer |", "|---|---|---|"]
    for command in federation.LINK_COMMANDS:
        adds = _fields(command.answer, without=Answer)
        rows.append(f"| `{name_of(command)}` | {_fields(command, without=Command)} | {adds} |")
    envelope, acknowledged = federation.Envelope, _fields(federation.LinkAck, without=msgspec.Struct)
    rows.append(
        f"| `{name_of(envelope)}` | {_fields(envelope, without=msgspec.Struct)} | "
        f'`{{cmd: "link.ack"}}` with {acknowledged}; or `{{cmd: "link.again"}}` |'
    )
    return "\n".join(rows)


def card() -> str:
    """The fields of the identity card."""
    return _fields(Card, without=msgspec.Struct)


def entry() -> str:
    """The fields of an entry."""
    return _fields(Entry, without=msgspec.Struct)


def example() -> str:
    """A client that a stranger can copy."""
    return f"```python\n{EXAMPLE.read_text(encoding='utf-8').rstrip()}\n```"


def _number(name: str) -> Callable[[], str]:
    return lambda: f"{getattr(limits, name):,}"


_PARTS: Final[dict[str, Callable[[], str]]] = {
    "commands": commands_table,
    "answers": answers_table,
    "errors": errors_table,
    "events": events_table,
    "links": links_table,
    "card": card,
    "entry": entry,
    "example": example,
    **{name: _number(name) for name in vars(limits) if name.isupper()},
}


def _shared() -> list[type[Answer]]:
    """Answers with more than a field or two, of more than one command."""
    uses = Counter(command.answer for command in COMMANDS)
    return [answer for answer, count in uses.items() if count > 1 and len(answer.__struct_fields__) > LONG]


def _summary(command: type[Command]) -> str:
    return (command.__doc__ or "").split("\n")[0].rstrip(".")


def _fields(struct: type[msgspec.Struct], without: type) -> str:
    """`name: type` of the fields that `without` does not have already."""
    known = set(getattr(without, "__struct_fields__", ()))
    parts = [_field(field) for field in msgspec.structs.fields(struct) if field.name not in known]
    return ", ".join(f"`{part}`" for part in parts) or "-"


def _field(field: msgspec.structs.FieldInfo) -> str:
    optional = "?" if not field.required and get_origin(field.type) is not Literal else ""
    return f"{field.encode_name}{optional}: {_type(field.type)}"


def _type(annotation: Any) -> str:
    """A type as the page writes it: `[entry]`, `{conversation: seq}`, `bin16`, `"text" / "file"`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        titles = [meta.title for meta in arguments[1:] if isinstance(meta, Meta) and meta.title]
        return titles[-1] if titles else _type(arguments[0])
    if origin in (Union, types.UnionType):
        return " / ".join(_type(one) for one in arguments if one is not UnsetType)
    if origin is Literal:
        return " / ".join(f'"{one}"' for one in arguments)
    if origin is list:
        return f"[{_type(arguments[0])}]"
    if origin is dict:
        return f"{{{_type(arguments[0])}: {_type(arguments[1])}}}"
    if annotation is Entry:
        return "entry"
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct):
        return "{" + ", ".join(_field(field) for field in msgspec.structs.fields(annotation)) + "}"
    return _PLAIN[getattr(annotation, "__supertype__", annotation)]


def main(arguments: list[str]) -> int:
    """Write the page; with `--check` only say whether it is stale."""
    page = render()
    if arguments == ["--check"]:
        if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
            sys.stderr.write("docs/protocol.md is stale: say make protocol\n")
            return 1
        return 0
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
