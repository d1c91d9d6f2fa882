"""Reads the settings file of a realm, and says of every mistake in it where it is and what is allowed there."""

import difflib
import json
import os
import re
import stat
import tomllib
import types
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta

from realm.settings import GROUPS, MOST, Fault, FaultsError, Group, Settings, SettingsError
from realm.toml_lines import Path as Place
from realm.toml_lines import line_of, lines_of

FILE: Final = "settings.toml"
"""What it is called in a realm's folder."""
LARGEST: Final = 1 << 20
SHOWN: Final = 60
"""So much of a bad value is shown."""

_WHERE: Final = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")
_TYPES: Final[dict[type, str]] = {
    str: "a text in quotes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
}


def template() -> str:
    """The file that `init` writes: every setting with its default, and what it means."""
    return (resources.files("realm") / FILE).read_text(encoding="utf-8")


def chosen(folder: Path, said: Path | None) -> Path | None:
    """The settings file: the one that was said, else the one in the realm's folder; None where there is none."""
    if said is not None:
        return said
    try:
        return folder / FILE if (folder / FILE).exists() else None
    except OSError:  # the folder cannot be looked into: whoever needs it says so
        return None


def load(path: Path | None) -> Settings:
    """The settings in a TOML file; without a file the defaults. Raises SettingsError, with all that is wrong."""
    if path is None:
        return Settings()
    try:
        with open(path, "rb", opener=_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SettingsError(f"the settings file {path} cannot be used: it is no plain file")
            raw = file.read(LARGEST + 1)
        if len(raw) > LARGEST:
            raise SettingsError(f"the settings file {path} cannot be used: it has more than {LARGEST:,} bytes")
        text = raw.decode()
    except OSError as error:
        raise SettingsError(f"the settings file {path} cannot be read ({error.strerror}): see --config") from error
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"the settings file {path} cannot be used:\n  line {line}: this is not UTF-8") from None
    return parse(text, str(path))


def _at_once(path: str, flags: int) -> int:
    """Open a file; a pipe too, at which one would wait for somebody else."""
    return os.open(path, flags | os.O_NONBLOCK)


def parse(text: str, name: str) -> Settings:
    """The settings in a TOML text; `name` is for the error. Raises SettingsError, with all that is wrong."""
    text = text.replace("\r\n", "\n")
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _error(name, [_unreadable(text, str(error))]) from None
    except RecursionError:
        raise _error(name, [(1, "there are too many brackets in brackets")]) from None
    lines = lines_of(text)
    reader = _Reader()
    settings: Settings = reader.group(Settings, told, ())
    if reader.faults:
        found = [(line_of(lines, place), why) for place, why in reader.faults]
        raise _error(name, sorted(found, key=lambda one: one[0] or 0))
    return settings


class _Reader:
    """Turns tables into groups, and goes on where one is wrong."""

    def __init__(self) -> None:
        self.faults: list[tuple[Place, str]] = []

    def group(self, kind: type[Group], told: dict[str, Any], at: Place) -> Any:
        """The group that a table describes, as far as it is right."""
        fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
        right: dict[str, Any] = {}
        for key, value in told.items():
            place = (*at, key)
            if key not in fields:
                self.faults.append((place, _unknown(key, at, fields)))
            elif _is_group(fields[key]):
                if isinstance(value, dict):
                    right[key] = self.group(fields[key], value, place)
                else:
                    self.faults.append((place, f"{key} is a table: write [{key}], and its settings below"))
            else:
                self._setting(fields[key], value, place, right)
        try:
            return kind(**right)
        except FaultsError as error:
            self.faults += [(_place_in(at, fault), _sentence((*at, fault.key), fault.why)) for fault in error.faults]
            return kind()

    def _setting(self, kind: Any, value: Any, at: Place, right: dict[str, Any]) -> None:
        try:
            right[str(at[-1])] = msgspec.convert(value, kind)
        except msgspec.ValidationError:
            said = json.dumps(value, ensure_ascii=False, default=str)
            said = said if len(said) <= SHOWN else f"{said[:SHOWN]}…"
            self.faults.append((_item(kind, value, at), f"{_name(at)} = {said}: it has to be {allowed(kind)}"))


def allowed(kind: Any) -> str:
    """What a setting of that type may be, in words."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        bounds = next(one for one in arguments[1:] if isinstance(one, Meta))
        return f"{allowed(arguments[0])}{_bounds(bounds)}"
    if origin is Literal:
        *most, last = (json.dumps(one) for one in arguments)
        return f"{', '.join(most)} or {last}" if most else last
    if origin in (Union, types.UnionType):
        return " or ".join(allowed(one) for one in arguments if one is not type(None))
    if origin is tuple:
        return 'a list of texts in quotes, as ["a", "b"]'
    return _TYPES[kind]


def _bounds(meta: Meta) -> str:
    if meta.gt is not None:
        return f", above {meta.gt:,} and at most {meta.le:,}"
    return f", {meta.ge:,} or more" if meta.le == MOST else f", {meta.ge:,} to {meta.le:,}"


def _unknown(key: str, at: Place, fields: dict[str, Any]) -> str:
    """What to say of a key that there is not, with the one that was probably meant."""
    elsewhere = [
        name for name, group in GROUPS.items() if name != "".join(map(str, at)) and key in group.__struct_fields__
    ]
    near = difflib.get_close_matches(key, fields, 1)
    if not near and key in Settings.__struct_fields__:
        hint = f": {key} is {'a table of its own' if key in GROUPS else 'above all tables, at the top'}"
    elif near:
        hint = f": do you mean {near[0]}?"
    elif elsewhere:
        hint = f": it is in [{elsewhere[0]}]"
    else:
        far = difflib.get_close_matches(key, [name for group in GROUPS.values() for name in group.__struct_fields__], 1)
        where = next((name for name, group in GROUPS.items() if far and far[0] in group.__struct_fields__), "")
        hint = f": do you mean {far[0]} in [{where}]?" if far else f": there are {', '.join(fields)}"
    what = "setting or table" if not at else "setting"
    return f"there is no {what} {_name((*at, key))}{hint}"


def _unreadable(text: str, error: str) -> tuple[int | None, str]:
    """Where a text is no TOML, and why."""
    found = _WHERE.search(error)
    line = int(found["line"]) if found and found["line"] else text.count("\n") + 1
    return line, f"this is not TOML: {error[: found.start()] if found else error}"


def _error(name: str, faults: list[tuple[int | None, str]]) -> SettingsError:
    lines = [f"  line {line}: {why}" if line else f"  {why}" for line, why in faults]
    return SettingsError("\n".join([f"the settings file {name} cannot be used:", *lines]))


def _is_group(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Group)


def _item(kind: Any, value: Any, at: Place) -> Place:
    """Where the first of a list is that is wrong, where it is one of a list."""
    if get_origin(kind) is tuple and isinstance(value, list):
        for item, one in enumerate(value):
            if not isinstance(one, str):
                return (*at, item)
    return at


def _place_in(at: Place, fault: Fault) -> Place:
    return (*at, fault.key) if fault.item is None else (*at, fault.key, fault.item)


def _sentence(at: Place, why: str) -> str:
    return f"{_name(at)}: {why}"


def _name(at: Place) -> str:
    """A setting as it is written in a line: `limits.login_burst`; cut short, and with nothing that cannot be shown."""
    text = ".".join(map(str, at))
    shown = "".join(one if one.isprintable() else "?" for one in text)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"
