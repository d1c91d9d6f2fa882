"""Puts the layer in, and goes on as `python -m realm` does."""

import sys
from pathlib import Path
from typing import Final

from realm.cli.app import main
from realm.store import database
from tests.faults.faulty_realm.files import Calls
from tests.faults.faulty_realm.orders import Orders
from tests.faults.faulty_realm.vfs import Layer

OFTEN: Final = 200
"""Pages after which the write-ahead log is copied home, which else happens once in a long test."""


def begin(folder: Path, data: Path) -> Layer:
    """From now on all that SQLite and the realm write to `data` goes through the layer."""
    orders = Orders(folder)
    Calls(orders, data).install()
    database.CHECKPOINT_PAGES = OFTEN  # type: ignore[misc]
    return Layer(orders)


if __name__ == "__main__":
    folder = Path(sys.argv.pop(1))
    layer = begin(folder, Path(sys.argv[sys.argv.index("--data") + 1]))
    main()
