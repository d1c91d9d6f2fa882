"""`leavegroup`, `removemember`, `members`, who is the admin, and who hears `joined` and `left`."""

from tests.wire.player import Stage

GROUP = """
    messi: addgroup new
    lineker: joingroup new
    henderson: joingroup new
"""
"""messi is its admin, and lineker has been in it for longer than henderson."""


def test_leavegroup_errors(team: Stage) -> None:
    """`group_not_found`, `not_member`, and no session."""
    team.play("""
        messi: addgroup new
        stranger: leavegroup new
        stranger gets: ERROR session_not_found Session tidak ditemukan
        henderson: leavegroup old
        henderson gets: ERROR group_not_found Group tidak ditemukan
        henderson: leavegroup new
        henderson gets: ERROR not_member User bukan member grup
        henderson: leavegroup ../new
        henderson gets: ERROR bad_request group…
        messi: leavegroup new
        messi gets: Leave group berhasil
        messi: leavegroup new
        messi gets: ERROR not_member User bukan member grup
    """)


def test_removemember_errors(team: Stage) -> None:
    """`group_not_found`, `not_member` (the caller, or the one to be removed), `forbidden` (not the admin)."""
    team.play("""
        messi: addgroup new
        henderson: joingroup new
        stranger: removemember new messi
        stranger gets: ERROR session_not_found Session tidak ditemukan
        messi: removemember old henderson
        messi gets: ERROR group_not_found Group tidak ditemukan
        lineker: removemember new henderson
        lineker gets: ERROR not_member User bukan member grup
        lineker: removemember new lineker
        lineker gets: ERROR not_member User bukan member grup
        messi: removemember new lineker
        messi gets: ERROR not_member User bukan member grup
        messi: removemember new nobody
        messi gets: ERROR not_member User bukan member grup
        henderson: removemember new messi
        henderson gets: ERROR forbidden
        messi: removemember new ../x
        messi gets: ERROR bad_request username…
        messi: removemember new
        messi gets: ERROR bad_request…
        messi: groups
        messi gets groups (admin, members):
            messi, [henderson, messi]
    """)


def test_members_errors(team: Stage) -> None:
    """Who is in a group is for its members."""
    team.play("""
        messi: addgroup new
        stranger: members new
        stranger gets: ERROR session_not_found Session tidak ditemukan
        henderson: members old
        henderson gets: ERROR group_not_found Group tidak ditemukan
        henderson: members new
        henderson gets: ERROR not_member User bukan member grup
        messi: members ../new
        messi gets: ERROR bad_request group…
        messi: members limit=0 new
        messi gets: ERROR bad_request limit…
        messi: members limit=101 new
        messi gets: ERROR bad_request limit…
        messi: members new
        messi gets members (username, name, active):
            messi, Lionel Messi, true
    """)


def test_the_admin_removes(team: Stage) -> None:
    """Whoever was removed is told on all devices, and is no member any more; who joins again is one again."""
    team.play(GROUP)
    team.play("""
        henderson#phone: auth henderson surabaya
        messi: removemember new henderson
        messi gets: Member removed
        henderson hears left: conversation=group/new@kampus
        henderson#phone hears left: conversation=group/new@kampus
        lineker hears nothing else
        messi hears nothing else
        messi: sendgroup new tanpa henderson
        lineker hears: tanpa henderson
        henderson hears nothing else
        henderson#phone hears nothing else
        henderson: sendgroup new halo
        henderson gets: ERROR not_member User bukan member grup
        henderson: joingroup new
        henderson gets: Join group berhasil
        henderson#phone hears joined: conversation=group/new@kampus
        messi: sendgroup new dengan henderson
        lineker hears: dengan henderson
        henderson hears: dengan henderson
        henderson#phone hears: dengan henderson
    """)


def test_removing_oneself_is_leaving(team: Stage) -> None:
    """For the admin, who is followed by another, and for any member."""
    team.play(GROUP)
    team.play("""
        henderson: removemember new henderson
        henderson gets: Member removed
        henderson: members new
        henderson gets: ERROR not_member
        messi#phone: auth messi surabaya
        messi: removemember new messi
        messi gets: Member removed
        messi#phone hears left: conversation=group/new@kampus
        messi hears nothing else
        lineker: groups
        lineker gets groups (admin, members):
            lineker, [lineker]
    """)


def test_the_longest_standing_member_becomes_admin(team: Stage) -> None:
    """… when the admin leaves, whatever the names; who comes back comes last."""
    team.play(GROUP)
    team.play("""
        messi: leavegroup new
        messi: joingroup new
        messi: groups
        messi gets groups (admin, members):
            lineker, [henderson, lineker, messi]
        messi: removemember new henderson
        messi gets: ERROR forbidden
        lineker: leavegroup new
        messi: groups
        messi gets groups (admin, members):
            henderson, [henderson, messi]
        messi: removemember new henderson
        messi gets: ERROR forbidden
        henderson: removemember new messi
        henderson gets: Member removed
        messi hears left: conversation=group/new@kampus
    """)


def test_another_member_who_leaves_changes_no_admin(team: Stage) -> None:
    """Only when the admin leaves does another become it."""
    team.play(GROUP)
    team.play("""
        lineker: leavegroup new
        henderson: groups
        henderson gets groups (admin, count):
            messi, 2
    """)


def test_an_empty_group_stays(team: Stage) -> None:
    """The next to join it becomes its admin, and may then remove others."""
    team.play("""
        messi: addgroup new
        messi: leavegroup new
        messi: groups
        messi gets groups (group, admin, count, joined):
            new, , 0, false
        messi: sendgroup new halo
        messi gets: ERROR not_member User bukan member grup
        messi: addgroup new
        messi gets: ERROR group_exists Group sudah ada
        henderson: joingroup new
        messi: joingroup new
        lineker: joingroup new
        messi: groups
        messi gets groups (admin, members):
            henderson, [henderson, lineker, messi]
        messi: removemember new lineker
        messi gets: ERROR forbidden
        henderson: removemember new messi
        henderson gets: Member removed
        messi hears left: conversation=group/new@kampus
    """)


def test_other_devices_hear_of_it(team: Stage) -> None:
    """`joined {conversation}` and `left {conversation}` on another device; nobody else hears of it."""
    team.play("""
        messi#phone: auth messi surabaya
        messi: addgroup Kelompok-Bagan
        messi#phone hears joined: conversation=group/kelompok-bagan@kampus
        messi hears nothing else
        henderson#phone: auth henderson surabaya
        henderson#phone: joingroup kelompok-bagan
        henderson hears joined: conversation=group/kelompok-bagan@kampus
        messi hears nothing else
        henderson: leavegroup kelompok-bagan
        henderson#phone hears left: conversation=group/kelompok-bagan@kampus
        henderson hears nothing else
        messi#phone hears nothing else
        lineker hears nothing else
    """)


def test_a_command_that_is_refused_tells_nobody(team: Stage) -> None:
    """No device hears of what did not happen."""
    team.play("""
        messi: addgroup new
        messi#phone: auth messi surabaya
        messi: addgroup new
        messi gets: ERROR group_exists
        messi: joingroup new
        messi gets: ERROR already_member
        messi: leavegroup old
        messi gets: ERROR group_not_found
        henderson: removemember new messi
        henderson gets: ERROR not_member
        messi#phone hears nothing else
        messi hears nothing else
    """)
