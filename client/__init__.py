"""A client of a realm: library, command line and demo. It knows the contract, and nothing of the server."""

from client.connection import Connection
from client.errors import AnswerError, ClientError
from client.keyring import KeyPair, Keyring
from client.session import Event, Login, SessionEnded
from client.syntax import parse

__all__ = [
    "AnswerError",
    "ClientError",
    "Connection",
    "Event",
    "KeyPair",
    "Keyring",
    "Login",
    "SessionEnded",
    "parse",
]
