"""Figures for Prometheus, on a port of their own: a thread that asks the loop as any operator does, when it is asked.

So the loop shares nothing with it. Some are slow to ask: each has a thread, and of too many the oldest is cut. Who has
asked waits in line: one is answered at a time, and while many wait no other is let in.
"""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from broker.folder_socket import FolderSocket
from broker.machine import connections_of, disk_of
from broker.reaching import OperatorError, Reached
from broker.sockets import BACKLOG, BindError
from realm.incident import trace
from schemas.errors import Code
from schemas.figures import Served, Spread
from schemas.operator import Figures, FiguresSeen, PeerSeen

ANSWER_S: Final = 2.0
"""A loop that does not answer within this time counts as down."""
PATIENCE_S: Final = 5.0
"""Who has not asked and been answered within this time is cut."""
AT_ONCE: Final = 16
"""Connections that have not asked yet. Who asks has done so long before so many others have come."""
THREADS: Final = 2 * AT_ONCE
"""Of all connections, those that wait for their answer too. The next wait for one of them to end."""
log: Final = structlog.get_logger()


class Exporter:
    """Listens until `close`."""

    def __init__(self, folder: Path, host: str, port: int) -> None:
        """Raises BindError where the port cannot be had."""
        self._asking = _Asking(folder)
        self._closing = threading.Event()
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_FromLoop(self._asking, folder))
        ProcessCollector(registry=registry)
        app = _guarded(make_wsgi_app(registry), self._closing)
        try:
            self._server = make_server(host, port, app, _server_for(host), _Handler)
        except (OSError, OverflowError) as error:
            self._asking.close()
            why = getattr(error, "strerror", None) or str(error)
            raise BindError(
                f"{host}:{port} cannot be listened on for figures ({why}): choose another in [figures] of the settings"
            ) from None
        self._thread = threading.Thread(target=self._server.serve_forever, name="figures", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more; an answer that is being given ends first, within seconds, no other is. Twice is harmless."""
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._asking.close()


class _Asking:
    """The way to the loop, over the socket in the realm's folder."""

    def __init__(self, folder: Path) -> None:
        self._place = FolderSocket(folder)
        self._reached = Reached(self._place, folder)

    def figures(self) -> FiguresSeen:
        """Raises OperatorError."""
        return self._reached.ask(Figures(id=0), FiguresSeen, ANSWER_S)

    def close(self) -> None:
        self._reached.close()
        self._place.close()


class _FromLoop(Collector):
    """Turns what the loop tells into what Prometheus takes."""

    def __init__(self, asking: _Asking, folder: Path) -> None:
        self._asking = asking
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Everything; of a loop that does not answer, only that."""
        try:
            seen = self._asking.figures()
        except OperatorError:
            seen = None
        yield GaugeMetricFamily("bagan_up", "Whether the realm's loop answers.", int(seen is not None))
        if seen is not None and seen.served is not None:
            yield from _of_realm(seen, seen.served)
            yield from _of_work(seen.served)
            yield from _of_peers(seen.peers, seen.now)
            yield from _of_machine(self._folder, seen.served)


def _of_realm(seen: FiguresSeen, served: Served) -> Iterator[Metric]:
    about = {"realm": seen.realm, "version": served.version, "libzmq": served.libzmq}
    yield InfoMetricFamily("bagan", "Which realm this is, and which version.", about)
    yield GaugeMetricFamily("bagan_start_time_seconds", "When the realm started.", served.started_at / 1000)
    yield GaugeMetricFamily("bagan_sessions", "Sessions that are open.", seen.sessions)
    yield GaugeMetricFamily("bagan_users_active", "Users who are active now.", seen.active)
    yield GaugeMetricFamily("bagan_file_bytes", "Bytes of files that are kept and uploaded.", seen.file_bytes)
    yield GaugeMetricFamily("bagan_file_limit_bytes", "How many there may be (files.realm_bytes).", seen.file_room)
    yield GaugeMetricFamily("bagan_uploads", "Uploads that are not complete.", seen.uploads)
    yield GaugeMetricFamily("bagan_upload_bytes", "Bytes of them on their way to disk.", seen.moving)
    moved = CounterMetricFamily("bagan_file_moved_bytes", "Bytes of files that came and went.", labels=["direction"])
    moved.add_metric(["in"], served.bytes_in)
    moved.add_metric(["out"], served.bytes_out)
    yield moved
    jobs = GaugeMetricFamily("bagan_jobs", "Slow work that waits and runs.", labels=["pool", "state"])
    for pool in served.pools:
        jobs.add_metric([pool.name, "waiting"], pool.waiting)
        jobs.add_metric([pool.name, "running"], pool.running)
    yield jobs


def _of_work(served: Served) -> Iterator[Metric]:
    commands = CounterMetricFamily("bagan_commands", "Answers, by command and error.", labels=["command", "code"])
    errors = dict.fromkeys(map(str, Code), 0)
    for one in served.replied:
        commands.add_metric([one.command or "unreadable", one.code or "ok"], one.count)
        if one.code:
            errors[one.code] += one.count
    yield commands
    by_code = CounterMetricFamily("bagan_errors", "Error answers, by code.", labels=["code"])
    for code, count in errors.items():
        by_code.add_metric([code], count)
    yield by_code
    yield CounterMetricFamily("bagan_incidents", "What went wrong unforeseen; the log has each.", served.failed)
    yield CounterMetricFamily("bagan_pushes", "Events handed to sessions.", served.pushed)
    dropped = CounterMetricFamily("bagan_dropped", "What was dropped, by what it was.", labels=["what"])
    for what, count in served.dropped.items():
        dropped.add_metric([what], count)
    yield dropped
    yield _histogram("bagan_turn_seconds", "How long a turn took.", served.turns)
    yield _histogram("bagan_turn_inputs", "How many inputs a turn had.", served.inputs)
    yield _histogram("bagan_commit_seconds", "How long a turn's commit took, flushed to disk.", served.commits)


def _of_peers(peers: list[PeerSeen], now: int) -> Iterator[Metric]:
    answers = GaugeMetricFamily("bagan_peer_answers", "Whether the peer answers.", labels=["peer"])
    allowed = GaugeMetricFamily("bagan_peer_allowed", "Whether the settings let it be spoken to.", labels=["peer"])
    queue = GaugeMetricFamily("bagan_peer_queue", "Messages that wait for the peer.", labels=["peer"])
    age = GaugeMetricFamily("bagan_peer_oldest_seconds", "Age of the oldest that waits; 0: none.", labels=["peer"])
    for peer in peers:
        answers.add_metric([peer.realm], int(peer.answers))
        allowed.add_metric([peer.realm], int(peer.allowed))
        queue.add_metric([peer.realm], peer.queued)
        age.add_metric([peer.realm], 0 if peer.oldest is None else max(0, now - peer.oldest) / 1000)
    yield from (answers, allowed, queue, age)


def _of_machine(folder: Path, served: Served) -> Iterator[Metric]:
    disk = disk_of(folder)
    if disk is not None:
        yield GaugeMetricFamily("bagan_database_bytes", "Bytes of the database.", disk.database)
        yield GaugeMetricFamily("bagan_disk_free_bytes", "Bytes that are free on its disk.", disk.free)
    ports = {served.door: "door", served.commands: "commands", served.push: "push"}
    found = connections_of(served.pid, ports)
    if found is not None:
        connections = GaugeMetricFamily("bagan_connections", "Connections, by port.", labels=["port"])
        for port, count in found.items():
            connections.add_metric([ports[port]], count)
        yield connections


def _histogram(name: str, what: str, spread: Spread) -> HistogramMetricFamily:
    so_far, buckets = 0, []
    for bound, count in zip([*map(str, spread.bounds), "+Inf"], spread.counts, strict=True):
        so_far += count
        buckets.append((bound, so_far))
    return HistogramMetricFamily(name, what, buckets=buckets, sum_value=spread.total)


class _Handler(WSGIRequestHandler):
    """Says nothing of its own to the log, and waits for nobody for long: neither in silence nor for bytes that drip."""

    timeout = PATIENCE_S
    server: Any  # one of `_server_for`

    def setup(self) -> None:
        """From here on there is a time for all of it."""
        super().setup()
        self._end = threading.Timer(PATIENCE_S, _cut, [self.connection])
        self._end.daemon = True
        self._end.start()

    def get_environ(self) -> Any:
        """All that is asked has come."""
        self.server.has_asked(self.connection)
        return super().get_environ()

    def finish(self) -> None:
        """It was in time, or was cut."""
        self._end.cancel()
        super().finish()

    def log_message(self, *_: Any) -> None:
        """Every scrape would be a line."""


def _server_for(host: str) -> type[WSGIServer]:
    class Server(ThreadingMixIn, WSGIServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        request_queue_size = BACKLOG

        def __init__(self, *listening: Any) -> None:
            self._silent: dict[Any, None] = {}
            """Those that have not asked yet, the oldest first."""
            self._changing = threading.Lock()
            self._threads_left = threading.BoundedSemaphore(THREADS)
            super().__init__(*listening)

        def process_request(self, request: Any, client_address: Any) -> None:
            """In a thread of its own, as soon as there is one; the oldest that has not asked makes room."""
            with self._changing:
                self._silent[request] = None
                if len(self._silent) > AT_ONCE:
                    oldest = next(iter(self._silent))
                    del self._silent[oldest]
                    _cut(oldest)
            self._threads_left.acquire()
            try:
                super().process_request(request, client_address)
            except BaseException:  # the system has no thread for it
                self._threads_left.release()
                raise

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            """In that thread, which ends then."""
            try:
                super().process_request_thread(request, client_address)
            finally:
                self._threads_left.release()

        def has_asked(self, request: Any) -> None:
            """It need not make room."""
            with self._changing:
                self._silent.pop(request, None)

        def shutdown_request(self, request: Any) -> None:
            """It is over."""
            self.has_asked(request)
            super().shutdown_request(request)

        def handle_error(self, *_: Any) -> None:
            """Who asks has gone, or was silent for too long."""

    return Server


def _cut(connection: socket.socket) -> None:
    with suppress(OSError):  # it has gone by itself
        connection.shutdown(socket.SHUT_RDWR)


def _guarded(app: Callable[..., Any], closing: threading.Event) -> Callable[..., Any]:
    """One at a time, and none once it closes, as the loop has ended.

    Whatever goes wrong is one line in the log, and no text of an error in it.
    """
    one = threading.Lock()

    def guarded(environ: Any, start_response: Any) -> Any:
        try:
            with one:
                if not closing.is_set():
                    return app(environ, start_response)
        except Exception as error:  # noqa: BLE001 - the next one is answered
            log.error("figures failed", at=trace(error))
            start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
            return [b"the realm's log says why\n"]
        start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"the realm stops\n"]

    return guarded
