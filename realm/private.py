"""Private messages and files: `send`, `sendfile`."""

from realm import sending
from realm.context import Ctx
from realm.federation import outbox
from realm.federation.peers import federates
from realm.outcome import Later
from schemas import commands, names
from schemas.answers import Answer
from schemas.errors import Code, Refusal


def send(ctx: Ctx, command: commands.Send | commands.SendFile) -> Answer | Refusal | Later:
    """Send a message or a file to one user, of this realm or another; to oneself it is a note."""
    name, realm = names.split(command.to, ctx.realm)
    if realm != ctx.realm:
        return federates(ctx, command) or outbox.send(ctx, command, realm, name, to_group=False)
    recipient = ctx.tx.account(name)
    if recipient is None:
        return Refusal(Code.USER_NOT_FOUND)
    conversation = names.private(ctx.session.address, ctx.address(name))
    accounts = {ctx.session.account, recipient.id}
    ctx.tx.open_conversation(conversation, sorted(accounts), ctx.now)
    return sending.send(ctx, command, conversation, accounts)
