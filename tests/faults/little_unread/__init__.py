"""A realm in which little may wait to be read, and which may never read what libzmq reports of new connections."""


def program(kib: int, *, hears: bool = True) -> tuple[str, ...]:
    """One in which so much may wait for all. Where it hears no reports, it knows connections by what they say alone."""
    return __name__, str(kib), str(hears)
