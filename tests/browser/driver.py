"""A Chromium, and the one thread that drives it."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from playwright.sync_api import Browser, sync_playwright

from tests.browser import chromium

T = TypeVar("T")

# What Playwright switches off (of several such lists Chromium takes the last), and the drop-down of the address bar,
# which nobody sees here: two pages of its own for each window, with a fifth of the processor time that a page takes.
NOT_WANTED = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    # Compiled once and plainly: no page lives long enough for what a better compilation of its engine costs.
    "--js-flags=--liftoff-only",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(NOT_WANTED)}",
    # No test depends on what is beyond this machine: no other name is found.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


class BrowserThread:
    """A Chromium, and the one thread that drives it.

    Playwright's synchronous interface leaves an event loop running in the thread that started it. In the thread of the
    tests no `asyncio.run()` would start any more, in any later test of the same worker.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="browser")
        try:
            self._ident = self._executor.submit(threading.get_ident).result()
            self.browser = self.call(self._launch)
        except BaseException:
            self._executor.shutdown()
            raise

    def call(self, work: Callable[[], T]) -> T:
        """What `work` returns or raises, done in the browser's thread."""
        if threading.get_ident() == self._ident:
            return work()
        return self._executor.submit(work).result()

    def close(self) -> None:
        """End the browser and its thread."""
        self.call(self._close)
        self._executor.shutdown()

    def _launch(self) -> Browser:
        path = chromium.on_this_machine()  # may ask a Playwright of its own: one at a time in a thread
        self._manager = sync_playwright()
        playwright = self._manager.start()
        try:
            return playwright.chromium.launch(executable_path=path, args=list(OPTIONS))
        except BaseException:
            playwright.stop()
            raise

    def _close(self) -> None:
        self.browser.close()
        self._manager.__exit__()
