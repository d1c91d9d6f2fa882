"""`doctor`: looks at everything of a realm, whether it runs or not, and says what is wrong and what to do."""

import ipaddress
import json
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import msgspec
import typer

from broker import keyfiles
from broker.clock import now_ms
from broker.lookups import place, printable
from broker.probing import Prober, descriptors, probing, why_not_free
from broker.reaching import OperatorError, reach
from realm.amounts import counted
from realm.cli import screen
from realm.cli.options import ConfigOption, FolderOption, check_folder, settings_of
from realm.cli.progress import progress
from realm.keeping.examining import FROM_BACKUP, look_at_database, look_at_entries, look_at_files
from realm.keeping.findings import Finding, failed, ok, problem, warning
from realm.keeping.folder import look_at_clock, look_at_disk, look_at_folder
from realm.keeping.reading import Tell
from realm.settings import Listen, Settings, SettingsError
from realm.store.folder import KEY
from realm.store.interface import StoreError
from realm.store.looking import Looking
from schemas.invites import split_place
from schemas.keys import fingerprint
from schemas.operator import Figures, FiguresSeen, PeerSeen

A_CLIENT: Final = 2
"""Connections, one for commands and one for push."""
FEW: Final = 4_096
_COLOURS: Final = {"ok": "green", "warning": "yellow", "problem": "bold red"}


class Asked(NamedTuple):
    """What is to be looked at, and how closely."""

    data: Path
    config: Path | None
    listen: dict[str, Any]
    """What outranks `listen` in the settings."""
    quick: bool
    full: bool


