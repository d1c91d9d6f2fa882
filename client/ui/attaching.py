"""What somebody is about to send along: the files of the dialog that the paper clip opens."""

from pathlib import Path

from client.ui.draw import Tick
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
        return self._tab.chosen

    @property
    def can_be_sent(self) -> bool:
        """Whether there is a file that can be sent, even if it is not here yet."""
        return any(spool.loss is None for spool in self.chosen)

    def open(self) -> None:
        """Somebody wants to choose."""
        self.is_open = True
        self.tick.redraw()

    def close(self) -> None:
        """Nothing is to be sent."""
        self._tab.forget_chosen()
        if self.is_open:
            self.is_open = False
            self.tick.redraw()

    def choose_own(self, path: Path, name: str, size: int) -> None:
        """A file of this machine, where the window is this machine's."""
        self.chosen.append(Spool.of_own(path, name, size))
        self.refresh()

    def leave_out(self, spool: Spool) -> None:
        """This one is not to be sent."""
        self._tab.chosen = [one for one in self.chosen if one is not spool]
        spool.remove()
        self.refresh()

    def send(self, conversation: ConversationId) -> None:
        """Send all of them, each as a message; and some may still be coming here."""
        chat, chosen, self._tab.chosen = self._tab.chat, self.chosen, []
        assert chat is not None
        chat.send_files(conversation, [spool for spool in chosen if spool.loss is None])
        self.is_open = False
        self.tick.redraw()

    def refresh(self) -> None:
        """See what has changed; what was dropped on the page opens the dialog."""
        seen = [(spool, spool.percent, spool.is_here, spool.loss) for spool in self.chosen]
        if seen and not self.is_open:
            self.open()
        if seen != self._seen:
            self._seen = seen
            self.tick.redraw()
