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
SEND_FILE: Final = "Send File"
CANCEL: Final = "Cancel"
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
    no_messages: str
    no_messages_hint: str
    """{name}"""
    new_messages: str
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

    # files
    attach: str
    choose_file: str
    choose_another: str
    drop_hint: str
    drop_here: str
    leave_out: str
    """{name}"""
    reading: str
    cancel_file: str
    """{name}"""
    save_file: str
    """{name}"""
    saved: str
    """{path}"""
    show_picture: str
    """{name}"""
    no_picture: str
    file_cut: str
    file_too_large: str
    file_no_room: str
    files_left_over: str
    """{count}, {most}"""
    files_refused: str
    saving: str
    """{name}, {percent}"""
    not_saved: str
    decimal: str
    """What stands before the parts of a whole."""

    # other realms
    realms: str
    other_realms: str
    """The same on home, in the manner of the contract's own entries."""
    no_realms: str
    no_realms_hint: str
    add_realm: str
    address: str
    address_hint: str
    port: str
    port_hint: str
    realm_key: str
    realm_key_hint: str
    dialling: str
    not_added_hint: str
    answers: str
    not_heard: str
    excluded: str
    unreachable_since: str
    """{time}"""
    next_try: str
    """{wait}"""
    next_try_now: str
    seconds: str
    """{count}"""
    minutes: str
    """{count}"""
    waiting_there: str
    """{count}"""
    write_there: str
    open_chat: str
    came_from: str
    """{realm}"""
    came_from_hint: str
    nothing_came: str
    """{realm}"""
    sent_there: str
    queued_for: str
    """{realm}"""
    delivered: str
    bounced: str
    """{why}"""
    bounced_about: str
    """{text}"""
    bounced_unknown: str
    erased: str
    """In the place of a message that the realm's operator has erased with its sender."""

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

    # more
    close: str
    claim: str
    connecting: str
    elsewhere: str
    elsewhere_hint: str
    show_password: str
    hide_password: str
    search_people: str
    search_groups: str
    search_other: str
    search_empty: str
    members_of: str
    """{group}"""
    name_hint: str
    group: str
    draft: str
    remove_member: str
    """{name}"""
    join: str
    entry_hints: tuple[str, str, str, str, str]
    """What each entry of home is for, in the contract's order."""

    # trouble
    password_hint: str
    realm_hint: str
    no_answer: str
    other_key: str
    bad_link: str
    too_fast: str
    only_realm: str
    """{address}"""
    left: str
    one_member: str
    offline: str
    wrong: str
    session_ended: str
    too_often: str
    refused: str
    forbidden: str
    no_registration: str
    quota: str
    too_large: str
    unavailable: str
    realm_failed: str
    """{incident}"""
    not_understood: str
    too_long: str
    too_many_wait: str
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

    def bytes(self, count: int) -> str:
        """How much that is."""
        number, units = float(count), iter(("B", "kB", "MB", "GB"))
        unit = next(units)
        while number >= 999.5 and (larger := next(units, "")):
            number, unit = number / 1_000, larger
        shown = f"{number:.0f}" if unit == "B" or number >= 9.95 else f"{number:.1f}".replace(".", self.decimal)
        return f"{shown} {unit}"

    def count_members(self, count: int) -> str:
        """How many are in a group."""
        return self.one_member if count == 1 else self.members.format(count=count)

    def short_day(self, day: date, today: date) -> str:
        """A day that is not today, in the few letters that a list has for it."""
        ago = (today - day).days
        if ago == 1:
            return self.yesterday
        if 0 < ago < 7:
            return self.weekdays[day.weekday()]
        return f"{day.day} {self.months[day.month - 1][:3]}" + ("" if day.year == today.year else f" {day:%y}")


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
    invite="Invitation, if you have one",
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
    fetched="Messages fetched: {count}",
    no_messages="Nothing has been said here yet",
    no_messages_hint="Say hello to {name}.",
    new_messages="New messages",
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
    attach="Attach files",
    choose_file="Choose a file",
    choose_another="Choose another file",
    drop_hint="Or drop it anywhere on this page.",
    drop_here="Drop files here to send them",
    leave_out="Leave out {name}",
    reading="reading",
    cancel_file="Cancel {name}",
    save_file="Save {name}",
    saved="Saved as {path}",
    show_picture="Show {name}",
    no_picture="This picture cannot be shown. It can be saved.",
    file_cut="This file has not come whole: choose it again.",
    file_too_large="This file is too large to be sent from here.",
    file_no_room="There is no room for this file here now.",
    files_left_over="Left out: {count}. At most {most} files can be sent at once.",
    files_refused="These files were not taken. Open the chat that they are for, and choose them again.",
    saving="Saving {name}: {percent} %",
    not_saved="The file cannot be saved there: there may be no room, or no right to.",
    decimal=".",
    realms="Realms",
    other_realms="Other Realms",
    no_realms="No other realm is known here",
    no_realms_hint="Add one: then its people and groups can be written to.",
    add_realm="Add realm",
    address="Address",
    address_hint="As in chat.example.org, or 192.0.2.7",
    port="Port",
    port_hint="1 to 65535",
    realm_key="Its key, if you know it",
    realm_key_hint="40 characters, as its operator tells them",
    dialling="Asking that realm. This may take 10 seconds.",
    not_added_hint="Is it running, is this its name, and can it reach this realm?",
    answers="answers",
    not_heard="not heard yet",
    excluded="excluded by the settings of this realm",
    unreachable_since="unreachable since {time}",
    next_try="next try in {wait}",
    next_try_now="next try now",
    seconds="{count} s",
    minutes="{count} min",
    waiting_there="Messages that wait: {count}",
    write_there="Write there",
    open_chat="Write",
    came_from="What came from {realm}",
    came_from_hint="Fetch what has come since the last time. Messages appear in their chats without this, too.",
    nothing_came="Nothing new came from {realm}",
    sent_there="what you have sent there",
    queued_for="queued for {realm}",
    delivered="delivered",
    bounced="not delivered: {why}",
    bounced_about="Your message: {text}",
    bounced_unknown="A message of yours further up",
    erased="Erased",
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
    close="Close",
    claim="Chat that people run themselves",
    connecting="Connecting…",
    elsewhere="This chat is open in another window",
    elsewhere_hint="Reload this page to go on here.",
    show_password="Show password",  # noqa: S106 - the word
    hide_password="Hide password",  # noqa: S106 - the word
    search_people="Search people",
    search_groups="Search groups",
    search_other="Try another word.",
    search_empty="Type a part of a name.",
    members_of="Members of {group}",
    name_hint="Letters, digits, '.', '_' and '-', at most 32",
    group="Group",
    draft="Draft",
    remove_member="Remove {name}",
    join="Join",
    entry_hints=(
        "Write to somebody", "Your groups and who is in them", "Make a group of your own", "Find a group to be in",
        "Write to people and groups elsewhere",
    ),
    password_hint="At least 8 characters",  # noqa: S106 - the word
    realm_hint="The realm is host:port, such as chat.example.org:8889.",
    no_answer="The realm does not answer. Try again.",
    other_key=(
        "This realm shows another key than before, or than the link says: nothing was "
        "sent to it. Ask whoever runs it."
    ),
    bad_link="This link is not complete: ask for it again.",
    only_realm="Here only the realm {address} can be used.",
    too_fast="That was too much at once: try again in a moment.",
    left="You are not in this group any more.",
    one_member="1 member",
    offline="Connection lost. Reconnecting…",
    wrong="Something went wrong here. It has been noted.",
    session_ended="The session has ended: sign in again.",
    too_often="Too many attempts: wait a minute, then try again.",
    refused="The realm does not take this as it is written.",
    forbidden="The realm does not allow this.",
    no_registration="The realm does not let you register: it may want an invitation that nobody has used yet.",
    quota="There is no room for more of this on the realm.",
    too_large="This is too large for the realm.",
    unavailable="The realm cannot store anything now. Try again later.",
    realm_failed="The realm has failed here, and has noted it as {incident}.",
    not_understood="The realm speaks another version than this client.",
    too_long="This is too long for one message: send it in parts.",
    too_many_wait="Too many messages wait to be sent: discard some, or wait until they are stored.",
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
    invite="Undangan, jika ada",
    no_account="Belum punya akun? Daftar",
    have_account="Sudah punya akun? Masuk",
    fill_in="Mohon isi: {field}",
    greeting="Halo, {name}",
    session_token="Token sesi",  # noqa: S106 - the word
    copy="Salin",
    copied="Disalin",
    home="Beranda",
    chats="Obrolan",
    settings="Pengaturan",
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
    fetched="Pesan diambil: {count}",
    no_messages="Belum ada pesan di sini",
    no_messages_hint="Sapa {name}.",
    new_messages="Pesan baru",
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
    attach="Lampirkan berkas",
    choose_file="Pilih berkas",
    choose_another="Pilih berkas lain",
    drop_hint="Atau jatuhkan di mana saja di halaman ini.",
    drop_here="Jatuhkan berkas di sini untuk mengirimnya",
    leave_out="Hapus {name}",
    reading="membaca",
    cancel_file="Batalkan {name}",
    save_file="Simpan {name}",
    saved="Disimpan sebagai {path}",
    show_picture="Lihat {name}",
    no_picture="Gambar ini tidak dapat ditampilkan, tetapi dapat disimpan.",
    file_cut="Berkas ini tidak sampai utuh: pilih lagi.",
    file_too_large="Berkas ini terlalu besar untuk dikirim dari sini.",
    file_no_room="Sekarang tidak ada tempat untuk berkas ini di sini.",
    files_left_over="Tidak disertakan: {count}. Paling banyak {most} berkas dapat dikirim sekaligus.",
    files_refused="Berkas ini tidak diterima. Buka obrolan yang dituju, lalu pilih lagi.",
    saving="Menyimpan {name}: {percent} %",
    not_saved="Berkas tidak dapat disimpan di sana: mungkin tidak ada tempat, atau tidak diizinkan.",
    decimal=",",
    realms="Realm",
    other_realms="Realm Lain",
    no_realms="Belum ada realm lain yang dikenal di sini",
    no_realms_hint="Tambahkan satu: lalu orang dan grup di sana dapat dikirimi pesan.",
    add_realm="Tambah realm",
    address="Alamat",
    address_hint="Misalnya chat.example.org, atau 192.0.2.7",
    port="Porta",
    port_hint="1 sampai 65535",
    realm_key="Kuncinya, jika Anda tahu",
    realm_key_hint="40 karakter, seperti yang diberitahukan pengelolanya",
    dialling="Menanyai realm itu. Ini bisa memakan 10 detik.",
    not_added_hint="Apakah realm itu berjalan, apakah ini namanya, dan dapatkah ia mencapai realm ini?",
    answers="menjawab",
    not_heard="belum terdengar",
    excluded="dikecualikan oleh pengaturan realm ini",
    unreachable_since="tidak terjangkau sejak {time}",
    next_try="dicoba lagi dalam {wait}",
    next_try_now="dicoba lagi sekarang",
    seconds="{count} dtk",
    minutes="{count} mnt",
    waiting_there="Pesan yang menunggu: {count}",
    write_there="Tulis ke sana",
    open_chat="Tulis",
    came_from="Yang datang dari {realm}",
    came_from_hint="Ambil yang datang sejak terakhir kali. Tanpa ini pun pesan muncul di obrolannya.",
    nothing_came="Tidak ada yang baru dari {realm}",
    sent_there="yang Anda kirim ke sana",
    queued_for="mengantre untuk {realm}",
    delivered="terkirim",
    bounced="tidak sampai: {why}",
    bounced_about="Pesan Anda: {text}",
    bounced_unknown="Salah satu pesan Anda di atas",
    erased="Telah dihapus",
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
    close="Tutup",
    claim="Obrolan yang dijalankan sendiri oleh penggunanya",
    connecting="Menyambung…",
    elsewhere="Obrolan ini terbuka di jendela lain",
    elsewhere_hint="Muat ulang halaman ini untuk melanjutkan di sini.",
    show_password="Tampilkan kata sandi",  # noqa: S106 - the word
    hide_password="Sembunyikan kata sandi",  # noqa: S106 - the word
    search_people="Cari orang",
    search_groups="Cari grup",
    search_other="Coba kata lain.",
    search_empty="Ketik sebagian nama.",
    members_of="Anggota {group}",
    name_hint="Huruf, angka, '.', '_' dan '-', paling banyak 32",
    group="Grup",
    draft="Draf",
    remove_member="Keluarkan {name}",
    join="Gabung",
    entry_hints=(
        "Tulis kepada seseorang", "Grup Anda dan anggotanya", "Buat grup sendiri", "Cari grup untuk diikuti",
        "Tulis kepada orang dan grup di tempat lain",
    ),
    password_hint="Paling sedikit 8 karakter",  # noqa: S106 - the word
    realm_hint="Realm ditulis host:port, misalnya chat.example.org:8889.",
    no_answer="Realm tidak menjawab. Coba lagi.",
    other_key=(
        "Realm ini menunjukkan kunci lain daripada sebelumnya, atau daripada yang di "
        "tautan: tidak ada yang dikirim. Tanyakan kepada pengelolanya."
    ),
    bad_link="Tautan ini tidak lengkap: mintalah lagi.",
    only_realm="Di sini hanya realm {address} yang dapat dipakai.",
    too_fast="Terlalu banyak sekaligus: coba lagi sebentar lagi.",
    left="Anda tidak lagi di grup ini.",
    one_member="1 anggota",
    offline="Koneksi terputus. Menyambung kembali…",
    wrong="Terjadi kesalahan di sini, dan sudah dicatat.",
    session_ended="Sesi sudah berakhir: silakan masuk lagi.",
    too_often="Terlalu banyak percobaan: tunggu satu menit, lalu coba lagi.",
    refused="Realm tidak menerima ini seperti yang tertulis.",
    forbidden="Realm tidak mengizinkan ini.",
    no_registration="Realm tidak mengizinkan Anda mendaftar: mungkin perlu undangan yang belum dipakai.",
    quota="Tidak ada tempat lagi untuk ini di realm.",
    too_large="Ini terlalu besar untuk realm.",
    unavailable="Realm sekarang tidak dapat menyimpan apa pun. Coba lagi nanti.",
    realm_failed="Realm mengalami kesalahan, dan mencatatnya sebagai {incident}.",
    not_understood="Realm memakai versi lain daripada klien ini.",
    too_long="Ini terlalu panjang untuk satu pesan: kirimlah beberapa bagian.",
    too_many_wait="Terlalu banyak pesan menunggu dikirim: buang beberapa, atau tunggu sampai tersimpan.",
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
