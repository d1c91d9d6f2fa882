"""The types of fields that commands and answers share; each `title` is what the protocol page calls it."""

from typing import Annotated, Final

from msgspec import Meta

from schemas.limits import MAX_CHUNK, MAX_ITEMS, MAX_PASSWORD

TEXT_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]{1,64}\Z"
FILE_NAME_PATTERN: Final = r"^[^\x00-\x1f\x7f-\x9f]{1,255}\Z"

Id = Annotated[int, Meta(title="int")]
Token = Annotated[str, Meta(max_length=128, title="str")]
Password = Annotated[str, Meta(max_length=MAX_PASSWORD, title="str")]
"""Any password that somebody types; a new one has a lower limit too (`NewPassword`)."""
NewPassword = Annotated[str, Meta(max_length=MAX_PASSWORD, title="password")]
Text = Annotated[str, Meta(pattern=TEXT_PATTERN, title="text")]
"""A display name or a country."""
Message = Annotated[str, Meta(min_length=1, title="message")]
FileId = Annotated[str, Meta(min_length=1, max_length=64, title="str")]
FileName = Annotated[str, Meta(pattern=FILE_NAME_PATTERN, title="str")]
"""Shown, never used as a path. Its length in bytes is checked where it comes in."""
Opaque = Annotated[str, Meta(min_length=1, max_length=512, title="str")]
Find = Annotated[str, Meta(min_length=1, max_length=64, title="str")]
Limit = Annotated[int, Meta(ge=1, le=MAX_ITEMS, title="int")]
Seq = Annotated[int, Meta(ge=0, le=2**63 - 1, title="seq")]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1, title="int")]
"""Bytes, or how many there are of something. Of one beyond that nothing could be asked."""
ChunkSize = Annotated[int, Meta(ge=1, le=MAX_CHUNK, title="int")]
Port = Annotated[int, Meta(ge=1, le=65_535, title="port")]
Host = Annotated[str, Meta(min_length=1, max_length=253, title="str")]
ServerKey = Annotated[str, Meta(min_length=40, max_length=40, title="str")]
MediaType = Annotated[str, Meta(min_length=1, max_length=255, title="str")]
Bin16 = Annotated[bytes, Meta(min_length=16, max_length=16, title="bin16")]
Bin32 = Annotated[bytes, Meta(min_length=32, max_length=32, title="bin32")]

EXPLAINED: Final = {
    FILE_NAME_PATTERN: "a file's name is 1 to 255 bytes of UTF-8, without control characters",
    TEXT_PATTERN: "it is 1 to 64 characters long, without control characters",
}
