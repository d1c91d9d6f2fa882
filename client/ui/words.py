"""All words of the user interface, in each language. What the contract fixes is the same in all, and stands below it.

A language is one `Words`: one that lacks a word cannot be made, and does not pass the type check.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

PRIVATE_CHAT: Final = "Private Chat"
GROUP_CHAT: Final = "Group Chat"
ADD_GROUP_CHAT: Final = "Add Group Chat"
JOIN_GROUP_CHAT: Final = "Join Group Chat"
LOGOUT: Final = "Logout"
GROUP_ADDED: Final = "Add group successful"
GROUP_JOINED: Final = "Berhasil Join {group}"


@dataclass(frozen=True, kw_only=True)
class Words:
    """One language. `{…}` stands for what is put in."""

    code: str
    """Of the language, ISO 639-1."""
    language: str
    """What the language calls itself."""

    # logging in
    sign_in: str
    register: str
    username: str
    password: str
    display_name: str
    country: str
    realm: str
    realm_hint: str
    invite: str
    no_account: str
    have_account: str
    fill_in: str
    """A field was left empty: {field}."""

    # home
    greeting: str
    """{name}"""
    session_token: str
    copy: str
    copied: str
    home: str
    chats: str
    settings: str
    more: str
    back: str

    # lists
    search: str
    search_hint: str
    nothing_found: str
    """{text}"""
    no_chats: str
    no_chats_hint: str
    no_others: str
    no_others_hint: str
    no_groups: str
    no_groups_hint: str
    no_groups_to_join: str
    no_groups_to_join_hint: str
    group_name: str
    members: str
    """{count}"""
    member_list: str
    admin: str
    active: str
    inactive: str
    load_more: str
    unread: str
    """{count}"""
    people: str
    groups: str
    you: str
    notes: str

    # room
    write: str
    send: str
    fetch: str
    fetched: str
    """{count}"""
    attach: str
    no_messages: str
    no_messages_hint: str
    """{name}"""
    new_messages: str
    older: str
    sending: str
    stored: str
    read: str
    failed: str
    """{why}"""
    retry: str
    discard: str
    today: str
    yesterday: str
    months: tuple[str, ...]
    weekdays: tuple[str, ...]
    """From Monday on."""
    leave_group: str
    remove: str
    choose_chat: str
    choose_chat_hint: str

    # settings
    profile: str
    theme: str
    theme_system: str
    theme_light: str
    theme_dark: str
    language_label: str
    change_password: str
    old_password: str
    new_password: str
    password_changed: str
    fingerprint: str
    save: str
    cancel: str

    # trouble
    offline: str
    wrong: str
    session_ended: str
    unreachable: str
    """{address}"""

    def day(self, day: date, today: date) -> str:
        """A day as a person would say it."""
        if day == today:
            return self.today
        if (today - day).days == 1:
            return self.yesterday
        said = f"{self.weekdays[day.weekday()]}, {day.day} {self.months[day.month - 1]}"
        return said if day.year == today.year else f"{said} {day.year}"


ENGLISH: Final = Words(
    code="en",
    language="English",
    sign_in="Sign in",
    register="Register",
    username="Username",
    password="Password",  # noqa: S106 - the word
    display_name="Name",
    country="Country",
    realm="Realm",
    realm_hint="host:port of the realm",
    invite="Invite",
    no_account="No account yet? Register",
    have_account="Have an account? Sign in",
    fill_in="Please fill in: {field}",
    greeting="Hello, {name}",
    session_token="Session token",  # noqa: S106 - the word
    copy="Copy",
    copied="Copied",
    home="Home",
    chats="Chats",
    settings="Settings",
    more="More",
    back="Back",
    search="Search",
    search_hint="People, groups, chats",
    nothing_found="Nothing found for “{text}”",
    no_chats="No chats yet",
    no_chats_hint="Choose Private Chat to write to somebody, or join a group.",
    no_others="Nobody else is here yet",
    no_others_hint="Invite somebody: they register on this realm.",
    no_groups="You are in no group",
    no_groups_hint="Join one, or add your own.",
    no_groups_to_join="There is no other group to join",
    no_groups_to_join_hint="Add your own with Add Group Chat.",
    group_name="Name of the group",
    members="{count} members",
    member_list="Members",
    admin="Admin",
    active="active",
    inactive="not active",
    load_more="Show more",
    unread="{count} unread",
    people="People",
    groups="Groups",
    you="You",
    notes="Notes to yourself",
    write="Write a message",
    send="Send",
    fetch="Fetch messages",
    fetched="{count} new messages",
    attach="Attach a file",
    no_messages="Nothing has been said here yet",
    no_messages_hint="Say hello to {name}.",
    new_messages="New messages",
    older="Older messages",
    sending="sending",
    stored="stored",
    read="read",
    failed="not sent: {why}",
    retry="Try again",
    discard="Discard",
    today="Today",
    yesterday="Yesterday",
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ),
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    leave_group="Leave group",
    remove="Remove",
    choose_chat="Choose a chat",
    choose_chat_hint="It opens here.",
    profile="Profile",
    theme="Theme",
    theme_system="As the system",
    theme_light="Light",
    theme_dark="Dark",
    language_label="Language",
    change_password="Change password",  # noqa: S106 - the word
    old_password="Old password",  # noqa: S106 - the word
    new_password="New password",  # noqa: S106 - the word
    password_changed="Password changed",  # noqa: S106 - the word
    fingerprint="The realm's key fingerprint",
    save="Save",
    cancel="Cancel",
    offline="Connection lost. Reconnecting…",
    wrong="Something went wrong here. It has been noted.",
    session_ended="The session has ended: sign in again.",
    unreachable="The realm at {address} does not answer.",
)  # fmt: skip

INDONESIAN: Final = Words(
    code="id",
    language="Bahasa Indonesia",
    sign_in="Masuk",
    register="Daftar",
    username="Nama pengguna",
    password="Kata sandi",  # noqa: S106 - the word
    display_name="Nama",
    country="Negara",
    realm="Realm",
    realm_hint="host:port realm",
    invite="Undangan",
    no_account="Belum punya akun? Daftar",
    have_account="Sudah punya akun? Masuk",
    fill_in="Mohon isi: {field}",
    greeting="Halo, {name}",
    session_token="Token sesi",  # noqa: S106 - the word
    copy="Salin",
    copied="Tersalin",
    home="Beranda",
    chats="Obrolan",
    settings="Pengaturan",
    more="Lainnya",
    back="Kembali",
    search="Cari",
    search_hint="Orang, grup, obrolan",
    nothing_found="Tidak ada hasil untuk “{text}”",
    no_chats="Belum ada obrolan",
    no_chats_hint="Pilih Private Chat untuk menulis kepada seseorang, atau bergabunglah dengan grup.",
    no_others="Belum ada orang lain di sini",
    no_others_hint="Undang seseorang untuk mendaftar di realm ini.",
    no_groups="Anda belum ada di grup mana pun",
    no_groups_hint="Bergabunglah dengan grup, atau buat grup sendiri.",
    no_groups_to_join="Tidak ada grup lain untuk diikuti",
    no_groups_to_join_hint="Buat grup sendiri dengan Add Group Chat.",
    group_name="Nama grup",
    members="{count} anggota",
    member_list="Anggota",
    admin="Admin",
    active="aktif",
    inactive="tidak aktif",
    load_more="Tampilkan lagi",
    unread="{count} belum dibaca",
    people="Orang",
    groups="Grup",
    you="Anda",
    notes="Catatan pribadi",
    write="Tulis pesan",
    send="Kirim",
    fetch="Ambil pesan",
    fetched="{count} pesan baru",
    attach="Lampirkan berkas",
    no_messages="Belum ada pesan di sini",
    no_messages_hint="Sapa {name}.",
    new_messages="Pesan baru",
    older="Pesan lama",
    sending="mengirim",
    stored="tersimpan",
    read="dibaca",
    failed="tidak terkirim: {why}",
    retry="Coba lagi",
    discard="Buang",
    today="Hari ini",
    yesterday="Kemarin",
    months=(
        "Januari", "Februari", "Maret", "April", "Mei", "Juni", "Juli", "Agustus", "September", "Oktober", "November",
        "Desember",
    ),
    weekdays=("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "Minggu"),
    leave_group="Keluar dari grup",
    remove="Keluarkan",
    choose_chat="Pilih obrolan",
    choose_chat_hint="Obrolan terbuka di sini.",
    profile="Profil",
    theme="Tema",
    theme_system="Ikuti sistem",
    theme_light="Terang",
    theme_dark="Gelap",
    language_label="Bahasa",
    change_password="Ubah kata sandi",  # noqa: S106 - the word
    old_password="Kata sandi lama",  # noqa: S106 - the word
    new_password="Kata sandi baru",  # noqa: S106 - the word
    password_changed="Kata sandi diubah",  # noqa: S106 - the word
    fingerprint="Sidik jari kunci realm",
    save="Simpan",
    cancel="Batal",
    offline="Koneksi terputus. Menyambung lagi…",
    wrong="Terjadi kesalahan di sini, dan sudah dicatat.",
    session_ended="Sesi sudah berakhir: silakan masuk lagi.",
    unreachable="Realm di {address} tidak menjawab.",
)  # fmt: skip

LANGUAGES: Final = {words.code: words for words in (INDONESIAN, ENGLISH)}


def choose(preferred: str) -> Words:
    """The language for what a browser prefers (`Accept-Language`, or one tag); English where it is neither."""
    ranked: list[tuple[float, int, str]] = []
    for place, item in enumerate(preferred.split(",")):
        tag, _, weight = item.partition(";q=")
        try:
            quality = float(weight) if weight else 1.0
        except ValueError:
            continue
        # Old browsers call Indonesian `in`.
        code = {"in": "id"}.get(tag.strip().lower().partition("-")[0], tag.strip().lower().partition("-")[0])
        if code in LANGUAGES:
            ranked.append((-quality, place, code))
    return LANGUAGES[min(ranked)[2]] if ranked else ENGLISH