def doctor(
    data: FolderOption = Path("data"),
    config: ConfigOption = None,
    host: Annotated[
        str | None, typer.Option(help="Where a realm that does not run would listen; else as the settings say.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65_533, help="Its front door.")] = None,
    commands_port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Its port of commands.")] = None,
    push_port: Annotated[int | None, typer.Option(min=1, max=65_535, help="Its port of what is pushed.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Look at the database less closely.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Read every byte of the users' files.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One line of JSON, for programs.")] = False,
) -> None:
    """Look at everything of a realm, and say what is wrong and what to do. The realm may run meanwhile.

    Nothing is changed. The exit code is 1 where there is a problem, and 0 where there are only warnings.
    """
    said = {"host": host, "port": port, "commands_port": commands_port, "push_port": push_port}
    asked = Asked(data, config, {name: value for name, value in said.items() if value is not None}, quick, full)
    check_folder(data)
    with progress() as tell:
        running, findings = _reach(data)
        findings += _look(asked, running, tell, hangs=_hangs(findings))
    bad = any(finding.level == "problem" for finding in findings)
    if as_json:
        told = {"running": running is not None, "well": not bad, "findings": msgspec.to_builtins(findings)}
        typer.echo(json.dumps(told))
    else:
        typer.echo(_text(data, running, findings))
    if bad:
        raise typer.Exit(1)


def _reach(data: Path) -> tuple[FiguresSeen | None, list[Finding]]:
    """What the realm that runs on the folder says, None where none does; and what is wrong with that."""
    try:
        with reach(data) as reached:
            return None if reached is None else reached.ask(Figures(id=0), FiguresSeen), []
    except OperatorError as error:
        return None, [failed("process", error)]


def _hangs(findings: list[Finding]) -> bool:
    """Whether a realm runs that does not say how it is: then what it has is not free, and that is right."""
    return any(one.about == "process" and one.level == "problem" for one in findings)


def _look(asked: Asked, running: FiguresSeen | None, tell: Tell, *, hangs: bool) -> list[Finding]:
    settings, findings = _look_at_settings(asked.data, asked.config or _config_of(running))
    findings = [*look_at_folder(asked.data), *findings]
    keys, about_key = _look_at_key(asked.data)
    findings.append(about_key)
    try:
        with closing(Looking(asked.data)) as looking, probing(settings.peers.networks) as prober:
            realm = looking.realm()[0]
            findings += look_at_disk(asked.data, settings.files, looking.held())
            newest = looking.newest()
            findings += look_at_clock(asked.data, newest, now_ms())
            findings.append(_look_at_descriptors(running))
            listen = msgspec.structs.replace(settings.listen, **asked.listen)
            if not hangs:
                findings += _look_at_ports(listen, running, realm, keys, prober)
            findings += look_at_database(looking, quick=asked.quick)
            findings += look_at_entries(looking, tell)
            findings += look_at_files(asked.data, looking, tell, full=asked.full)
            if settings.federation != "off":
                findings += _look_at_peers(looking, running, prober)
    except StoreError as error:
        findings.append(failed("database", error, FROM_BACKUP))
    return findings


def _config_of(running: FiguresSeen | None) -> Path | None:
    """The settings file that a realm that runs goes by, which need not lie in its folder."""
    return Path(running.served.settings) if running and running.served and running.served.settings else None


def _look_at_settings(data: Path, config: Path | None) -> tuple[Settings, list[Finding]]:
    try:
        settings = settings_of(data, config)
    except SettingsError as error:
        advice = "mend it; what follows goes by the defaults"
        return Settings(), [problem("settings", str(error).replace("\n", "; "), advice)]
    return settings, [ok("settings", f"they can be read, and registration is {settings.registration!r}")]


def _look_at_key(data: Path) -> tuple[keyfiles.KeyPair | None, Finding]:
    try:
        keys = keyfiles.load(data, create=False)
    except keyfiles.KeyFileError as error:
        return None, failed("key", error)
    return keys, ok("key", f"{data / KEY} is for its owner alone: {fingerprint(keys.public.decode())}")


def _look_at_descriptors(running: FiguresSeen | None) -> Finding:
    pid = None if running is None or running.served is None else running.served.pid
    most, used = descriptors(pid)
    told = f"{most:,} files and connections may be open at once" + ("" if used is None else f", and {used:,} are")
    clients = f"that is room for some {counted(most // A_CLIENT, 'client')}"
    if used is not None and used > most * 0.8:
        return problem("descriptors", told, "let it have more (LimitNOFILE in its unit, or ulimit -n), and restart it")
    if most < FEW:
        return warning("descriptors", f"{told}; {clients}", "let it have more (LimitNOFILE in its unit, or ulimit -n)")
    return ok("descriptors", f"{told}; {clients}")


def _look_at_ports(
    listen: Listen, running: FiguresSeen | None, realm: str, keys: keyfiles.KeyPair | None, prober: Prober
) -> Iterator[Finding]:
    if running is None:
        yield from _look_at_free_ports(listen.host, *listen.ports)
    elif running.served is not None and keys is not None:
        where, key = running.served, keys.public.decode()
        host = _reached(where.host)
        door, _ = prober.door(realm, key, host, where.door, own=True)
        advice = "see its log, and restart it"
        shown = f"the front door shows {realm}'s card and key"
        knocks = (
            (door, shown, where.door),
            (prober.commands(host, where.commands, key, own=True), "commands are answered", where.commands),
            (prober.push(host, where.push, key), "push takes connections", where.push),
        )
        for knock, said, port in knocks:
            at = place(host, port)
            yield problem("ports", f"{at}: {knock.why}", advice) if knock.why else ok("ports", f"{said} at {at}")
        yield from _look_at_home(running.home, place(host, where.door), realm, key, prober)


def _look_at_home(home: str, listens: str, realm: str, key: str, prober: Prober) -> Iterator[Finding]:
    """Where others are told that the front door is, if that is elsewhere."""
    if home == listens:
        return
    host, port = split_place(home)
    knock, _ = prober.door(realm, key, host, port, own=True)
    if knock.why:
        advice = "see that others reach it there (router, firewall), or run it with another --advertise"
        yield warning("ports", f"others are told {home}, where this machine does not reach it: {knock.why}", advice)
    else:
        yield ok("ports", f"others are told {home}, and it answers there")


def _look_at_free_ports(host: str, *ports: int) -> Iterator[Finding]:
    for port in ports:
        if why := why_not_free(host, port):
            advice = "end what listens there, or choose another --host or --port"
            yield problem("ports", f"{place(host, port)} cannot be listened on ({why})", advice)
            return
    yield ok("ports", f"{', '.join(map(str, ports))} are free on {host}")


def _reached(host: str) -> str:
    """Where one on this machine reaches what listens there."""
    try:
        found = ipaddress.ip_address(host)
    except ValueError:
        return host
    return {4: "127.0.0.1", 6: "::1"}[found.version] if found.is_unspecified else host


def _look_at_peers(looking: Looking, running: FiguresSeen | None, prober: Prober) -> Iterator[Finding]:
    peers = looking.peers()
    links = {} if running is None else {peer.realm: peer for peer in running.peers}
    for peer, knock in zip(peers, prober.peers((p.realm, p.key, p.address, p.port) for p in peers), strict=True):
        about, link = f"peer {peer.realm}", links.get(peer.realm)
        waits = "" if link is None else _waiting(link.queued)
        if knock.other_key:
            yield problem(about, f"{knock.why}{waits}", "ask its operator what has become of it; nothing is sent there")
        elif knock.why:
            yield warning(
                about, f"it does not answer: {knock.why}{waits}", "see whether it runs; what is sent there waits"
            )
        elif link is not None and (why := _link_trouble(link)):
            yield warning(
                about, f"it answers from here, and {why}{waits}", "see `python -m realm peers`, and both logs"
            )
        else:
            yield ok(about, f"it answers at {place(peer.address, peer.port)} with its key, in {knock.ms} ms{waits}")


def _waiting(queued: int) -> str:
    return f"; {counted(queued, 'message')} to it {'waits' if queued == 1 else 'wait'}" if queued else ""


def _link_trouble(link: PeerSeen) -> str:
    if link.down_since is not None:
        return f"the link of the realm that runs is down ({printable(link.error) or 'nothing came yet'})"
    return "" if link.answers else "the realm that runs has not tried yet"


def _text(data: Path, running: FiguresSeen | None, findings: list[Finding]) -> str:
    """Lines for people."""
    from rich.text import Text

    at_terminal = sys.stdout.isatty()
    table = screen.table(heads=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        told = Text(finding.said if at_terminal else finding.sentence)
        if at_terminal and finding.advice:
            told.append(f"\n→ {finding.advice}", "bold")
        table.add_row(Text(finding.level, _COLOURS[finding.level]), Text(finding.about), told)
    return "\n\n".join([_head(data, running, findings), screen.drawn(screen.console(), table), _sum(findings)])


def _head(data: Path, running: FiguresSeen | None, findings: list[Finding]) -> str:
    if running is None:
        if _hangs(findings):
            return f"the realm on {data}, which does not answer"
        return f"the realm on {data}, which does not run"
    process = "" if running.served is None else f" (process {running.served.pid})"
    return f"{running.realm} on {data}, which runs{process}"


def _sum(findings: list[Finding]) -> str:
    counts = [
        counted(count, level)
        for level in ("problem", "warning")
        if (count := sum(finding.level == level for finding in findings))
    ]
    return " and ".join(counts) or "all is well"
