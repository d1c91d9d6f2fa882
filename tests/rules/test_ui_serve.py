"""Where a web client may be told to listen."""

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client.dial import Address
from client.errors import UsageError
from client.ui.__main__ import app
from client.ui.serve import Site, _alone, serve


@pytest.mark.parametrize("host", ["", "ü..x", "a\0b", "999.999.999.999"])
def test_a_host_that_is_none_is_told(tmp_path: Path, host: str) -> None:
    site = Site(Address("127.0.0.1", 8889), tmp_path / "home", tmp_path / "cache", host=host, port=0)
    with pytest.raises(UsageError, match=r"--host|nobody can listen"):
        asyncio.run(serve(site, print))


def test_two_do_not_use_one_folder(tmp_path: Path) -> None:
    """Each would take the files of the other for what one before has left."""
    site = Site(Address("127.0.0.1", 8889), tmp_path / "home", tmp_path / "cache", port=0)
    with _alone(site.home), pytest.raises(UsageError, match="another web client uses"):
        asyncio.run(serve(site, print))
    with _alone(site.home):
        """Who comes after it may."""


@pytest.mark.parametrize(
    ("option", "value"), [("--file-room", "inf"), ("--file-room", "nan"), ("--file-room", "-1"), ("--grace", "nan")]
)
def test_a_number_that_is_none_is_told(option: str, value: str) -> None:
    ended = CliRunner().invoke(app, ["--no-open", option, value])
    assert ended.exit_code == 2
    assert option in ended.output
    assert isinstance(ended.exception, SystemExit), "a sentence, no traceback"
