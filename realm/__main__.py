"""The operator's program: `python -m realm --help`."""

from realm.cli.app import main

if __name__ == "__main__":
    main()
