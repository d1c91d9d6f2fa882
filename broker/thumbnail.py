"""A thumbnail of a picture that a stranger sent: a program of its own, which can do little else and ends soon.

`python -m broker.thumbnail PICTURE` writes a WebP without metadata to standard output. It ends with 0, or with
NO_PICTURE where the file is none, is broken, or is too large. Any other end says nothing of the picture.
"""

import contextlib
import io
import os
import resource
import signal
import sys
import warnings
from pathlib import Path
from typing import Final

SIDE: Final = 512
"""The longer side of a thumbnail, in pixels, at most."""
MAX_PIXELS: Final = 40_000_000
"""Of the picture; by what its header says, before anything is decoded."""
FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP", "BMP")
NO_PICTURE: Final = 3
"""The exit code."""
CPU_S: Final = 8
WALL_S: Final = 10
MEMORY: Final = 1 << 30
"""Address space: 40 million pixels of 4 bytes are there up to three times at once."""
OUTPUT: Final = 1 << 20
QUALITY: Final = 80
_PLAIN: Final = frozenset({"L", "RGB", "RGBA", "CMYK", "YCbCr"})
"""Modes that can be made smaller as they are."""


def confine() -> None:
    """Give up what is not needed, for good."""
    _lower(resource.RLIMIT_AS, MEMORY)
    _lower(resource.RLIMIT_CPU, CPU_S)
    _lower(resource.RLIMIT_FSIZE, OUTPUT)
    _lower(resource.RLIMIT_CORE, 0)
    signal.alarm(WALL_S)  # where the one who would stop us is gone
    os.nice(10)
    with contextlib.suppress(OSError):  # only Linux has it: where memory runs out, let us go and not the realm
        Path("/proc/self/oom_score_adj").write_text("1000")


def _lower(which: int, limit: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    # Where both are the same, Linux kills at the hard one, and says nothing of CPU time.
    most = limit + 1 if which == resource.RLIMIT_CPU and limit != hard else limit
    resource.setrlimit(which, (limit, most))


def draw(path: Path) -> bytes:
    """The thumbnail. Raises anything at all where the picture cannot be read."""
    from PIL import Image, ImageOps, WebPImagePlugin  # noqa: F401 - the last is for those in FORMATS; a realm needs none

    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with Image.open(path, formats=FORMATS) as opened:
        image: Image.Image = opened
        if image.has_transparency_data:
            image = image if image.mode == "RGBA" else image.convert("RGBA")
        elif image.mode.startswith("I;16"):
            image = image.point(lambda value: value / 256).convert("L")  # convert alone makes all of it white
        elif image.mode not in _PLAIN:
            image = image.convert("RGB")
        image.thumbnail((SIDE, SIDE))  # reads a JPEG at a fraction of its size
        image = ImageOps.exif_transpose(image)
        image.info.clear()
        out = io.BytesIO()
        image.save(out, "WEBP", quality=QUALITY)
        return out.getvalue()


def main() -> int:
    """Run the program."""
    confine()
    try:
        thumbnail = draw(Path(sys.argv[1]))
    except ImportError:
        raise  # it is not the picture that is broken
    except Exception:  # noqa: BLE001 - a decoder may raise whatever it likes: there is no thumbnail
        return NO_PICTURE
    sys.stdout.buffer.write(thumbnail)
    sys.stdout.buffer.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
