"""One person before a browser, who finds things by what is written on them, as people do.

A Flet page is drawn on a canvas. What stands on it is in the DOM only as Flutter's accessibility tree, which is off
until a hidden button is clicked; here it is switched on in every page as it loads.

How a control has to be built to be found (measured on Flet 1.0.5):

    Flet                                                    found as
    FilledButton, TextButton with words                     button, by the words
    MergeSemantics(IconButton(tooltip="Send"))              button "Send"; without MergeSemantics, or with
                                                            Semantics(label=…) around it, a button without a name
    PopupMenuButton in MergeSemantics, PopupMenuItem        button by the tooltip, menuitem
    ListTile(on_click=…)                                    button by all its texts: "Ana last words 3"; a button inside
                                                            it stays apart. Without on_click its texts are just seen
    Semantics(button=True, label=…, exclude_semantics=True) button by just that label; a click reaches the content
    Container or GestureDetector with on_click or on_tap    button by the text inside
    NavigationBarDestination                                tab "Chats"; with a badge "5 Chats"
    NavigationRailDestination                               button "Rail one Tab 1 of 2"
    Checkbox, Chip; Switch; Radio                           checkbox; switch; radio
    TextSpan(url=…), a link in Markdown                     link (in truth an <a> without address); opens a new page,
                                                            and a page in the background draws no more
    Button(url=…)                                           button
    TextField(label=…)                                      field by its label, password or not. With hint_text alone it
                                                            has no name once something stands in it
    can_reveal_password=True                                button without a name. Instead: suffix_icon=MergeSemantics(
                                                            IconButton(tooltip=…)); a `suffix` hides without focus
    Text, Icon(semantics_label=…), Semantics(label=…)       seen
    Image(semantics_label=…), ProgressBar(semantics_label)  seen; the bar as "Uploading 30"
    Text(tooltip=…)                                         seen as "tip text" and text together
    Text(selectable=True), Dropdown(label=…)                not found at all
    AlertDialog                                             alertdialog; its title is seen, what lies below is not
    Slider                                                  never: its overlay takes the clicks of the whole page
"""

import contextlib
import functools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

import pytest
from playwright.sync_api import ConsoleMessage, Error, Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.driver import BrowserThread as BrowserThread

P = ParamSpec("P")
T = TypeVar("T")
Words = str | re.Pattern[str]
Role = Literal["button", "tab", "link", "menuitem", "checkbox", "radio", "switch", "option"]

PATIENCE_MS = 30_000
WIDE = (1280, 800)
PHONE = (390, 844)
PRESSABLE: tuple[Role, ...] = ("button", "tab", "link", "menuitem", "checkbox", "radio", "switch", "option")
TYPING_TRIES = 15
TOOLTIP_MS = 3_000
NO_TOOLTIP = """
() => ![...document.querySelectorAll("[aria-owns]")].some(
  holder => holder.getAttribute("aria-owns").split(" ").some(id => {
    const owned = document.getElementById(id);
    return owned && owned.tagName !== "FLT-PLATFORM-VIEW";  // the area in which text can be selected stays
  }))
"""
NAMELESS = """
() => [...document.querySelectorAll(
  "flt-semantics-host :is([role=button], [role=tab], [role=radio], [role=checkbox], [role=switch], input, textarea)"
)].filter(one => !(one.getAttribute("aria-label") ?? one.innerText ?? "").trim()).map(one => one.outerHTML)
"""
FOCUSED = """
() => (document.activeElement.getAttribute("aria-label") ?? document.activeElement.innerText ?? "").split("\\n")[0]
"""
HAS_FOCUS = "field => field === document.activeElement"

SWITCH_ON_ACCESSIBILITY = """
(() => {
  const timer = setInterval(() => {
    document.querySelector("flt-semantics-placeholder")?.click();
    if (document.querySelector("flt-semantics-host flt-semantics")) clearInterval(timer);
  }, 50);
})();
"""
FRAMES = """
count => new Promise(done => {
  const next = () => count-- > 0 ? requestAnimationFrame(next) : done();
  next();
})
"""

# The page asks a public host for a file that it can do without, whether there is a network or not.
HARMLESS = ("rive_native.js",)


