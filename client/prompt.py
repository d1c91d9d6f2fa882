"""The prompt: for a person at a terminal."""

from typing import Final

from prompt_toolkit import PromptSession
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from client.output import Output
from client.shell import DONE, Target, open_shell
from client.syntax import SECRETIVE

LEAVE: Final = frozenset({"exit", "quit"})
GREETING: Final = "help lists all commands, exit leaves"
LOG_IN: Final = "auth username password logs in; "


async def at_prompt(target: Target, output: Output) -> int:
    """A person at a terminal; pushes appear above the prompt, and Ctrl-C stops a transfer."""
    session: PromptSession[str] = PromptSession(history=_History())
    async with open_shell(target, output, listen=True, interactive=True) as shell:
        with patch_stdout():
            await shell.resume()
            output.note(GREETING if shell.logged_in else LOG_IN + GREETING)
            while True:
                try:
                    line = await session.prompt_async(lambda: shell.prompt)
                except EOFError:
                    return DONE
                except KeyboardInterrupt:  # the first takes back what is typed
                    if session.default_buffer.text:
                        continue
                    return DONE
                if line.strip().lower() in LEAVE:
                    return DONE
                if line.strip():
                    await shell.do(line)


class _History(InMemoryHistory):
    """Lines typed before, in memory alone, and those with a password not at all."""

    def append_string(self, string: str) -> None:
        words = string.split(maxsplit=1)
        if words and words[0].lower() not in SECRETIVE:
            super().append_string(string)
