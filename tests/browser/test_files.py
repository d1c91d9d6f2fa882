"""The contract's walk-through 5: files, by the clip and by dropping, there and back, and when something fails."""

import io
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, WebSocketRoute

from tests.browser.conftest import ID, Campus, in_list, log_in, open_room, until
from tests.browser.person import PHONE, Person, Words

WRITE = "Write a message"
LOST = "Connection lost. Reconnecting…"
REFUSED = "These files were not taken. Open the chat that they are for, and choose them again."
CLIP, CHOOSE = "Attach files", "Choose a file"
WARNED = """
() => {
  const leaving = new Event("beforeunload", { cancelable: true });
  dispatchEvent(leaving);
  return leaving.defaultPrevented;
}
"""
DROP = """
([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    if (document.body.dispatchEvent(event)) throw new Error(`${kind} is left to the browser`);
  }
}
"""


def choose(one: Person, *paths: Path, clip: str = CLIP, button: str = CHOOSE) -> None:
    """Choose files by the paper clip, and return when the dialog shows all of them."""
    one.press(clip)

    def pick(page: Page) -> None:
        with page.expect_file_chooser() as chooser:
            one.press(button)
        chooser.value.set_files(list(paths))

    one.with_page(pick)
    for path in paths:
        one.sees_soon(path.name)


def send(one: Person, *paths: Path) -> None:
    """Send files by the paper clip."""
    choose(one, *paths)
    one.press("Send File")


def saved(one: Person, name: Words) -> tuple[str, bytes]:
    """What the browser has saved, once a button was pressed: under which name, and the bytes."""

    def save(page: Page) -> tuple[str, bytes]:
        with page.expect_download() as download:
            one.press(name)
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()

    return one.with_page(save)


def drop(one: Person, name: str, text: str) -> None:
    """Drop a file on the page."""
    one.with_page(lambda page: page.evaluate(DROP, [name, text]))


def is_drawn(one: Person, label: str) -> Callable[[], bool]:
    """Whether there is a picture in colours where something of that name is."""

    def look(page: Page) -> bool:
        box = page.get_by_label(label).or_(page.get_by_role("button", name=label, exact=True)).first.bounding_box()
        if box is None:  # it is just drawn anew
            return False
        middle = round(box["x"] + box["width"] / 2), round(box["y"] + box["height"] / 2)
        with Image.open(io.BytesIO(page.screenshot())) as shot:
            colour = shot.convert("RGB").getpixel(middle)
        assert isinstance(colour, tuple)
        red, green, blue = colour
        return red > 180 and green < 90 and blue < 90

    return lambda: one.with_page(look)


def spooled(campus: Campus) -> list[Path]:
    """Files that wait in the web process's folder."""
    return [path for path in campus.web.home.glob("tabs/*/files/*") if path.is_file()]


def test_a_text_and_a_picture_are_sent_seen_and_saved(campus: Campus, tmp_path: Path) -> None:
    report, photo = tmp_path / "laporan akhir 😀.txt", tmp_path / "foto.jpg"
    report.write_bytes(b"halo, selamat malam\n" * 20_000 + os.urandom(1_000))
    Image.new("RGB", (1_600, 1_200), (220, 20, 30)).save(photo)
    messi, henderson = campus.home("messi"), campus.home("henderson", ID, size=PHONE)
    open_room(messi, "henderson")
    choose(messi, report, photo)
    messi.sees_soon("401 kB")
    messi.press("Send File")
    for name in (report.name, photo.name):
        messi.sees_soon(re.compile(f"^You, .*: {name}, [\\d.]+ kB$"), times=1)
        messi.sees_soon(f"Save {name}")
    messi.sees_soon(in_list("Jordan Henderson"))
    until(is_drawn(messi, "Show foto.jpg"), "the small picture is there")
    until(lambda: not spooled(campus), "what was sent does not wait any more")

    henderson.press(re.compile("Obrolan"))
    henderson.press(re.compile("^Lionel Messi, 2 belum dibaca, .*, (foto.jpg|laporan akhir 😀.txt)$"))
    henderson.sees_soon(re.compile("^Lionel Messi, .*: laporan akhir 😀.txt, 401 kB$"), times=1)
    until(is_drawn(henderson, "Lihat foto.jpg"), "the small picture is there too")
    assert saved(henderson, f"Simpan {report.name}") == (report.name, report.read_bytes())
    henderson.press("Lihat foto.jpg")
    henderson.sees_soon("Tutup")
    until(is_drawn(henderson, "foto.jpg"), "the picture is large")
    assert saved(henderson, "Simpan foto.jpg") == ("foto.jpg", photo.read_bytes())
    henderson.press("Tutup")
    henderson.sees_soon("Tulis pesan")
    assert saved(messi, "Save foto.jpg") == ("foto.jpg", photo.read_bytes())
    campus.no_console_errors()


