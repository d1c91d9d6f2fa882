"""The command line: one command as words, lines from a pipe, or a prompt."""

import asyncio
import contextlib
import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from client.dial import DEFAULT_PORT, parse_address
from client.errors import AnswerError, ClientError, UsageError
from client.keyring import HOME_VARIABLE, Keyring
from client.output import JsonOutput, Output, TextOutput, use_utf8
from client.shell import DONE, REFUSED, WRONG, Target, open_shell
from client.stdin import PipedLines
from client.syntax import help_text, parse_any
from schemas import invites

INTERRUPTED: Final = 130

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command(context_settings={"allow_interspersed_args": False, "help_option_names": ["-h", "--help"]})
def bagan(
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            show_default=False,
            help="A command and its arguments; help lists them. Or: demo.",
        ),
    ] = None,
    realm: Annotated[
        str, typer.Option(metavar="HOST:PORT", envvar="BAGAN_REALM", help="The realm's front door; or as --invite.")
    ] = f"127.0.0.1:{DEFAULT_PORT}",
    home: Annotated[
        Path | None,
        typer.Option(envvar=HOME_VARIABLE, show_default=False, help="The folder of keys, pins and sessions."),
    ] = None,
    key: Annotated[
        str | None,
        typer.Option(show_default=False, help="The realm's key, where it is known from elsewhere."),
    ] = None,
    invite: Annotated[
        str | None,
        typer.Option(
            metavar="LINK", show_default=False, help="An invitation: its realm, key, and what register needs."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line; bytes are base64.")] = False,
    listen: Annotated[bool, typer.Option("--listen", help="Then stay, and show what is pushed.")] = False,
    listen_for: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", min=0, show_default=False, help="As --listen, for so long."),
    ] = None,
) -> None:
    """Talk to a realm: one command as words, commands from a pipe, or (with neither) at a prompt.

    Exit code 0: all well; 1: an error answer, or no realm; 2: a line that is no command.
    """
    use_utf8()
    if words == ["demo"]:
        from client import demo  # its libraries take as long to load as all the rest

        raise typer.Exit(_run(demo.play(), TextOutput()))
    at_prompt = not words and sys.stdin.isatty() and sys.stdout.isatty()
    output: Output = JsonOutput() if as_json else TextOutput(at_prompt=at_prompt)
    stay = listen_for if listen_for is not None else (float("inf") if listen else None)
    try:
        target = _target(realm if invite is None else invite, Keyring(home), key, invited=invite is not None)
    except UsageError as error:
        output.error(None, error)
        raise typer.Exit(WRONG) from error
    if words:
        work = one_liner(target, output, words, stay)
    elif at_prompt:
        from client import prompt  # as above

        work = prompt.at_prompt(target, output)
    else:
        work = piped(target, output, stay)
    raise typer.Exit(_run(work, output))


def _target(typed: str, keyring: Keyring, key: str | None, *, invited: bool) -> Target:
    """The realm at an address or, if it is a link, the one that it invites to; raises UsageError."""
    if not (invited or "?" in typed or "=" in typed or "://" in typed):
        return Target(parse_address(typed), keyring, key)
    try:
        invitation = invites.parse(typed)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return Target(parse_address(invitation.realm), keyring, key or invitation.key, invitation.token)


async def one_liner(target: Target, output: Output, words: list[str], stay: float | None) -> int:
    """One command, given as words."""
    if words[0].lower() == "help":
        output.note(help_text())
        return DONE
    with contextlib.suppress(AnswerError):  # what only a session makes clear is for the shell to say
        parse_any(words)
    async with open_shell(target, output, listen=stay is not None) as shell:
        await shell.do(words)
        await shell.stay(stay)
        return shell.worst


async def piped(target: Target, output: Output, stay: float | None) -> int:
    """A command a line from stdin, each answered before the next is read."""
    async with open_shell(target, output, listen=True) as shell:
        lines = PipedLines()
        while True:
            try:
                line = await lines.next()
            except UsageError as error:
                shell.complain(error)
                continue
            if line is None:
                break
            if line.strip():
                await shell.do(line)
        await shell.stay(stay)
        return shell.worst


def _run(work: Coroutine[Any, Any, int], output: Output) -> int:
    try:
        return asyncio.run(work)
    except ClientError as error:
        output.error(None, error)
        return WRONG if isinstance(error, UsageError) else REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is buffered has nowhere to go
        return REFUSED
