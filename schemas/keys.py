"""How a realm's key is shown to people."""

import base64
import hashlib


def fingerprint(public: str) -> str:
    """What people compare: SHA-256 of the public key in Z85, as ssh shows it."""
    digest = hashlib.sha256(public.encode("ascii")).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
