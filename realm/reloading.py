"""The settings, read again while the realm runs: what can change does, and what cannot is told."""

import json
from typing import Any

from realm.context import Ctx
from realm.effects import Adopt
from realm.federation import link
from realm.federation.admission import is_allowed
from realm.jobs import ReadSettings, Result, SettingsBad, SettingsRead
from realm.memory import Adopted
from realm.outcome import LATER, Later, Outcome
from realm.settings import Settings, adopted, changed, flat, needs_restart
from schemas import operator
from schemas.errors import Code, Refusal


def reload(ctx: Ctx, _command: operator.Reload) -> Later:
    """Have the file read."""
    ctx.run(ReadSettings(ctx.request))
    return LATER


def finish(ctx: Ctx, job: ReadSettings, result: Result) -> Outcome:
    """Go by what the file says now, as far as a realm that runs can; a bad one changes nothing."""
    if isinstance(result, SettingsBad):
        if job.ask is not None:
            return Refusal(Code.BAD_REQUEST, result.why)
        ctx.note("warning", "settings not reloaded", why=result.why)
        return LATER
    assert isinstance(result, SettingsRead), result
    told = _differences(ctx.settings, result.settings)
    live = [text for name, text in told if not needs_restart(name)]
    kept = [text for name, text in told if needs_restart(name)]
    _adopt(ctx, adopted(ctx.settings, result.settings))
    ctx.note("info", "settings reloaded", changed=live, after_a_restart=kept)
    return LATER if job.ask is None else operator.Reloaded(id=job.ask.call, changed=live, kept=kept)


def _adopt(ctx: Ctx, settings: Settings) -> None:
    for peer in ctx.view.peers.all():
        before, after = is_allowed(ctx.settings, peer), is_allowed(settings, peer)
        if before and not after:
            link.bar(ctx, peer.id)
        elif after and not before:
            link.begin(ctx, peer.id)
    ctx.view.change(Adopted(settings))
    ctx.effects.append(Adopt(settings))


def _differences(old: Settings, new: Settings) -> list[tuple[str, str]]:
    """The names of the settings that differ, and what is to be told of each."""
    before, after = flat(old), flat(new)
    return [(name, f"{name}: {_shown(before[name])} -> {_shown(after[name])}") for name in changed(old, new)]


def _shown(value: Any) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
