"""Who is who in one window, while one person is logged in there: what they are called, and who is active."""

from collections.abc import Callable
from itertools import islice

from client.model.desk import Desk
from client.model.who import is_elsewhere, other, title
from client.ui.chat import Chat
from client.ui.presence import Presence
from schemas import commands
from schemas.limits import MAX_ITEMS
from schemas.names import Address, ConversationId


class People:
    """Those of whom the window knows. `changed` is called when there is more to see of them."""

    def __init__(self, chat: Chat, desk: Desk, changed: Callable[[], None]) -> None:
        self._chat = chat
        self._desk = desk
        self._changed = changed
        self._names: dict[Address, str] = {}
        """Display names, as far as lists have told them."""
        self._listed: dict[Address, bool] = {}
        """Who is on the page, and whether they were active when the realm listed them."""
        self.presence = Presence(chat.ask, changed)

    def title(self, conversation: ConversationId) -> str:
        """What a conversation is called."""
        row = self._desk.overview.rows.get(conversation)
        address = other(conversation, self._desk.user)
        told = row.title if row is not None else ""
        return title(conversation, self._desk.user, told or (self._names.get(address, "") if address else ""))

    def is_active(self, address: Address | None) -> bool:
        """Whether somebody is active, as far as that is known."""
        if address is None:
            return False
        known = address in self.presence.told
        return address in self.presence.active if known else self._listed.get(address, False)

    @property
    def listed(self) -> dict[Address, bool]:
        """Who is on the page, and whether they are active."""
        return {address: self.is_active(address) for address in self._listed}

    def list(self, username: str, name: str, *, active: bool) -> None:
        """Somebody is on the page now, as the realm has told."""
        address = self._chat.address(username)
        self._names[address] = name
        self._listed.pop(address, None)
        self._listed[address] = active

    def leave_page(self) -> None:
        """The page is another one."""
        self._listed.clear()

    def watch(self) -> None:
        """Follow who is active of those that are seen: of the room, of the page, then of the list; 100 in all."""
        user, room = self._desk.user, self._desk.room
        rooms = [row.id for row in islice(self._desk.overview.newest_first, MAX_ITEMS)]
        first = [] if room is None else [other(room, user)]
        listed = [*self._listed][-MAX_ITEMS:]
        seen = filter(None, [*first, *listed, *(other(one, user) for one in rooms)])
        self.presence.watch(dict.fromkeys(one for one in seen if not is_elsewhere(one, user)))

    async def find(self, conversation: ConversationId) -> None:
        """Ask for the name of somebody whom no list has told of. Raises what `Chat.ask` does."""
        address = other(conversation, self._desk.user)
        if address is None or address in self._names or conversation in self._desk.overview.rows:
            return
        if is_elsewhere(address, self._desk.user):
            return
        found = await self._chat.ask(commands.Users(id=0, find=address.partition("@")[0]))
        for user in found.users:
            self._names[self._chat.address(user.username)] = user.name
        self._changed()
