"""How somebody wants to see this client: the browser keeps it, for all its tabs."""

import asyncio
import contextlib
from typing import Final

import flet as ft

from client.ui.words import LANGUAGES, Words, choose

THEMES: Final = {"system": ft.ThemeMode.SYSTEM, "light": ft.ThemeMode.LIGHT, "dark": ft.ThemeMode.DARK}
BROWSER_S: Final = 3.0
"""Seconds that a browser has to say or keep something; one may refuse to keep anything."""
_THEME, _LANGUAGE = "bagan.theme", "bagan.language"  # `page.js` reads the second


class Preferences:
    """Those of one page: chosen by hand, or else as the browser prefers."""

    def __init__(self, languages: str) -> None:
        self.words: Words = choose(languages)
        self.theme = "system"
        self._kept = ft.SharedPreferences()

    async def read(self) -> None:
        """Take what the browser keeps, if it answers."""
        theme = language = None
        with contextlib.suppress(RuntimeError, TimeoutError):
            async with asyncio.timeout(BROWSER_S):
                theme, language = await self._kept.get(_THEME), await self._kept.get(_LANGUAGE)
        if isinstance(theme, str) and theme in THEMES:
            self.theme = theme
        if isinstance(language, str) and language in LANGUAGES:
            self.words = LANGUAGES[language]

    async def keep(self) -> None:
        """Have the browser keep what is chosen now, if it does."""
        with contextlib.suppress(RuntimeError, TimeoutError):
            async with asyncio.timeout(BROWSER_S):
                await self._kept.set(_THEME, self.theme)
                await self._kept.set(_LANGUAGE, self.words.code)
