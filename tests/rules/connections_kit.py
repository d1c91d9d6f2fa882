"""Connections that were accepted, without libzmq."""

import socket

import zmq

from broker.connections import SEALED, Connection, Connections, Kind
from broker.monitoring import Report

ONE, OTHER = "127.0.0.1", "127.0.0.2"


class Bench:
    """Some, and the table of them."""

    def __init__(self) -> None:
        self.here = Connections()
        self.listening = socket.create_server(("0.0.0.0", 0), backlog=100)
        self.port = self.listening.getsockname()[1]
        self.open: list[socket.socket] = [self.listening]

    def close(self) -> None:
        for one in self.open:
            one.close()
        self.here.close()

    def come(self, source: str = ONE, kind: Kind = SEALED, who: str = "") -> tuple[socket.socket, Connection]:
        """One more connection, of a user or a peer where `who` is one: our side of it."""
        there = socket.create_connection((ONE, self.port), 10, (source, 0))
        ours, _ = self.listening.accept()
        self.open += [there, ours]
        self.here.began(Report(zmq.EVENT_ACCEPTED, ours.fileno(), self.port), kind)
        connection = self.here.of(ours.fileno())
        assert connection is not None
        connection.who = who
        return ours, connection
