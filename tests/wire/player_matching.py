"""What a dialogue expects against what came: a line is given back as it stands where it holds.

Where it does not hold, the line given back says what came instead, in the same form.
"""

import re
from typing import Any

from tests.wire.player_language import Map, conversation, fill

FIELDS = re.compile("tokenId|topic|epoch|entry|conversation|seq|salt|chain|sent_at|name|next|total")
"""What a single word in `gets:` may be besides a text: a field that must be there."""

_TERM = re.compile(r'(?P<path>[A-Za-z_][\w.#-]*)(?:(?P<op>!=|=|>)(?P<value>"[^"]*"|\S+))?(?: +|$)')
_HEADER = re.compile(r"(?P<path>[\w.]+)(?: \((?P<columns>[\w., ]+)\))?")
_LONG = 160


class Absent:
    """What a look-up finds where there is nothing."""

    def __str__(self) -> str:
        return "(none)"


def show(value: Any, quoted: bool = False) -> str:
    """A value as dialogues write it; texts with spaces in quotes where `quoted`."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, bytes):
        return f"bin{len(value)}"
    if isinstance(value, list):
        return f"[{', '.join(map(show, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {show(item)}" for key, item in value.items()) + "}"
    text = str(value)
    return f'"{text}"' if quoted and (" " in text or not text) else text


def short(text: str) -> str:
    """`text`, without the middle of what is too long to read."""
    return text if len(text) <= _LONG else f"{text[:60]}… ({len(text)} characters)"


def text_of(answer: Map) -> str:
    """An answer in a line: what a person would be told, or all its fields where it has no text."""
    if answer.get("status") == "ERROR":
        return f"ERROR {answer['code']} {answer['message']}"
    if "message" in answer:
        return show(answer["message"])
    rest = {key: value for key, value in answer.items() if key not in ("id", "status")}
    return " ".join(f"{key}={show(value, quoted=True)}" for key, value in rest.items()) or "OK"


def look_up(holder: Any, path: str, me: str) -> Any:
    """The value at `a.b.0`; where a map has no such key, the name of a user stands for the conversation."""
    for part in path.split("."):
        if isinstance(holder, list) and part.isdigit() and int(part) < len(holder):
            holder = holder[int(part)]
        elif isinstance(holder, dict) and part in holder:
            holder = holder[part]
        elif isinstance(holder, dict) and conversation(part, me) in holder:
            holder = holder[conversation(part, me)]
        else:
            return Absent()
    return holder


def match_answer(expected: str, answer: Map, me: str, values: Map) -> str:
    """`expected` where the answer is so; what it is, where not."""
    if terms := _terms(expected):
        if answer["status"] == "ERROR" and not any(path in ("status", "code") for path, _, _ in terms):
            return short(text_of(answer))
        return " ".join(_term(*term, answer, me, values) for term in terms)
    told = text_of(answer)
    wanted = str(fill(expected, values))
    if answer["status"] == "ERROR" and re.fullmatch(r"ERROR \w+", wanted):
        told = f"ERROR {answer['code']}"
    return expected if _alike(wanted, told) else short(told)


def match_event(kind: str, expected: str, event: Map, me: str, values: Map) -> tuple[str, str]:
    """Kind and text of an event, as the dialogue has them where they are so."""
    if kind and event["event"] == kind:
        return kind, " ".join(_term(*term, event, me, values) for term in _terms(expected))
    if event["event"] != "entry":
        return event["event"], short(show(_without(event, "event")))
    told = event["entry"].get("message", show(event["entry"]))
    holds = not kind and _alike(str(fill(expected, values)), told)
    return "", expected if holds else short(told)


def match_items(header: str, rows: list[str], answer: Map, me: str, values: Map) -> list[str]:
    """The rows that there are, each as the dialogue has it where it is so."""
    found = _HEADER.fullmatch(header)
    if found is None:
        raise ValueError(f"no list: {header!r}")
    items = look_up(answer, found["path"], me)
    if not isinstance(items, list | dict):
        return [short(text_of(answer))]
    if isinstance(items, dict):
        shown = [f"{key} = {show(value)}" for key, value in items.items()]
    else:
        columns = (found["columns"] or "").replace(" ", "").split(",")
        shown = [_item(item, columns, me) for item in items]
    wanted = [str(fill(row, values)) for row in rows] + [""] * len(shown)
    rows = rows + [""] * len(shown)
    return [row if _alike(want, told) else short(told) for row, want, told in zip(rows, wanted, shown, strict=False)]


def _item(item: Any, columns: list[str], me: str) -> str:
    if any(columns):
        return ", ".join(show(look_up(item, name, me)) for name in columns)
    if isinstance(item, dict) and "seq" in item:
        name, _, realm = item["from"].partition("@")
        sender = name if realm == me.partition("@")[2] else item["from"]
        return f"{item['seq']} {sender}: {item.get('message', item['kind'])}"
    return show(item)


def _terms(text: str) -> list[tuple[str, str, str]]:
    """The fields that are spoken of in `tokenId`, `more=true head>3`; none where it is a text."""
    if not text:
        return []
    terms, at = [], 0
    while found := _TERM.match(text, at):
        terms.append((found["path"], found["op"] or "", found["value"] or ""))
        at = found.end()
    if at < len(text) or any(not op and not FIELDS.fullmatch(path) for path, op, _ in terms):
        return []
    return terms


def _term(path: str, op: str, value: str, holder: Map, me: str, values: Map) -> str:
    """The term where it holds; what the field is, where not."""
    got = look_up(holder, path, me)
    if isinstance(got, Absent):
        return f"(no {path})"
    wanted = fill(value.strip('"'), values)
    if op == ">":
        holds = isinstance(got, int) and got > int(wanted)
    elif op:
        holds = (got == wanted or show(got) == wanted) is (op == "=")
    else:
        holds = True
    return f"{path}{op}{value}" if holds else short(f"{path}={show(got, quoted=True)}")


def _alike(wanted: str, told: str) -> bool:
    """Whether a text is as wanted, or begins so where what is wanted ends in `…`."""
    return told.startswith(wanted[:-1]) if wanted.endswith("…") else told == wanted


def _without(item: Map, key: str) -> Map:
    return {name: value for name, value in item.items() if name != key}
