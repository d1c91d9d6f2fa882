"""The service file says what the program understands."""

import configparser
import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from realm.cli import app

ROOT = Path(__file__).parent.parent.parent
UNIT = ROOT / "docs" / "bagan-realm.service"


def service() -> dict[str, str]:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(UNIT.read_text())
    return dict(parser["Service"])


def test_it_runs_a_realm_on_its_own_folder_and_starts_it_again() -> None:
    unit = service()
    program, module, name, *said = shlex.split(unit["ExecStart"])
    assert (Path(program).name, module, name) == ("python", "-m", "realm")
    assert said == ["run", "--data", f"/var/lib/{unit['StateDirectory']}"]
    assert CliRunner().invoke(app.program, [*said, "--help"]).exit_code == 0
    assert (unit["Restart"], unit["StateDirectoryMode"]) == ("always", "0700")
    assert unit["MemoryMax"] == "1G"
    assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_what_the_pages_for_operators_say_is_a_command() -> None:
    """Each `realm …` in a block of docs/operating.md, with its options."""
    text = (ROOT / "docs" / "operating.md").read_text()
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    said = re.findall(
        r"(?:^|&& )realm ([a-z-]+(?: (?:list|add|reset|disable|admin))?)(.*?)(?: #|&&|$)", blocks, re.MULTILINE
    )
    assert len(said) > 15
    for command, rest in said:
        shown = CliRunner().invoke(app.program, [*command.split(), "--help"], env={"COLUMNS": "200"})
        assert shown.exit_code == 0, command
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in shown.output, (command, option)
