"""What speaks to a realm from outside knows the protocol alone: it shares no code with what it talks to.

So the second codec on the other side of the wire proves that the format is what the protocol page says.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
OURS = {"broker", "client", "realm", "schemas"}
OUTSIDE = sorted(
    path
    for folder in ("wire", "scenarios")
    for path in (TESTS / folder).glob("*.py")
    if not (folder == "scenarios" and path.stem.startswith(("cli_", "test_cli")))
)
"""All but those that play people at the command line, who share its texts."""


def imported(source: str) -> Iterator[str]:
    """The packages that a module imports, wherever in it, also by `import_module` with a plain name."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name.partition(".")[0] for alias in names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module.partition(".")[0]
            case ast.Call(
                func=ast.Name(id="import_module" | "__import__") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(module)), *_],
            ):
                yield module.partition(".")[0]


def test_imports_are_found() -> None:
    source = """
import os, realm.core as core
from schemas import codec
from . import realm
def later():
    from client.session import Session
    importlib.import_module("broker.loop")
"""
    assert list(imported(source)) == ["os", "realm", "schemas", "client", "broker"]


def test_there_is_something_to_look_at() -> None:
    names = {path.name for path in OUTSIDE}
    assert {"player.py", "stranger.py", "attacker.py", "test_send.py"} <= names


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_of_ours_is_imported(path: Path) -> None:
    assert OURS.isdisjoint(imported(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", ["realm_process.py", "conftest.py"])
def test_nor_by_what_starts_the_realms(name: str) -> None:
    assert OURS.isdisjoint(imported((TESTS / name).read_text(encoding="utf-8")))
