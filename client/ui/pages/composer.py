"""What one is writing in a room."""

import flet as ft

from client.model.desk import can_be_sent
from client.ui import look
from client.ui.draw import row, typed_in
from client.ui.window import Window
from client.ui.words import Words
from schemas.names import ConversationId


@row
def composer(window: Window, conversation: ConversationId, words: Words) -> ft.Control:
    """What one is writing. It is drawn anew only when it was sent: nothing that arrives disturbs the typing."""
    turn, set_turn = ft.use_state(0)
    unsaid = window.desk.unsaid
    written = ft.use_ref(unsaid.drafts.get(conversation, ""))

    def keep(event: ft.Event[ft.TextField]) -> None:
        written.current = typed_in(event)
        if not unsaid.draft(conversation, written.current):
            window.say(words.too_long)
        elif window.notice == words.too_long:
            window.say("")

    def send() -> None:
        text = (written.current or "").strip()
        if not text:
            return
        if not can_be_sent(text):
            window.say(words.too_long)
            return
        written.current = ""
        unsaid.draft(conversation, "")
        set_turn(turn + 1)
        window.say("")
        window.chat.say(conversation, text)
        window.room.to_end(window.desk)

    field = look.text_field(
        words.write,
        key=f"{conversation}-{turn}",
        value=written.current or "",
        expand=True,
        multiline=True,
        shift_enter=True,
        min_lines=1,
        max_lines=6,
        autofocus=True,
        border_radius=24,
        dense=True,
        on_change=keep,
        on_submit=window.press(send),
    )
    return ft.Container(
        ft.Row(
            [field, look.icon_button(ft.Icons.SEND, words.send, window.press(send), icon_color=ft.Colors.PRIMARY)],
            vertical_alignment=ft.CrossAxisAlignment.END,
        ),
        padding=ft.Padding.only(left=16, right=8, top=8, bottom=12),
    )
