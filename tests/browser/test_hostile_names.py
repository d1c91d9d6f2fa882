"""Files with names made to harm, saved by a real browser: it is given no path, no other header, no hidden ending."""

import asyncio
from pathlib import Path

from playwright.sync_api import Browser, Page

from client.filenames import DEVICE
from client.harmless import is_harmful
from client.ui.files import address
from client.ui.tickets import Save
from tests.browser.driver import BrowserThread
from tests.rules.test_ui_files import CONTENT, Site, file_of, on, served

NAMES = (
    "../../../etc/passwd",
    "..\\..\\Startup\\evil.exe",
    "C:\\Windows\\x.dll",
    ".bashrc",
    "..",
    "foto\u202egpj.exe",
    "foto.jpg\r\nContent-Type: text/html\r\n\r\n<script>",
    'a"; filename="evil.html',
    "a'; filename*=UTF-8''evil.html",
    "%2e%2e%2fevil",
    "CON",
    "nul.txt",
    "a\0b.txt",
    "é" * 127,
    "~/.ssh/authorized_keys",
)


def saved_as(browser: Browser, urls: list[str]) -> list[tuple[str, bytes]]:
    """Under which names a browser saves what is there, and the bytes."""
    page: Page = browser.new_page()
    found = []
    for url in urls:
        with page.expect_download() as download:
            page.evaluate("url => { location.href = url }", url)
        found.append((download.value.suggested_filename, Path(download.value.path()).read_bytes()))
    page.close()
    return found


def test_a_hostile_name_is_a_name_beside_others(browser: BrowserThread, tmp_path: Path) -> None:
    async def test(site: Site) -> None:
        async with served(site) as (host, port):
            files = [file_of(name=name) for name in NAMES]
            urls = [f"http://{host}:{port}{address(site.tab, Save(file))}" for file in files]
            saved = await asyncio.to_thread(browser.call, lambda: saved_as(browser.browser, urls))
        for name, (shown, content) in zip(NAMES, saved, strict=True):
            assert content == CONTENT, name
            assert not set(shown) & set('/\\\0"'), (name, shown)
            assert not any(map(is_harmful, shown)), (name, shown)
            assert not shown.startswith((".", "~")), (name, shown)
            assert not DEVICE.fullmatch(shown), (name, shown)

    on(tmp_path, test)
