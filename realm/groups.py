"""Groups: making, joining and leaving them, saying something in them, and seeing who is there."""

from msgspec import UNSET, UnsetType

from realm.context import MEMBERS_A_UNIT, Ctx
from realm.sending import repeated, send
from realm.store.rows import Group
from schemas import answers, commands, names
from schemas.answers import Answer
from schemas.errors import Code, Refusal
from schemas.events import Joined, Left
from schemas.limits import MAX_ITEMS, MAX_PAGE
from schemas.names import ConversationId, Name, fold

GROUPS_LOOKED_AT = 1_000
"""How many groups one page of a search may look at."""

ROW_SIZE = 256
"""What a row of the list takes in a frame beside its members, at most."""

NAME_SIZE = 40


def add_group(ctx: Ctx, command: commands.AddGroup) -> Answer | Refusal:
    """Create a group; its creator is its first member and its admin."""
    name = fold(command.group)
    if ctx.tx.group(name) is not None:
        return Refusal(Code.GROUP_EXISTS)
    ctx.tx.create_group(name, command.group, conversation_of(ctx, name), ctx.now)
    _join(ctx, name, admin=True)
    return answers.Said(id=command.id, message="Add group Berhasil")


def join_group(ctx: Ctx, command: commands.JoinGroup) -> Answer | Refusal:
    """Join a group; who joins an empty one becomes its admin."""
    group = ctx.tx.group(command.group)
    if group is None:
        return Refusal(Code.NO_SUCH_GROUP)
    if _is_member(ctx, group.name, ctx.session.account):
        return Refusal(Code.ALREADY_MEMBER)
    _join(ctx, group.name, admin=group.admin is None)
    return answers.Said(id=command.id, message="Join group berhasil")


def leave_group(ctx: Ctx, command: commands.LeaveGroup) -> Answer | Refusal:
    """Leave a group; where the admin leaves, the longest-standing member becomes admin."""
    group = _own_group(ctx, command.group)
    if isinstance(group, Refusal):
        return group
    leave(ctx, group, ctx.session.account)
    return answers.Said(id=command.id, message="Leave group berhasil")


def remove_member(ctx: Ctx, command: commands.RemoveMember) -> Answer | Refusal:
    """Remove somebody from a group, as its admin. Removing oneself is leaving."""
    group = _own_group(ctx, command.group)
    if isinstance(group, Refusal):
        return group
    removed = ctx.tx.account(command.username)
    if removed is None or not _is_member(ctx, group.name, removed.id):
        return Refusal(Code.NOT_MEMBER)
    if ctx.session.account not in (group.admin, removed.id):
        return Refusal(Code.FORBIDDEN, "only the group's admin may remove others")
    leave(ctx, group, removed.id)
    return answers.Said(id=command.id, message="Member removed")


def send_group(ctx: Ctx, command: commands.SendGroup | commands.SendGroupFile) -> Answer | Refusal:
    """Send a message or a file to all members of a group."""
    conversation = conversation_of(ctx, command.group)
    members = ctx.tx.member_ids(conversation)
    if members is None:
        return Refusal(Code.GROUP_NOT_FOUND)
    if ctx.session.account not in members:
        # Who has left since may still ask what became of a send.
        first = None if command.entry is UNSET else ctx.tx.sent(ctx.session.address, command.entry)
        return repeated(command, conversation, first) if first else Refusal(Code.NOT_MEMBER)
    ctx.charge(len(members) / MEMBERS_A_UNIT)
    return send(ctx, command, conversation, members)


def groups(ctx: Ctx, command: commands.Groups) -> Answer:
    """List the groups of this realm, or those that the user is in."""
    find = "" if command.find is UNSET else command.find.casefold()
    after = "" if command.after is UNSET else command.after
    own = ctx.session.account
    found, on = ctx.tx.groups(after, command.limit, find, GROUPS_LOOKED_AT, own if command.joined else None)
    seen: list[answers.GroupSeen] = []
    room = MAX_PAGE
    for group in found:
        row = _seen(ctx, group)
        room -= ROW_SIZE + (0 if row.members is UNSET else len(row.members) * NAME_SIZE)
        if seen and room < 0:
            on = seen[-1].group
            break
        seen.append(row)
        ctx.charge(row.count / MEMBERS_A_UNIT if row.joined else 0)
    return answers.Groups(id=command.id, groups=seen, more=on is not None, next=UNSET if on is None else on)


def members(ctx: Ctx, command: commands.Members) -> Answer | Refusal:
    """List the members of a group that the user is in."""
    group = _own_group(ctx, command.group)
    if isinstance(group, Refusal):
        return group
    after = "" if command.after is UNSET else command.after
    found = ctx.tx.members(group.name, after, command.limit + 1)
    shown = found[: command.limit]
    return answers.Members(
        id=command.id,
        members=[
            answers.MemberSeen(username=one.name, name=one.display, active=ctx.is_active(one.name)) for one in shown
        ],
        more=len(found) > len(shown),
        next=shown[-1].name if len(found) > len(shown) else UNSET,
    )


def conversation_of(ctx: Ctx, group: Name) -> ConversationId:
    """The conversation of a group of this realm."""
    return names.group(ctx.address(group))


def _own_group(ctx: Ctx, name: Name) -> Group | Refusal:
    """The group, where the user is a member of it."""
    group = ctx.tx.group(name)
    if group is None:
        return Refusal(Code.GROUP_NOT_FOUND)
    if not _is_member(ctx, name, ctx.session.account):
        return Refusal(Code.NOT_MEMBER)
    return group


def _is_member(ctx: Ctx, group: Name, account: int) -> bool:
    return ctx.tx.standing(account, conversation_of(ctx, group)) is not None


def _join(ctx: Ctx, group: Name, *, admin: bool) -> None:
    account = ctx.session.account
    ctx.tx.join_group(group, account)
    if admin:
        ctx.tx.set_admin(group, account)
    ctx.push([account], Joined(conversation=conversation_of(ctx, group)))


def leave(ctx: Ctx, group: Group, account: int) -> None:
    """End a membership; where it was the admin's, the longest-standing member becomes admin."""
    ctx.tx.leave_group(group.name, account)
    if group.admin == account:
        ctx.tx.set_admin(group.name, ctx.tx.longest_member(group.name))
    ctx.push([account], Left(conversation=conversation_of(ctx, group.name)))


def _seen(ctx: Ctx, group: Group) -> answers.GroupSeen:
    joined = _is_member(ctx, group.name, ctx.session.account)
    admin = ctx.tx.account_by_id(group.admin) if group.admin is not None else None
    members: list[str] | UnsetType = UNSET
    if joined:
        members = [one.name for one in ctx.tx.members(group.name, "", MAX_ITEMS)]
    return answers.GroupSeen(
        group=group.name,
        title=group.title,
        admin=admin.name if admin else "",
        count=group.members,
        joined=joined,
        members=members,
    )
