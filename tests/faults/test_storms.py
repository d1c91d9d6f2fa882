"""Storms: many do the same at once, others talk meanwhile; all are served, nothing is lost, memory stays bounded.

How long others wait meanwhile is measured by `python -m tests.soak`, which has the same storms in full size.
"""

import signal
from pathlib import Path

from tests.faults import storms
from tests.faults.storm_crowd import Crowd
from tests.faults.storm_kit import CONNECTION, PAGE, SLACK, Memory, nothing_lost, site

CROWD = 80
TALKING = 6
PAGES = 5
ENDS_S = 30
EVERY = 0.1
"""Seconds between two messages of one of those who talk."""


def test_all_arrive_and_leave_and_arrive(tmp_path: Path) -> None:
    with site(tmp_path, CROWD, TALKING) as here, Crowd(here) as crowd:
        memory = Memory(here.realm.pid)
        with here.talkers(EVERY) as talkers:
            for _ in range(2):
                storms.arrive(crowd, messages=3)
                crowd.talk()
                crowd.check()
                storms.leave(crowd)
        nothing_lost([talkers.rest])
        memory.within(2 * CROWD * CONNECTION + SLACK)


def test_all_come_back_after_a_kill(tmp_path: Path) -> None:
    with site(tmp_path, CROWD, TALKING) as here, Crowd(here) as crowd:
        storms.arrive(crowd, messages=1)
        came = storms.come_back(crowd, messages=5, answered=CROWD)
        assert came.unanswered >= CROWD
        crowd.talk()
        crowd.check()


def test_half_open_handshakes(tmp_path: Path) -> None:
    with site(tmp_path, CROWD, TALKING) as here:
        memory = Memory(here.realm.pid)
        with here.talkers(EVERY) as talkers, storms.half_open(here, 2 * CROWD), Crowd(here) as crowd:
            storms.arrive(crowd, messages=1)
            crowd.talk()
            crowd.check()
        nothing_lost([talkers.rest])
        memory.within(4 * CROWD * CONNECTION + SLACK)


def test_all_ask_for_the_largest_pages(tmp_path: Path) -> None:
    with site(tmp_path, CROWD, TALKING, filled=True) as here, Crowd(here) as crowd:
        storms.arrive(crowd, messages=0)
        memory = Memory(here.realm.pid)
        with here.talkers(EVERY) as talkers:
            storms.ask_for_pages(crowd, pages=3)
        nothing_lost([talkers.rest])
        memory.within(CROWD * PAGE + SLACK)


def test_pages_in_line_are_answered_before_the_realm_ends(tmp_path: Path) -> None:
    with site(tmp_path, CROWD, TALKING, filled=True) as here, Crowd(here) as crowd:
        storms.arrive(crowd, messages=0)
        for client in crowd.clients:
            for _ in range(PAGES):
                client.ask("history", conversation=here.group)
        for client in crowd.clients:
            client.answered()  # one each, so all have come
        here.realm.send_signal(signal.SIGTERM)
        assert sum(len(client.answers()) for client in crowd.clients) == CROWD * PAGES
        assert here.realm.process is not None
        assert here.realm.process.wait(ENDS_S) == 0