def test_a_file_is_cancelled_before_and_on_its_way(campus: Campus, tmp_path: Path) -> None:
    report = tmp_path / "laporan.txt"
    report.write_text("halo")
    messi = campus.home("messi")
    open_room(messi, "henderson")
    choose(messi, report)
    until(lambda: len(spooled(campus)) == 1, "it waits for being sent")
    messi.press("Cancel")
    messi.sees_soon(WRITE)
    assert not messi.sees(report.name)
    until(lambda: not spooled(campus), "it is gone")
    campus.realm.kill()
    send(messi, report)
    messi.sees_soon(re.compile(r"sending: laporan.txt, 4 B$"), times=1)
    messi.press("Cancel laporan.txt")
    messi.sees_no_more("laporan.txt")
    until(lambda: not spooled(campus), "it is gone again")
    campus.realm.start()
    messi.sees_no_more(LOST)
    messi.say(WRITE, "after all, nothing")
    messi.sees_soon("stored: after all, nothing")
    assert not messi.sees("laporan.txt")
    campus.no_console_errors()


def test_a_file_that_failed_is_sent_again_and_arrives_once(campus: Campus, tmp_path: Path) -> None:
    report, other = tmp_path / "laporan.txt", tmp_path / "lain.txt"
    report.write_text("halo")
    other.write_text("lain")
    messi = campus.home("messi")
    open_room(messi, "henderson")
    campus.realm.kill()
    send(messi, report)
    messi.sees_soon("sending: laporan.txt")
    send(messi, other)
    messi.sees_soon(re.compile("not sent: The realm does not answer.*: laporan.txt, 4 B$"), times=1)
    messi.sees_soon("Discard", times=2)
    messi.with_page(lambda page: page.get_by_role("button", name="Discard", exact=True).last.click())
    messi.sees_no_more("lain.txt")
    campus.realm.start()
    messi.sees_no_more(LOST)
    messi.press("Try again")
    messi.sees_soon("stored: laporan.txt, 4 B", times=1)
    messi.sees_no_more("not sent")
    assert saved(messi, "Save laporan.txt") == ("laporan.txt", b"halo")
    (told,) = campus.script("henderson").ask("inbox")[0]["messages"]
    assert (told["kind"], told["file"]["name"], told["file"]["size"]) == ("file", "laporan.txt", 4)
    until(lambda: not spooled(campus), "nothing waits any more")
    campus.no_console_errors()


def test_what_is_dropped_on_a_group_is_for_all_and_for_nobody_after_the_logout(campus: Campus) -> None:
    messi = campus.home("messi")
    addresses: list[str] = []
    messi.with_page(lambda page: page.on("download", lambda download: addresses.append(download.url)))
    messi.press("Group Chat")
    messi.press("new, 3 members: henderson, lineker, messi")
    messi.sees_soon(WRITE)
    drop(messi, "../foto\u202egpj.txt", "dropped")
    messi.sees_soon("Send File")
    messi.sees_soon("7 B")
    messi.press("Send File")
    messi.sees_soon(re.compile("^You, .*stored: .*gpj.txt, 7 B$"), times=1)
    name, content = saved(messi, re.compile("^Save .*gpj.txt$"))
    assert (content, name.endswith("gpj.txt"), "\u202e" in name) == (b"dropped", True, False)
    messi.press("Home")
    messi.sees_soon(re.compile("^new, .*, You, .*gpj.txt$"))
    for member in ("henderson", "lineker"):
        (told,) = campus.script(member).ask("inbox")[0]["messages"]
        assert told["file"]["size"] == 7

    drop(messi, "home.txt", "nobody takes it")
    (address,) = addresses
    assert status(messi, address) == 200
    messi.press("Logout")
    messi.sees_soon("Sign in", exact=True)
    assert not messi.sees("Send File")
    drop(messi, "out.txt", "nobody takes it")
    assert status(messi, address) == 404
    assert not spooled(campus)
    campus.no_console_errors(("409",))


