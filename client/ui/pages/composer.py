"""What one is writing in a room."""

import flet as ft

from client.model.desk import can_be_sent
from client.model.writing import Writing
from client.ui import look
from client.ui.draw import kept, row, typed_in
from client.ui.window import Window
from client.ui.words import Words
from schemas.names import ConversationId


@row
def composer(window: Window, conversation: ConversationId, words: Words) -> ft.Control:
    """What one is writing. It is drawn anew only where it must: nothing that arrives disturbs the typing.

    The page's script empties the field in the moment of Enter (`page.js`): from here it would take a while, in which
    one types on.
    """
    turn, set_turn = ft.use_state(0)
    unsaid = window.desk.unsaid
    writing = kept(lambda: Writing(unsaid.drafts.get(conversation, "")))

    def keep(event: ft.Event[ft.TextField]) -> None:
        writing.typed(typed_in(event))
        if not unsaid.draft(conversation, writing.text):
            window.say(words.too_long)
        elif window.notice == words.too_long:
            window.say("")

    def replace() -> None:
        writing.replaced()
        set_turn(turn + 1)

    def refuse(why: str) -> None:
        writing.refused()
        replace()
        window.say(why)

    def send() -> None:
        text = writing.text.strip()
        if not can_be_sent(text):
            refuse(words.too_long)
        elif text and not unsaid.may_send(conversation):
            refuse(words.too_many_wait)
        elif text and window.is_logged_in:
            window.chat.say(conversation, text)
            forget()
            window.say("")
            window.room.to_end(window.desk)
        elif text:
            refuse(words.session_ended)
        else:
            forget()

    def forget() -> None:
        writing.sent()
        unsaid.draft(conversation, "")

    def press() -> None:
        send()
        replace()

    async def see_it_emptied(shown: ft.TextField) -> None:
        await shown.focus()  # type: ignore[no-untyped-call]  # what the page said before its answer has been heard
        if not writing.is_emptied:
            replace()

    def enter(event: ft.Event[ft.TextField]) -> None:
        send()
        window.start_task(see_it_emptied(event.control))

    field = look.text_field(
        words.write,
        key=f"{conversation}-{turn}",
        value=writing.text,
        expand=True,
        multiline=True,
        shift_enter=True,
        min_lines=1,
        max_lines=6,
        autofocus=True,
        border_radius=24,
        dense=True,
        on_change=keep,
        on_submit=window.handle(enter),
    )
    clip = look.icon_button(ft.Icons.ATTACH_FILE, words.attach, window.press(window.attaching.open))
    shown = ft.Container(
        ft.Row(
            [
                clip,
                field,
                look.icon_button(ft.Icons.SEND, words.send, window.press(press), icon_color=ft.Colors.PRIMARY),
            ],
            vertical_alignment=ft.CrossAxisAlignment.END,
        ),
        padding=ft.Padding.only(left=8, right=8, top=8, bottom=12),
    )
    # A part of its own for screen readers: sorted in among what is around it, the field would be moved in the page when
    # that changes, and lose the focus.
    return ft.Semantics(container=True, content=shown)
