"""`python -m client`, installed as `bagan`."""

from client.cli import app


def main() -> None:
    """Run the command line, and exit with its code."""
    app()


if __name__ == "__main__":
    main()
