"""One person's window: what a key does, what stays over a reload, and what is seen of what happens elsewhere."""

import re
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import ID, Campus, brightness, colours, in_list, log_in, open_room, until
from tests.browser.person import PHONE, Person

WRITE = "Write a message"


def written(one: Person) -> str:
    """What stands in the composer: Flutter puts it into the DOM only with the focus."""
    one.with_page(lambda page: page.get_by_label(WRITE).click())
    return one.value(WRITE)


def test_a_reload_keeps_the_login_and_the_room(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.say(WRITE, "before the reload")
    messi.sees_soon("stored: before the reload")
    messi.reload()
    messi.sees_soon("stored: before the reload", times=1)
    messi.say(WRITE, "after the reload")
    messi.sees_soon("stored: after the reload", times=1)
    campus.no_console_errors()


def test_each_conversation_keeps_its_draft(campus: Campus) -> None:
    campus.script("messi").tell("lineker", "halo")
    campus.script("messi").tell("henderson", "halo")
    messi = campus.home("messi")
    messi.press(in_list("Jordan Henderson"))
    messi.type(WRITE, "for Jordan")
    messi.press(in_list("Gary Lineker"))
    until(lambda: written(messi) == "", "the other room has no draft")
    messi.type(WRITE, "for Gary")
    messi.press(in_list("Jordan Henderson"))
    until(lambda: written(messi) == "for Jordan", "the draft is there again")
    messi.reload()
    messi.sees_soon(WRITE)
    until(lambda: written(messi) == "for Jordan", "the draft has outlived the reload")
    messi.press(in_list("Gary Lineker"))
    until(lambda: written(messi) == "for Gary", "the other one has too")
    messi.key("Enter")
    messi.sees_soon(": for Gary", times=1)
    messi.press(in_list("Jordan Henderson"))
    messi.press(in_list("Gary Lineker"))
    messi.sees_soon(": for Gary", times=1)
    until(lambda: written(messi) == "", "what was sent is a draft no more")
    campus.no_console_errors()


def test_what_was_typed_is_for_nobody_who_logs_in_after(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "lineker")
    messi.type(WRITE, "a secret")
    messi.press("Home")
    messi.press("Logout")
    messi.sees_soon("Sign in", exact=True)
    log_in(messi, "henderson")
    open_room(messi, "lineker")
    until(lambda: written(messi) == "", "the field is empty")
    assert not messi.sees("a secret")
    campus.no_console_errors()


@pytest.mark.thorough
def test_shift_enter_breaks_the_line_and_enter_sends(campus: Campus) -> None:
    messi, henderson = campus.home("messi"), campus.home("henderson")
    open_room(henderson, "messi")
    open_room(messi, "henderson")
    messi.type(WRITE, "first line")
    messi.key("Shift+Enter")
    until(lambda: messi.value(WRITE) == "first line\n", "the line is broken")
    messi.with_page(lambda page: page.keyboard.type("second line", delay=20))
    until(lambda: messi.value(WRITE) == "first line\nsecond line", "both lines are there")
    assert not messi.sees(": first line")
    messi.key("Enter")
    for one in (messi, henderson):
        one.sees_soon(re.compile(r": first line\s+second line$"), times=1)
    until(lambda: messi.value(WRITE) == "", "the field is empty, without a line break left")
    campus.no_console_errors()


def test_one_goes_on_typing_after_sending(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.say(WRITE, "one")
    messi.sees_soon("stored: one")
    messi.with_page(lambda page: page.keyboard.type("two", delay=20))
    until(lambda: messi.value(WRITE) == "two", "the field has the focus without a click")
    messi.key("Enter")
    messi.sees_soon("stored: two")
    campus.no_console_errors()


@pytest.mark.thorough
def test_escape_goes_back(campus: Campus) -> None:
    messi = campus.home("messi", size=PHONE)
    open_room(messi, "henderson")
    messi.key("Escape")
    messi.sees_no_more(WRITE)
    messi.sees_soon("Chats")
    messi.key("Escape")
    messi.sees_soon("Hello, Lionel Messi")
    messi.key("Escape")
    messi.press("Private Chat")  # at home there is nothing behind
    messi.sees_soon("Gary Lineker")
    campus.no_console_errors()


def test_control_k_searches_people_groups_and_chats(campus: Campus) -> None:
    lineker = campus.script("lineker")
    lineker.ask("addgroup Handball")
    lineker.tell("henderson", "halo")
    henderson = campus.home("henderson")
    henderson.sees_soon("Gary Lineker")
    henderson.key("Control+K")
    henderson.sees_soon("Search")
    henderson.type("People, groups, chats", "lionel")
    henderson.sees_soon(re.compile("^Lionel Messi, (not )?active$"))
    henderson.type("People, groups, chats", "hand")
    henderson.sees_soon("Join: Handball, 1 member")
    henderson.sees_no_more("Lionel Messi")
    henderson.type("People, groups, chats", "qqq")
    henderson.sees_soon("Nothing found for “qqq”")
    henderson.type("People, groups, chats", "gary")
    henderson.sees_soon("Gary Lineker, 1 unread, ", times=2)  # in the list beside, and among what was found
    henderson.press(re.compile("^Gary Lineker, (not )?active$"))
    henderson.sees_soon(": halo", times=1)
    campus.no_console_errors()


@pytest.mark.thorough
def test_the_browsers_back_button_goes_back(campus: Campus) -> None:
    messi = campus.home("messi")
    messi.press("Private Chat")
    messi.press(re.compile("^Jordan Henderson, (not )?active$"))
    messi.sees_soon(WRITE)
    messi.go_back()
    messi.sees_soon("Search people")
    messi.go_back()
    messi.sees_soon("Hello, Lionel Messi")
    messi.press("Settings")
    messi.sees_soon("Change password")
    messi.go_back()
    messi.sees_soon("Hello, Lionel Messi")
    campus.no_console_errors()


@pytest.mark.thorough
def test_what_is_unread_is_counted_in_the_list_and_the_title(campus: Campus) -> None:
    henderson, phone = campus.home("henderson"), campus.home("henderson", ID, size=PHONE)
    campus.script("messi").tell("henderson", "satu", "dua")
    campus.script("lineker").tell("henderson", "tiga")
    for one in (henderson, phone):
        one.title_soon("(3) Bagan")
    henderson.sees_soon("Lionel Messi, 2 unread")
    henderson.sees_soon("Gary Lineker, 1 unread")
    phone.press(re.compile("Obrolan"))
    phone.sees_soon("Lionel Messi, 2 belum dibaca")
    henderson.press(in_list("Lionel Messi"))
    henderson.sees_soon(": dua")
    for one in (henderson, phone):
        one.title_soon("(1) Bagan")  # what is read on one device is read on all
    henderson.press(in_list("Gary Lineker"))
    henderson.title_soon("Bagan")
    henderson.sees_no_more("unread")
    campus.no_console_errors()


def test_a_message_is_sent_then_stored_then_read(campus: Campus) -> None:
    messi, henderson = campus.home("messi"), campus.home("henderson")
    open_room(messi, "henderson")
    messi.say(WRITE, "are you there?")
    messi.sees_soon("stored: are you there?", times=1)
    henderson.press(in_list("Lionel Messi"))
    henderson.sees_soon(": are you there?", times=1)
    messi.sees_soon("read: are you there?", times=1)
    messi.sees_no_more("stored: are you there?")
    campus.no_console_errors()


@pytest.mark.thorough
def test_a_second_device_sees_what_one_says_on_the_first(campus: Campus) -> None:
    laptop, phone = campus.home("messi"), campus.home("messi", ID, size=PHONE)
    open_room(laptop, "henderson")
    laptop.say(WRITE, "from the laptop")
    phone.press(re.compile("Obrolan"))
    phone.press(in_list("Jordan Henderson", ID))
    phone.sees_soon(re.compile("^Anda, .*: from the laptop$"), times=1)
    phone.say("Tulis pesan", "from the phone")
    laptop.sees_soon(re.compile("^You, .*: from the phone$"), times=1)
    phone.title_soon("Bagan")  # one's own words are not unread
    campus.no_console_errors()


@pytest.mark.thorough
def test_the_old_window_of_a_tab_says_that_it_is_open_elsewhere(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    kept = messi.with_page(lambda page: str(page.evaluate("JSON.stringify(sessionStorage)")))
    copy = campus.seat("copy")
    campus.seated.append(copy)
    fill = f"Object.entries({kept}).forEach(([name, value]) => sessionStorage.setItem(name, value))"
    copy.with_page(lambda page: page.add_init_script(fill))
    copy.open(campus.web.url)
    copy.sees_soon("Hello, Lionel Messi")
    messi.sees_soon("This chat is open in another window")
    assert not messi.sees(WRITE)
    messi.reload()
    messi.sees_soon(WRITE)
    copy.sees_soon("This chat is open in another window")
    campus.no_console_errors()


def test_the_language_is_kept_over_a_reload(campus: Campus) -> None:
    messi = campus.visitor("messi")
    messi.press("Bahasa Indonesia")
    messi.sees_soon("Masuk", exact=True)
    messi.reload()
    messi.sees_soon("Masuk", exact=True)
    log_in(messi, "messi", ID)
    messi.press("Pengaturan")
    messi.press("English", "radio")
    messi.sees_soon("Change password")
    messi.reload()
    messi.sees_soon("Change password")
    messi.press("Home")
    messi.sees_soon("Hello, Lionel Messi")
    campus.no_console_errors()


@pytest.mark.thorough
def test_the_theme_is_kept_over_a_reload(campus: Campus) -> None:
    messi = campus.home("messi")
    messi.press("Settings")
    until(lambda: brightness(messi) > 200, "the page is light, as the system is")
    messi.press("Dark", "radio")
    until(lambda: brightness(messi) < 60, "the page is dark")
    messi.reload()
    messi.sees_soon("Change password")
    until(lambda: brightness(messi) < 60, "the page is still dark")
    messi.press("Light", "radio")
    until(lambda: brightness(messi) > 200, "the page is light again")
    campus.no_console_errors()


@pytest.mark.thorough
@pytest.mark.parametrize(("scheme", "bright"), [("dark", False), ("light", True)])
def test_the_page_is_as_the_system_is_and_its_fields_can_be_seen(campus: Campus, scheme: str, bright: bool) -> None:
    messi = campus.visitor("messi", color_scheme=scheme)
    until(lambda: (brightness(messi) > 200) == bright, "the login page is so")
    log_in(messi, "messi")
    until(lambda: (brightness(messi) > 200) == bright, "home is so")
    open_room(messi, "henderson")
    messi.press("Settings")
    messi.sees_soon("Old password")
    until(lambda: outlined(messi, "Old password") >= 3, "the outline is told from what is around it (WCAG AA: 3)")
    campus.no_console_errors()


def outlined(one: Person, label: str) -> float:
    """How the outline of a field stands out from what is left of it: the contrast, from 1 on."""
    box = one.with_page(lambda page: page.get_by_label(label).bounding_box())
    assert box is not None
    line = colours(one, box["x"] - 24, box["y"] + box["height"] / 2, 40)
    return max(contrast(point, line[0]) for point in line)


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """As WCAG defines it."""

    def luminance(colour: tuple[int, int, int]) -> float:
        parts = [part / 255 / 12.92 if part <= 10 else ((part / 255 + 0.055) / 1.055) ** 2.4 for part in colour]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.thorough
def test_what_was_said_last_is_in_the_list_at_the_viewers_own_time_and_links_lead_on(campus: Campus) -> None:
    (sent,) = campus.script("messi").ask("send henderson lihat: https://example.org/latihan?hari=1 🎉 明日")
    zone = "Pacific/Kiritimati"  # 14 hours ahead of UTC: hardly anywhere else is it so late
    henderson = campus.home("henderson", timezone=zone)
    at = datetime.fromtimestamp(sent["sent_at"] / 1_000, ZoneInfo(zone))
    said = "lihat: https://example.org/latihan?hari=1 🎉 明日"
    henderson.sees_soon(f"Lionel Messi, 1 unread, {at:%H:%M}, {said}")
    henderson.press(in_list("Lionel Messi"))
    henderson.sees_soon(f"Lionel Messi, {at:%H:%M}: {said}", times=1)
    henderson.sees_soon("Today", exact=True)
    henderson.say(WRITE, "baik")
    henderson.sees_soon(re.compile(r"^Lionel Messi, \d\d:\d\d, You, baik$"))

    def follow(page: Page) -> str:
        page.context.route("https://example.org/**", lambda route: route.fulfill(body="there"))
        with page.expect_popup() as opened:
            page.get_by_role("button", name="example.org").click()
        opened.value.wait_for_load_state()
        return opened.value.url

    assert henderson.with_page(follow) == "https://example.org/latihan?hari=1"
    campus.no_console_errors()


def test_what_is_written_is_never_markup(campus: Campus) -> None:
    markup = (
        "<b>bold</b><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script> **x** &amp;"
    )
    henderson = campus.home("henderson")
    open_room(henderson, "messi")
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.say(WRITE, markup)
    for one in (messi, henderson):
        one.sees_soon(f": {markup}", times=1)
        assert one.with_page(lambda page: page.locator("b, img[src=x], script:text('taken')").count()) == 0
        assert one.title() == "Bagan"
    campus.no_console_errors()


def test_in_a_group_a_name_that_anybody_may_take_stands_beside_the_username(campus: Campus) -> None:
    campus.script("messi").ask("sendgroup new halo")
    henderson = campus.home("henderson")
    henderson.press(in_list("new"))
    henderson.sees_soon(re.compile(r"^Lionel Messi \(messi\), \d\d:\d\d: halo$"), times=1)
    henderson.press("Home")
    open_room(henderson, "messi")
    henderson.sees_soon(re.compile(r"^messi · (not )?active"))
    campus.no_console_errors()
