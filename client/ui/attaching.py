"""What somebody is about to send along: the dialog that the paper clip opens."""

from pathlib import Path

from client.ui.draw import LoggedOutError, Tick
from client.ui.spool import Spool
from client.ui.tabs import Tab
from schemas.names import ConversationId


class Attaching:
    """The dialog of one window. The files are the tab's: its browser brings them by another way than the window's."""

    def __init__(self, tab: Tab) -> None:
        self._tab = tab
        self.tick = Tick()
        self.is_open = False
        self._seen: object = None

    @property
    def chosen(self) -> list[Spool]:
        """The files, in the order in which they were chosen."""
        return self._tab.choice.files

    @property
    def left_over(self) -> int:
        """How many more were chosen than can be sent at once."""
        return self._tab.choice.left_over

    @property
    def can_be_sent(self) -> bool:
        """Whether there is a file that can be sent, even if it is not here yet."""
        return any(spool.is_wanted for spool in self.chosen)

    def open(self) -> None:
        """Somebody wants to choose."""
        self.is_open = True
        self.tick.redraw()

    def close(self) -> None:
        """Nothing is to be sent."""
        self._tab.choice.forget()
        self.hide()

    def hide(self) -> None:
        """Show no dialog; what is chosen stays so."""
        if self.is_open:
            self.is_open = False
            self.tick.redraw()

    def choose_own(self, conversation: ConversationId, path: Path, name: str, size: int) -> None:
        """A file of this machine, where the window is this machine's."""
        self._tab.choice.add_own(conversation, Spool.of_own(path, name, size))
        self.refresh(conversation)

    def leave_out(self, spool: Spool) -> None:
        """This one is not to be sent."""
        self._tab.choice.leave_out(spool)
        self._see()

    def send(self, conversation: ConversationId) -> bool:
        """Send all of them, each as a message; and some may still be coming here.

        False where that would be too many messages on their way: the others stay chosen. Raises LoggedOutError.
        """
        chat, choice = self._tab.chat, self._tab.choice
        if chat is None or chat.desk is None:
            raise LoggedOutError
        if choice.room != conversation:
            choice.forget()
        choice.files = list(chat.send_files(conversation, choice.take()))
        if choice.files:
            self._see()
            return False
        self.hide()
        return True

    def refresh(self, room: ConversationId | None) -> None:
        """See what has changed; what was dropped on the page opens the dialog, in the room where that was."""
        if self._tab.choice.room not in (None, room):
            self._tab.choice.forget()
        if (self.chosen or self.left_over) and not self.is_open:
            self.open()
        self._see()

    def _see(self) -> None:
        seen = [(spool, spool.percent, spool.is_here, spool.state) for spool in self.chosen], self.left_over
        if seen != self._seen:
            self._seen = seen
            self.tick.redraw()
