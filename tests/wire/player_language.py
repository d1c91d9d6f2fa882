"""The language of dialogues: lines become steps, and the text of a command becomes its MessagePack map.

`player.py` has the language on one page.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

Map = dict[str, Any]

SYNTAX = {
    "auth": "username password",
    "register": "username password country name…",
    "addgroup": "group",
    "joingroup": "group",
    "leavegroup": "group",
    "removemember": "group username",
    "send": "to message…",
    "sendfile": "to file",
    "sendgroup": "group message…",
    "sendgroupfile": "group file",
    "sendprivaterealm": "realm to message…",
    "sendfilerealm": "realm to file",
    "sendgrouprealm": "realm group message…",
    "sendgroupfilerealm": "realm group file",
    "getrealminbox": "realm",
    "history": "conversation",
    "members": "group",
    "read": "conversation seq",
    "addrealm": "realm address port",
    "passwd": "old new",
}
"""The positional arguments of the contract's text syntax; all others are written `name=value`."""

NUMBERS = ("seq", "port")
"""Positional arguments that are no text."""

_STEP = re.compile(
    r"(?P<actor>[\w.@#-]+)"
    r"(?::(?= |$)| (?P<verb>gets|hears|keeps|restarts)\b(?P<what>[^:]*):?) ?(?P<rest>.*)"
)
_REALM = re.compile(r"(?P<verb>restart|kill|start) realm(?: (?P<what>\S+))?")
_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_NAMED = re.compile(r'(\w+)=("[^"]*"|\{[^}]*\}|\[[^\]]*\]|\S+)(?: |$)')
_VARIABLE = re.compile(r"\$(\w+)")


@dataclass
class Step:
    """One line of a dialogue, with the indented lines below it."""

    line: str
    actor: str
    verb: str
    what: str = ""
    rest: str = ""
    rows: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """What the dialogue says about this step, one line for each thing that should happen."""
        repeated = expand(self.line) if self.verb == "hears" else [self.line]
        return repeated + [f"    {row}" for row in self.rows]


def parse(dialogue: str) -> list[Step]:
    """The steps of a dialogue; raises ValueError for a line that is none."""
    steps: list[Step] = []
    margin: int | None = None
    for line in dialogue.splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        margin = indent if margin is None else margin
        if indent == margin:
            steps.append(_step(text))
        elif indent > margin and steps[-1].verb == "gets" and steps[-1].what:
            steps[-1].rows += expand(text)
        else:
            raise ValueError(f"indented, and no item of a list: {text!r}")
    return steps


def _step(text: str) -> Step:
    if found := _REALM.fullmatch(text):
        return Step(text, "", found["verb"], found["what"] or "")
    if found := _STEP.fullmatch(text):
        what = (found["what"] or "").strip()
        return Step(text, found["actor"], found["verb"] or "says", what, found["rest"])
    raise ValueError(f"no line of a dialogue: {text!r}")


def expand(text: str) -> list[str]:
    """`pesan {1..3}` as three texts; all ranges of a line run in step."""
    spans = [(int(low), int(high)) for low, high in _RANGE.findall(text)]
    if not spans:
        return [text]
    length = spans[0][1] - spans[0][0] + 1
    if {high - low + 1 for low, high in spans} != {length}:
        raise ValueError(f"ranges of different lengths: {text!r}")
    return [_with_numbers(text, [low + step for low, _ in spans]) for step in range(length)]


def _with_numbers(text: str, numbers: list[int]) -> str:
    """`text` with these in place of its ranges."""
    rest = iter(numbers)
    return _RANGE.sub(lambda _: str(next(rest)), text)


def fill(text: str, values: Map) -> Any:
    """`text` with `$name` replaced; a text that is one variable and no more becomes its value as it is."""
    if found := _VARIABLE.fullmatch(text):
        return values[found[1]]
    return _VARIABLE.sub(lambda found: str(values[found[1]]), text)


def command(text: str, me: str, values: Map) -> Map:
    """The map of a command, without `id` and token; `me` is `name@realm`, for conversations by a name."""
    cmd, _, rest = text.partition(" ")
    if cmd == "raw":
        return dict(json.loads(rest))
    arguments: Map = {"cmd": cmd}
    while found := _NAMED.match(rest):
        arguments[found[1]] = _value(found[2], values)
        rest = rest[found.end() :]
    for name in SYNTAX.get(cmd, "").split():
        if not rest or name in arguments:
            continue
        if name.endswith("…"):
            word, rest = rest, ""
        else:
            word, _, rest = rest.partition(" ")
        arguments[name.rstrip("…")] = _positional(name, word, me, values)
    if rest:
        raise ValueError(f"too many arguments: {text!r}")
    if "cursors" in arguments:
        arguments["cursors"] = {conversation(key, me): seq for key, seq in arguments["cursors"].items()}
    return arguments


def conversation(text: str, me: str) -> str:
    """`henderson`, said by messi@kampus, is `private/henderson@kampus,messi@kampus`; an identifier stays."""
    if "/" in text:
        return text
    other = text if "@" in text else f"{text}@{me.partition('@')[2]}"
    return "private/" + ",".join(sorted((me, other)))


def _positional(name: str, word: str, me: str, values: Map) -> Any:
    value = fill(word, values)
    if name == "conversation":
        return conversation(value, me)
    return int(value) if name in NUMBERS else value


def _value(text: str, values: Map) -> Any:
    """The value in `name=value`: JSON, `{key:value,…}`, `[value,…]`, `$variable`, or just text."""
    inside = [part for part in text[1:-1].split(",") if part]
    if text.startswith("{"):
        pairs = (part.partition(":") for part in inside)
        return {fill(key, values): _value(value, values) for key, _, value in pairs}
    if text.startswith("["):
        return [_value(part, values) for part in inside]
    try:
        return json.loads(text)
    except ValueError:
        return fill(text, values)
