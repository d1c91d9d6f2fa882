"""How things are drawn and done so that one that fails does not take the page along.

Flet ends a session's updates silently when a component raises, and replaces the page by a traceback when a handler
does.
"""

import functools
import inspect
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

import flet as ft

from client.errors import ClientError

P = ParamSpec("P")
T = TypeVar("T")
Handler = Callable[[Any], Awaitable[None]]

log = logging.getLogger(__name__)


class LoggedOutError(Exception):
    """Nobody is logged in any more: what was to be drawn or done for them is void, and the page is about to say so."""


class Tick(ft.Observable):
    """Something that components are drawn again for: those that have it as an argument.

    One belongs to one window: what is drawn for another's goes to the wrong browser.
    """

    def redraw(self) -> None:
        """Have them drawn again soon."""
        self.notify()  # type: ignore[no-untyped-call]


def kept(make: Callable[[], T]) -> T:
    """What a component keeps from its first drawing on, for as long as it is on the page."""
    value: T = ft.use_ref(make).current  # type: ignore[assignment,arg-type]
    return value


_memo: Callable[[Callable[..., Any]], Callable[..., Any]] = ft.memo


def component(draw: Callable[P, ft.Control]) -> Callable[P, ft.Control]:
    """A part of the page that is drawn again when what is around it is, or one of the ticks among its arguments."""
    drawn: Callable[P, ft.Control] = ft.component(_guarded(draw))
    return drawn


def part(draw: Callable[P, ft.Control]) -> Callable[P, ft.Control]:
    """As `component`, drawn again only for its own ticks, or where an argument differs.

    What somebody types into has to be one, and take no tick: being drawn again eats what is on its way.
    """
    drawn: Callable[P, ft.Control] = _memo(ft.component(_guarded(draw)))
    return drawn


def row(draw: Callable[P, ft.Control]) -> Callable[Concatenate[str, P], ft.Control]:
    """As `part`, for one of many: the first argument is a key that tells it from the others."""
    drawn = _memo(ft.component(_guarded(draw)))

    def draw_row(key: str, /, *args: P.args, **kwargs: P.kwargs) -> ft.Control:
        drawn_row: ft.Control = drawn(*args, key=key, **kwargs)
        return drawn_row

    return draw_row


def handler(work: Callable[[Any], Awaitable[None] | None], failed: Callable[[ClientError | None], None]) -> Handler:
    """A handler of events; where it raises, `failed` is told what a person can be told."""

    async def handle(event: Any) -> None:
        try:
            done = work(event)
            if inspect.isawaitable(done):
                await done
        except ClientError as error:
            failed(error)
        except LoggedOutError:
            log.info("something was done just as a session ended")
        except Exception:
            log.exception("a handler failed")
            failed(None)

    return handle


def typed_in(event: ft.Event[Any]) -> str:
    """What stands in a field now. The control of the event may be one that was drawn before, and know less."""
    return str(event.data if event.data is not None else "")


def _guarded(draw: Callable[P, ft.Control]) -> Callable[P, ft.Control]:
    @functools.wraps(draw)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> ft.Control:
        try:
            return draw(*args, **kwargs)
        except LoggedOutError:
            return ft.Container()
        except Exception:
            log.exception("%s could not be drawn", draw.__name__)
            return ft.Icon(ft.Icons.ERROR_OUTLINE, color=ft.Colors.ERROR)

    return guarded
