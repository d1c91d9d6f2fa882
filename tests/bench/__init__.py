"""How fast a realm is, each figure beside what pyzmq itself can do: `python -m tests.bench`."""
