"""Faults put in on purpose, of what a realm does for its own users and its operator: the simulation must catch each."""

from collections.abc import Collection, Iterable

import pytest

from realm import accounts, conversations, reloading, retention
from realm.context import Ctx
from realm.memory import View
from realm.session import Session
from realm.store import retaining
from realm.store.groups import GroupRows
from realm.store.rows import Standing
from schemas import commands
from schemas.answers import Said
from schemas.events import Event
from schemas.names import ConversationId, Name
from tests.simulation.federation.runner import run_histories
from tests.simulation.planting import caught_by

AT_MOST = 60


def caught(*words: str, first: int = 0) -> None:
    caught_by(run_histories, AT_MOST, words, first)


def test_what_is_not_old_enough_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    days = retention._days
    monkeypatch.setattr(retention, "_days", lambda ctx, conversation: days(ctx, conversation) / 2)
    caught("is removed before its time", first=26)


def test_what_waits_for_another_realm_is_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retaining, "crosses", lambda _conversation: False)
    caught("is removed while it waits", first=23)


def test_what_is_old_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "begin", lambda _ctx: None)
    caught("keeps what was to be removed", first=23)


def test_settings_that_are_read_and_not_adopted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "_adopt", lambda *_: None)
    caught("is queued behind as many", "may wait: ", "without room", "before its time", "was to be removed", first=8)


def test_a_session_that_outlives_its_logout(monkeypatch: pytest.MonkeyPatch) -> None:
    end_session = accounts.end_session

    def end_others(ctx: Ctx, session: Session) -> None:
        if not isinstance(ctx.request.body, commands.Logout):
            end_session(ctx, session)

    monkeypatch.setattr(accounts, "end_session", end_others)
    caught("in a session that has ended", "told to a session that has ended", first=15)


def test_sessions_that_outlive_a_new_password(monkeypatch: pytest.MonkeyPatch) -> None:
    def set_password(ctx: Ctx, command: commands.Passwd, password_hash: str) -> Said:
        ctx.tx.set_password(ctx.session.account, password_hash)
        return Said(id=command.id, message="Password changed")

    monkeypatch.setattr(accounts, "_finish_passwd", set_password)
    caught("in a session that has ended", "told to a session that has ended")


def test_a_session_that_has_ended_and_is_told_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its token is dead, and its topic is not."""
    sessions_of = View.sessions_of
    ended: list[Session] = []
    end_session = accounts.end_session

    def end_and_keep(ctx: Ctx, session: Session) -> None:
        end_session(ctx, session)
        ended.append(session)

    def with_ended(self: View, account: int) -> list[Session]:
        return [*sessions_of(self, account), *(one for one in ended if one.account == account)]

    def push(self: Ctx, accounts: Iterable[int], event: Event, but: Collection[Session] = ()) -> int:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(View, "sessions_of", with_ended)
            return push_to_all(self, accounts, event, but)

    push_to_all = Ctx.push
    monkeypatch.setattr(accounts, "end_session", end_and_keep)
    monkeypatch.setattr(Ctx, "push", push)
    caught("told to a session that has ended")


def test_who_has_left_a_group_hears_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is in it is remembered, also when somebody leaves."""
    leave_group, push = GroupRows.leave_group, Ctx.push
    left: set[int] = set()

    def leave_and_remember(self: GroupRows, name: Name, account: int) -> None:
        leave_group(self, name, account)
        left.add(account)

    def push_to_all(self: Ctx, accounts: Iterable[int], event: Event, but: Collection[Session] = ()) -> int:
        return push(self, {*accounts, *left}, event, but)

    monkeypatch.setattr(GroupRows, "leave_group", leave_and_remember)
    monkeypatch.setattr(Ctx, "push", push_to_all)
    caught("who has left", first=9)


def test_who_has_left_a_group_may_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def visible(_ctx: Ctx, conversation: ConversationId) -> Standing:
        return Standing(conversation, 1, 0, 0, 0, 0)

    monkeypatch.setattr(conversations, "_visible", visible)
    caught("has left, and is told")


def test_not_all_in_a_group_hear_what_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    push = Ctx.push

    def push_to_some(self: Ctx, accounts: Iterable[int], event: Event, but: Collection[Session] = ()) -> int:
        return push(self, sorted(accounts)[:1], event, but)

    monkeypatch.setattr(Ctx, "push", push_to_some)
    caught("not all who are in the group")


def test_some_in_a_group_hear_it_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    push = Ctx.push

    def push_twice(self: Ctx, accounts: Iterable[int], event: Event, but: Collection[Session] = ()) -> int:
        return push(self, accounts, event, but) + push(self, accounts, event, but)

    monkeypatch.setattr(Ctx, "push", push_twice)
    caught("told twice")
