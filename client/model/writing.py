"""What somebody is writing, while the field they write in is far away: it says what stands in it some time later."""


class Writing:
    """What was typed since the last message, whether the field has been emptied since, or has yet to be.

    Whoever types goes on while a message is on its way, in a field where what was sent may still stand before it.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        """What was typed and not sent."""
        self._stands = text
        self._sent = ""
        self._refused = False

    @property
    def is_emptied(self) -> bool:
        """Whether nothing that was sent stands in the field any more."""
        return not self._sent

    def typed(self, stands: str) -> None:
        """The field says what stands in it."""
        refused, self._refused = self._refused, False
        if refused and not stands:
            return  # it took for sent what was not
        if not stands.startswith(self._sent):
            self._sent = ""
        self._stands = stands
        self.text = stands.removeprefix(self._sent)

    def sent(self) -> None:
        """The text is on its way; the field may have emptied itself, and says so only after this."""
        self.text = ""
        self._sent = self._stands

    def refused(self) -> None:
        """The text is not sent, though the field may empty itself."""
        self._refused = True

    def replaced(self) -> None:
        """The field is a new one, in which the text stands."""
        self._stands, self._sent = self.text, ""
