"""A failing history is told with its seed and costs no other."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import msgspec
import pytest

from tests.simulation.history import BrokenError
from tests.simulation.runner import CHUNK, Play, Ran, main, run_all
from tests.soak import histories, progress
from tests.soak.part import Outcome, Soak

MANY = CHUNK + 5
LONG = 3_600
WORK = 20_000


@contextmanager
def some_fail() -> Iterator[Play]:
    """One in the first chunk does not hold, and one in the second breaks."""

    def play(seed: int) -> Counter[str]:
        if seed == 1:
            raise BrokenError("seed 1: not settled")
        if seed == CHUNK + 1:
            raise KeyError("unforeseen")
        return Counter(played=1)

    yield play


@contextmanager
def all_hold() -> Iterator[Play]:
    yield lambda _seed: Counter(played=1)


@contextmanager
def all_take_a_while() -> Iterator[Play]:
    yield lambda _seed: Counter(played=1, worked=sum(range(WORK)))


def test_each_failing_seed_is_told_and_the_others_are_played(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(some_fail, 0, MANY) == 1
    said = capfd.readouterr()
    assert "FAILED: seed 1: not settled\n" in said.err
    assert f"FAILED: seed {CHUNK + 1}: Traceback" in said.err
    assert "KeyError: 'unforeseen'" in said.err
    assert f"{MANY - 2:10,}  played\n" in said.out
    assert f"failed: seeds 1, {CHUNK + 1}\n" in said.out


def test_without_a_failing_one_all_is_well(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(all_hold, 0, MANY) == 0
    said = capfd.readouterr()
    assert said.err == ""
    assert f"{MANY:10,}  histories held\n" in said.out


def test_none_is_begun_when_the_time_is_over() -> None:
    seeds = range(100 * CHUNK)
    ran = run_all(all_take_a_while, seeds, pytest.fail, seconds=0)
    assert 0 < ran.histories < len(seeds)
    assert ran.histories == ran.counts["played"]


def test_the_soak_tells_what_happened_and_what_did_not_hold(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soak, outcome = Soak(tmp_path, Random(1), seconds=LONG, rounds=MANY), Outcome("", "", "")
    monkeypatch.setattr(histories, "SEEDS", 1)  # from 0 on
    with pytest.raises(AssertionError, match="seed 1: not settled"):
        histories._play(some_fail, soak, outcome, ())
    assert outcome.figures["histories"] == f"{MANY:,} of {MANY:,}, of the seeds from 0 on"
    assert outcome.figures["played"] == f"{MANY - 2:,}"
    assert outcome.figures["did not hold"] == f"2: seeds 1, {CHUNK + 1}"


def test_the_soak_sees_that_something_never_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "MANY", MANY)
    soak, outcome = Soak(tmp_path, Random(1), seconds=LONG, rounds=MANY), Outcome("", "", "")
    with pytest.raises(AssertionError, match="never happened: moon"):
        histories._play(all_hold, soak, outcome, ("played", "moon"))


def test_the_soak_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "SEEDS", 1)
    monkeypatch.setattr(histories, "BATCH", 2 * CHUNK)
    kept = tmp_path / "kept.json"

    def figures(rounds: int) -> dict[str, str]:
        outcome = Outcome("", "", "")
        with suppress(AssertionError):
            histories._play(some_fail, Soak(tmp_path, Random(1), LONG, rounds, kept), outcome, ())
        return outcome.figures

    assert figures(3 * CHUNK)["played"] == f"{3 * CHUNK - 2}"
    monkeypatch.setattr(histories, "run_all", lambda _stage, seeds, *_: Ran(len(seeds), Counter(played=len(seeds))))
    resumed = figures(4 * CHUNK)
    assert resumed["histories"] == f"{4 * CHUNK} of {4 * CHUNK}, of the seeds from 0 on"
    assert msgspec.json.decode(kept.read_bytes())["seconds"] > 0
    assert (resumed["played"], resumed["runs"]) == (f"{4 * CHUNK - 2}", "2")
    assert resumed["did not hold"] == f"2: seeds 1, {CHUNK + 1}"
    with pytest.raises(AssertionError, match="of another --seed"):
        progress.Progress(7, kept)
    going = progress.Progress(0, kept)
    monkeypatch.setattr(progress, "sources", lambda: "others")
    with pytest.raises(AssertionError, match="has changed meanwhile"):
        going.add(Ran())
    anew = figures(CHUNK)
    assert (anew["played"], "runs" in anew, "did not hold" in anew) == (f"{CHUNK}", False, False)


def test_what_plays_is_told_from_other_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_ROOT", tmp_path)
    (tmp_path / "realm").mkdir()
    seen = {progress.sources()}
    for name, text in (("realm/core.py", "1"), ("realm/core.py", "2"), ("realm/other.py", "1"), ("notes.py", "1")):
        (tmp_path / name).write_text(text)
        seen.add(progress.sources())
    assert len(seen) == 4, "notes play nothing"
