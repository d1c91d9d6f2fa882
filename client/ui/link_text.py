"""How the link to another realm fares, in the words of a person."""

import math
from datetime import datetime, tzinfo
from typing import Final

from msgspec import UNSET

from client.model.times import moment
from client.ui.words import Words
from schemas.answers import RealmSeen

COUNTED: Final = 10
"""So many seconds are counted one by one; of more it is enough to know about how many."""


def link_text(words: Words, realm: RealmSeen, now: datetime) -> str:
    """Whether a realm answers; since when it does not, and when it is tried again. `now` is where the reader is."""
    if realm.excluded is True:
        return words.excluded
    if realm.connected:
        return words.answers
    if realm.down_since is UNSET:
        return words.not_heard
    since = words.unreachable_since.format(time=_since(words, realm.down_since, now))
    if realm.next_try is UNSET:
        return since
    return f"{since}, {_next_try(words, realm.next_try, now)}"


def _since(words: Words, ms: int, now: datetime) -> str:
    zone: tzinfo | None = now.tzinfo
    assert zone is not None
    at = moment(ms, zone)
    clock = f"{at:%H:%M}"
    return clock if at.date() == now.date() else f"{words.short_day(at.date(), now.date())} {clock}"


def _next_try(words: Words, ms: int, now: datetime) -> str:
    """Clocks differ, so a moment that is past is now."""
    seconds = round(ms / 1000 - now.timestamp())
    if seconds <= 0:
        return words.next_try_now
    if seconds > COUNTED:
        seconds = math.ceil(seconds / COUNTED) * COUNTED
    if seconds < 100:
        return words.next_try.format(wait=words.seconds.format(count=seconds))
    return words.next_try.format(wait=words.minutes.format(count=round(seconds / 60)))