def in_browser(
    method: Callable[Concatenate["Person", P], T],
) -> Callable[Concatenate["Person", P], T]:
    """Let a method of a person run in the browser's thread."""

    @functools.wraps(method)
    def run(self: "Person", /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.thread.call(lambda: method(self, *args, **kwargs))

    return run


class Person:
    """A person with a browser window of their own: no cookie, tab or storage is shared with another's.

    Every `…_soon` and every deed waits up to 30 s for what it needs, then raises AssertionError or Playwright's
    TimeoutError. Names and labels are matched whole, letter for letter; a pattern matches where it is found.
    """

    def __init__(
        self,
        thread: BrowserThread,
        name: str = "",
        size: tuple[int, int] = WIDE,
        locale: str = "en-GB",
        timezone: str = "Europe/London",
        color_scheme: Literal["light", "dark"] = "light",
    ) -> None:
        self.thread = thread
        self.name = name
        self._errors: list[str] = []
        self.page = thread.call(lambda: self._window(size, locale, timezone, color_scheme))

    def _window(
        self, size: tuple[int, int], locale: str, timezone: str, color_scheme: Literal["light", "dark"]
    ) -> Page:
        context = self.thread.browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=locale,
            timezone_id=timezone,
            color_scheme=color_scheme,
            reduced_motion="reduce",  # each frame of an animation is drawn without a graphics card
        )
        context.set_default_timeout(PATIENCE_MS)
        context.add_init_script(SWITCH_ON_ACCESSIBILITY)
        page = context.new_page()
        page.on("console", self._note_console)
        page.on("pageerror", self._note_page_error)
        return page

    def _note_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self._errors.append(f"{message.text} ({message.location.get('url', '')})")

    def _note_page_error(self, error: Error) -> None:
        self._errors.append(f"uncaught: {error}")

    # Where they are

    @in_browser
    def open(self, url: str) -> None:
        """Go to an address, and return when the page can be read."""
        self.page.goto(url)
        self._wait_until_readable()

    @in_browser
    def reload(self) -> None:
        """Load the page anew, and return when it can be read."""
        self.page.reload()
        self._wait_until_readable()

    @in_browser
    def go_back(self) -> None:
        """Press the browser's own back button."""
        self.page.go_back(wait_until="commit")

    @in_browser
    def close(self) -> None:
        """Close the window. Twice is harmless."""
        self.page.context.close()

    def _wait_until_readable(self) -> None:
        self.page.locator("flt-semantics-host flt-semantics").first.wait_for(state="attached")

    # What they do

    @in_browser
    def press(self, name: Words, role: Role | None = None) -> None:
        """Click the one button, tab, link, menu item, check box or switch of that name."""
        self._pressable(name, role).click()

    @in_browser
    def type(self, label: str, text: str) -> None:
        """Replace what stands in a field, and return when it has stayed there.

        Flutter attaches its editor some frames after the focus, and then overwrites what stands in the DOM: what was
        written before is lost. It says nowhere that it is ready, so this looks whether the text lasts, and tries again.
        """
        field = self._field(label)
        field.hover()
        self._let_tooltips_go()
        for again in range(TYPING_TRIES):
            field.click()
            self._frames(2 + 2 * again)
            field.fill(text)
            self._frames(4 + 2 * again)
            if field.input_value() == text and field.evaluate(HAS_FOCUS):
                self._touch()
                if field.input_value() == text:
                    return
            field.blur()
            self._frames(2 + 2 * again)
        raise AssertionError(f"{label!r} does not keep {text!r} but has {field.input_value()!r}: {self.text()}")

    def _touch(self) -> None:
        """Type something and take it back: what stood in the DOM before Flutter listened is heard now at the latest."""
        for key in ("End", "Space", "Backspace"):
            self.page.keyboard.press(key)
        self._frames(2)

    @in_browser
    def say(self, label: str, text: str) -> None:
        """Type into a composer and press Enter; return when the composer is empty again."""
        self.type(label, text)
        self.page.keyboard.press("Enter")
        expect(self._field(label)).to_have_value("", timeout=PATIENCE_MS)

    @in_browser
    def key(self, combination: str) -> None:
        """Press keys as in `Escape`, `Control+K`, `Shift+Enter`."""
        self.page.keyboard.press(combination)

    @in_browser
    def scroll(self, pixels: int) -> None:
        """Turn the mouse wheel (down where positive) over the middle of the window."""
        size = self.page.viewport_size
        assert size is not None
        self.page.mouse.move(size["width"] / 2, size["height"] / 2)
        self.page.mouse.wheel(0, pixels)
        self._frames(5)

    @in_browser
    def scroll_to(self, text: Words, pixels: int = 400, at_most: int = 100) -> None:
        """Turn the wheel in steps until a text is in the window, and back: a slow page may let it pass unseen."""
        for step in [pixels] * at_most + [-pixels] * at_most:
            if self.sees(text):
                return
            self.scroll(step)
        raise AssertionError(f"{self.name} does not come to {text!r} by scrolling {at_most} times {pixels} pixels")

    @in_browser
    def with_page(self, work: Callable[[Page], T]) -> T:
        """Whatever else Playwright can do. `work` runs in the browser's thread."""
        return work(self.page)

    # What they see

    @in_browser
    def sees(self, text: Words, exact: bool = False) -> bool:
        """Whether some text, label or picture's name is in the window now."""
        return any(self._in_window(found) for found in self._shown(text, exact).all())

    @in_browser
    def sees_soon(self, text: Words, exact: bool = False, times: int | None = None) -> None:
        """Wait until they see it; where `times` is given, until they see it just so many times."""
        if times is not None:
            expect(self._shown(text, exact)).to_have_count(times, timeout=PATIENCE_MS)
        else:
            expect(self._shown(text, exact).first).to_be_in_viewport(timeout=PATIENCE_MS)

    @in_browser
    def sees_no_more(self, text: Words, exact: bool = False) -> None:
        """Wait until it is gone, also from where a list is scrolled a little.

        That something never comes is proved only by waiting first for something that comes after it.
        """
        expect(self._shown(text, exact)).to_have_count(0, timeout=PATIENCE_MS)

    @in_browser
    def can_press(self, name: Words, role: Role | None = None) -> bool:
        """Whether there is such a thing to press now, and it is not disabled."""
        found = self._pressable(name, role)
        return found.count() == 1 and found.is_enabled()

    @in_browser
    def nameless(self) -> list[str]:
        """The controls in the window that a screen reader could not say the name of."""
        return [str(one) for one in self.page.evaluate(NAMELESS)]

    @in_browser
    def reached_by_tab(self, times: int) -> list[str]:
        """The names of what has the focus, one after the other, as the Tab key is pressed so often."""
        reached = []
        for _ in range(times):
            self.page.keyboard.press("Tab")
            self._frames(2)
            reached.append(str(self.page.evaluate(FOCUSED)))
        return reached

    @in_browser
    def value(self, label: str) -> str:
        """What stands in a field."""
        return self._field(label).input_value()

    @in_browser
    def title(self) -> str:
        """The title of the tab."""
        return self.page.title()

    @in_browser
    def title_soon(self, title: Words) -> None:
        """Wait until the tab has that title."""
        expect(self.page).to_have_title(title, timeout=PATIENCE_MS)

    @in_browser
    def text(self) -> str:
        """All that is written in the window, a line each: to be read in a failure."""
        return self.page.locator("flt-semantics-host").aria_snapshot()

    @in_browser
    def screenshot(self, path: Path) -> None:
        """Keep a picture of the window as PNG."""
        self.page.screenshot(path=path)

    @in_browser
    def console_errors(self, besides: tuple[str, ...] = ()) -> list[str]:
        """Errors of the page's scripts and console so far, without those that contain one of `besides`."""
        self.page.evaluate("0")  # what the browser said before its answer is noted by now
        return [line for line in self._errors if not any(known in line for known in HARMLESS + besides)]

    # How it is found

    def _pressable(self, name: Words, role: Role | None) -> Locator:
        roles = (role,) if role else PRESSABLE
        found = self._by_role(roles[0], name)
        for other in roles[1:]:
            found = found.or_(self._by_role(other, name))
        return found

    def _by_role(self, role: Role, name: Words) -> Locator:
        if role == "link":  # Flutter's links have no address, and so no role
            return self.page.locator("flt-semantics-host a").and_(self.page.get_by_text(name, exact=True))
        return self.page.get_by_role(role, name=name, exact=True)

    def _field(self, label: str) -> Locator:
        """Flutter adds to a field's name, on lines of their own: its hint while it has the focus, its error."""
        quoted = json.dumps(label)
        begins = json.dumps(label + "\n").replace("\\n", "\\a ")
        return self.page.locator(f":is(input, textarea):is([aria-label={quoted}], [aria-label^={begins}])")

    def _let_tooltips_go(self) -> None:
        """Wait until no tooltip of what was pressed before is left.

        With its tooltip Flutter takes a level out of the tree; what is moved by that loses the focus, and its text.
        """
        with contextlib.suppress(PlaywrightTimeout):  # an open menu is held the same way, and stays
            self.page.wait_for_function(NO_TOOLTIP, timeout=TOOLTIP_MS)

    def _shown(self, text: Words, exact: bool) -> Locator:
        page = self.page
        return page.get_by_text(text, exact=exact).or_(page.get_by_label(text, exact=exact)).filter(visible=True)

    def _in_window(self, found: Locator) -> bool:
        box, size = found.bounding_box(), self.page.viewport_size
        assert size is not None
        return (
            box is not None
            and box["x"] < size["width"]
            and box["x"] + box["width"] > 0
            and box["y"] < size["height"]
            and box["y"] + box["height"] > 0
        )

    def _frames(self, count: int) -> None:
        """Let the page draw so many times; a loaded machine draws slower, and is so given more time."""
        self.page.evaluate(FRAMES, count)


MakePerson = Callable[..., Person]


@pytest.fixture(scope="session")
def browser() -> Iterator[BrowserThread]:
    """One Chromium for all tests of a worker."""
    thread = BrowserThread()
    yield thread
    thread.close()


@pytest.fixture
def person(browser: BrowserThread, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[MakePerson]:
    """A function that seats people: `person("ana")`, `person("budi", size=PHONE, locale="id-ID")`.

    Where the test fails, what each saw last is left as `NAME.png` in its `tmp_path`.
    """
    seated: list[Person] = []
    failed_before = request.session.testsfailed

    def seat(name: str, **options: Any) -> Person:
        seated.append(Person(browser, name, **options))
        return seated[-1]

    yield seat
    for one in seated:
        if request.session.testsfailed > failed_before:
            with contextlib.suppress(Error):  # a page that hangs has no picture; the test's own failure matters more
                one.screenshot(tmp_path / f"{one.name}.png")
        one.close()