def status(one: Person, address: str) -> int:
    return one.with_page(lambda page: page.request.get(address).status)


@pytest.mark.thorough
def test_who_chooses_files_that_are_not_taken_is_told(campus: Campus) -> None:
    messi = campus.home("messi")
    open_room(messi, "henderson")
    messi.with_page(lambda page: page.route("**/files", lambda route: route.fulfill(status=409)))
    drop(messi, "a.txt", "nobody takes it")
    messi.sees_soon(REFUSED)
    messi.sees_no_more(REFUSED)
    messi.with_page(lambda page: page.unroute("**/files"))
    drop(messi, "a.txt", "it is taken")
    messi.sees_soon("Send File")
    campus.no_console_errors(("409",))


@pytest.mark.thorough
def test_a_file_that_a_proxy_refuses_is_lost_at_once_and_the_next_one_comes(campus: Campus, tmp_path: Path) -> None:
    refused, taken = tmp_path / "besar.bin", tmp_path / "kecil.txt"
    refused.write_bytes(bytes(1_000))
    taken.write_text("halo")
    messi = campus.home("messi")
    open_room(messi, "henderson")

    def refuse(route: Route) -> None:
        large = route.request.method == "PUT" and route.request.headers.get("content-length") == "1000"
        if large or len(route.request.post_data_buffer or b"") == 1_000:
            route.fulfill(status=413)
        else:
            route.continue_()

    messi.with_page(lambda page: page.route("**/files/*", refuse))
    choose(messi, refused, taken)
    messi.sees_soon("This file has not come whole: choose it again.")
    messi.press("Send File")
    messi.sees_soon("stored: kecil.txt, 4 B", times=1)
    assert not messi.sees("besar.bin")
    campus.no_console_errors(("413",))


@pytest.mark.thorough
def test_a_lost_connection_cuts_no_file_that_is_on_its_way(campus: Campus, tmp_path: Path) -> None:
    large = tmp_path / "besar.bin"
    large.write_bytes(bytes(6 << 20))
    sockets: list[WebSocketRoute] = []

    def connect(socket: WebSocketRoute) -> None:
        socket.connect_to_server()
        sockets.append(socket)

    messi = campus.seat("messi")
    campus.seated.append(messi)
    messi.with_page(lambda page: page.route_web_socket(re.compile("/ws"), connect))
    messi.open(campus.web.url)
    log_in(messi, "messi")
    open_room(messi, "henderson")
    messi.with_page(slow_down)
    choose(messi, large)
    assert messi.with_page(lambda page: page.evaluate(WARNED))
    messi.with_page(lambda page: page.evaluate("window.before = true"))
    messi.with_page(lambda _: sockets[-1].close())
    messi.sees_soon(LOST)
    (spool,) = spooled(campus)
    while spool.stat().st_size < large.stat().st_size:
        assert messi.with_page(lambda page: page.evaluate("window.before")), "it would be cut"
    messi.sees_no_more(LOST)
    messi.sees_soon("Send File")
    assert not messi.with_page(lambda page: page.evaluate(WARNED))
    messi.press("Send File")
    messi.sees_soon("stored: besar.bin", times=1)
    campus.no_console_errors(("WebSocket", "uncaught: Exception"))


def slow_down(page: Page) -> None:
    """Let no more than a megabyte a second go out."""
    session = page.context.new_cdp_session(page)
    limits = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 1 << 20}
    session.send("Network.enable")
    session.send("Network.emulateNetworkConditions", limits)
