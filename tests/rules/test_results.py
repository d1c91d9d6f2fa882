"""Pages and plots from results, whatever those say: nothing measured is left out, and what failed is loud."""

import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from tests.bench.figures import Comparison, Figure, Line, Measured
from tests.bench.meter import Reading
from tests.results import kept, performance, proof
from tests.results.__main__ import HERE, Drawing, digest
from tests.results.series import all_plots, storms
from tests.soak.part import Outcome, Part
from tests.soak.parts import PARTS

PERFORMANCE = (HERE / "performance.template.md").read_text(encoding="utf-8")
PROOF = (HERE / "proof.template.md").read_text(encoding="utf-8")
READING = Reading(count=1_000, seconds=1.0, cpu=0.5, main=0.9, busiest=0.9, generator=1.0, others=0.01)


def _side(rate: int) -> list[Reading]:
    return [replace(READING, count=rate + number) for number in range(3)]


def _share(key: str, ours: int, at_least: float | None) -> Line:
    return Comparison(_side(ours), _side(1_000)).line(key, f"work of {key}", "msg", f"bare of {key}", at_least)


def _upper(key: str, value: float) -> Line:
    return Line(key, f"work of {key}", f"{value} ms", figure=Figure("ms", value, [value, value], at_most=4.0))


def _item(name: str, *lines: Line, rounds: int = 5, others: Sequence[float] = (0.01,)) -> Measured:
    return Measured(name, list(lines), rounds=rounds, seconds=1.5, took=60.0, others=list(others))


def _page(*items: Measured, template: str = PERFORMANCE) -> str:
    return performance.render(template, items, all_plots([line for item in items for line in item.lines], []))


def _proof(outcomes: Sequence[Outcome], *known: str, template: str = PROOF) -> str:
    return proof.render(template, outcomes, {name: Part(f"do {name}", lambda *_: None) for name in known}, [])


def test_every_line_is_on_the_page_also_of_an_item_that_the_template_does_not_name() -> None:
    turn = replace(_upper("sendgroup-turn", 3.0), raw={"behind": [1.0], "p99": [5.0]})
    lines = [_share("send", 500, 0.4), _share("send-swift", 300, None), turn]
    page = _page(_item("send", *lines[:2]), _item("sendgroup", lines[2]), _item("new", _upper("new", 1.0)))
    for line in (*lines, _upper("new", 1.0)):
        assert f"| `{line.key}`<br>{line.work} | {line.ours} |" in page
    assert "bare of send-swift | 1,001 msg/s" in page
    assert "**3 of 3 targets are reached.**" in page
    assert "Not measured yet: `between`" in page
    assert "Nothing does: every target is reached." in page
    assert "Do not rely" not in page


def test_what_failed_and_what_falls_short_is_loud_and_has_its_reason_only_then() -> None:
    failed = Line("resume", "resume", "could not be measured: nobody | answers", failed=True)
    page = _page(_item("files", _share("files-up", 500, 0.6), _share("files-down", 700, 0.6)), _item("resume", failed))
    assert "**FAILED, and not measured: `resume`.**" in page
    assert "| `resume`<br>resume | could not be measured: nobody \\| answers | **FAILED** |" in page
    assert "- **FAILED** `resume` resume: could not be measured" in page
    assert "- `files-up`, work of files-up: comes to **50% by rate** where at least 60% is asked (501 msg/s" in page
    assert "A realm hashes every byte" in page
    assert "Each chunk is asked for by a command" not in page
    assert "**1 of 2 targets are reached.**" in page


def test_what_falls_short_without_a_known_reason_says_so() -> None:
    assert "comes to **5 ms** where at most 4 ms is asked (5.0 ms). No reason has been found yet." in _page(
        _item("new", _upper("new", 5.0))
    )


def test_short_and_disturbed_runs_are_not_to_be_relied_upon() -> None:
    page = _page(_item("send", _upper("send", 1.0), rounds=2), _item("idle", _upper("idle", 1.0), others=[0.5, 0.6]))
    assert "fewer than 3 rounds were measured of `send`; the machine was not left alone for `idle`" in page


def test_figures_in_prose_come_from_the_results() -> None:
    template = "It is <!-- say send ratio -->, and <!-- say gone ours -->.\n"
    assert "It is rate 50%, CPU 50%, and *not measured*." in _page(
        _item("send", _share("send", 500, 0.4)), template=template
    )
    outcome = Outcome("storm", "storm", "", figures={"others' p99": "3 ms"})
    assert "3 ms, *not run yet*" in _proof([outcome], template="<!-- say storm others' p99 -->, <!-- say gone lost -->")


def test_nothing_but_empty_pages_comes_of_no_results() -> None:
    assert "Nothing has been measured yet" in _page()
    assert "**0 of 0 targets are reached.**" in _page()
    assert "0 of 1 parts held when they were last run. Not run yet: `crashes-killed`." in _proof([], "crashes-killed")
    assert all_plots([], []) == []


def test_a_part_that_falls_short_is_told() -> None:
    page = _proof([Outcome("storm", "a storm", "", short="others' p99 is 5 times that alone")], "storm")
    assert "1 of 1 parts held when they were last run. Of these `storm` lost nothing, but fall short" in page
    assert re.search(r"\[`storm`\].*\| held, but \*\*falls short\*\* \|", page)
    assert "> **Falls short**: others' p99 is 5 times that alone" in page


def test_a_part_that_failed_was_not_run_or_is_no_more_is_told() -> None:
    well = Outcome(
        "crashes-killed", "kill", "python -m tests.soak --only crashes-killed", 7_300, {"lost | doubled": "0"}
    )
    bad = Outcome("old-part", "something", "python -m tests.soak", figures={}, error="3 lost\nof 5")
    page = _proof([well, bad], "crashes-killed", "storm-connect")
    assert "1 of 3 parts held when they were last run. **FAILED: `old-part`.** Not run yet: `storm-connect`." in page
    assert "> **FAILED**: 3 lost of 5" in page
    assert re.search(r"\[`old-part`\].*\| \*\*FAILED\*\* \|", page)
    assert "| lost \\| doubled | 0 |" in page
    assert "2.0 h on" in page
    assert "**Not run yet**: `.venv/bin/python -m tests.soak --only storm-connect`" in page
    assert "## And more\n\n### old-part" in page


def test_every_reason_is_of_a_line_of_the_bench_every_table_of_an_item_and_every_chapter_of_a_part() -> None:
    bench = "".join(path.read_text(encoding="utf-8") for path in (HERE.parent / "bench").glob("*.py"))
    named = re.findall(r"<!-- reason ([\w-]+) -->", PERFORMANCE)
    named += " ".join(re.findall(r"<!-- table (.+?) -->", PERFORMANCE)).split()
    assert named
    assert [name for name in named if f'"{name}"' not in bench] == []
    begun = " ".join(re.findall(r"<!-- parts (.+?) -->", PROOF)).split()
    assert begun
    assert [words for words in begun if not any(name.startswith(words) for name in PARTS)] == []


def test_what_is_kept_takes_the_place_of_what_was_kept_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    one, other = _item("send", _share("send", 500, 0.4)), _item("idle", _upper("idle", 1.23456789))
    kept.keep(path, Measured, [one, other], lambda item: item.item, ["idle", "send"])
    kept.keep(path, Measured, [replace(one, rounds=7)], lambda item: item.item, ["idle", "send"])
    idle, send = kept.read(path, Measured)
    assert (idle.item, send.item, send.rounds) == ("idle", "send", 7)
    assert idle.lines[0].figure == Figure("ms", 1.23457, [1.23457, 1.23457], at_most=4.0)
    assert msgspec.convert(send.lines[0].raw["ours"], list[Reading]) == _side(500)
    assert kept.read(tmp_path / "none.json", Measured) == []
    path.write_text("{}")
    with pytest.raises(msgspec.MsgspecError):
        kept.read(path, Measured)


def test_pages_and_plots_are_stale_once_the_results_are_others(tmp_path: Path) -> None:
    path = tmp_path / "results" / "bench.json"
    path.parent.mkdir()
    kept.keep(path, Measured, [_item("send", _share("send", 500, 0.4))], lambda item: item.item, [])
    drawing = Drawing.of(tmp_path)
    assert list(drawing.stale(tmp_path)) == ["performance.md", "proof.md", "plots/shares.svg"]
    for name, page in drawing.pages.items():
        (tmp_path / name).write_text(page, encoding="utf-8")
    (tmp_path / "plots").mkdir()
    for plot in drawing.plots:
        (tmp_path / "plots" / f"{plot.name}.svg").write_text(f"<svg><!-- {digest(plot)} --></svg>")
    assert list(drawing.stale(tmp_path)) == []
    kept.keep(path, Measured, [_item("send", _share("send", 600, 0.4))], lambda item: item.item, [])
    assert list(Drawing.of(tmp_path).stale(tmp_path)) == ["performance.md", "plots/shares.svg"]
    path.unlink()
    assert "plots/shares.svg" in list(Drawing.of(tmp_path).stale(tmp_path))


def _keep_odd(docs: Path) -> None:
    results = docs / "results"
    results.mkdir(parents=True)
    latency = Line("single", "single", "", raw={side: [[0.2]] for side in ("ours", "echoes", "flushes")})
    sendgroup = [_share("sendgroup", 100, 0.6), _share("sendgroup-each", 3_000, None)]
    failed = Line("sendgroup-turn", "sendgroup", "could not be measured", failed=True)
    items = [_item("single", latency), _item("sendgroup", *sendgroup, failed), _item("windows", _upper("windows", 0.0))]
    kept.keep(results / "bench.json", Measured, items, lambda item: item.item, [])
    outcomes = [
        Outcome("storm-a", "storm", "", figures={"others' p99": "1,250.5 ms, 3 times", "lost": "0"}),
        Outcome("storm-b", "storm", "", error="broken"),
    ]
    kept.keep(results / "soak.json", Outcome, outcomes, lambda one: one.part, [])


def _draw(docs: Path, seed: str) -> dict[str, bytes]:
    """In a process of its own: matplotlib is not for this one."""
    command = [sys.executable, "-m", "tests.results", "--docs", str(docs)]
    subprocess.run(command, check=True, timeout=100, env={**os.environ, "PYTHONHASHSEED": seed})
    return {path.name: path.read_bytes() for path in (docs / "plots").iterdir()}


@pytest.mark.parametrize(
    ("name", "figure", "bars"),
    [
        ("others' p99", "1,250.5 ms, 3 times", [("others' p99", 1_250.5)]),
        ("others wait", "p50 1.5 ms, p99 3 ms", [("others wait: p99", 3.0)]),
        ("p99", "2 ms before, 4.5 ms meanwhile (2.2 times)", [("p99: before", 2.0), ("p99: meanwhile", 4.5)]),
        ("the slowest", "9 ms", []),
        ("p99", "no one waited", []),
    ],
)
def test_what_others_wait_is_found_in_what_a_storm_says(name: str, figure: str, bars: list[tuple[str, float]]) -> None:
    found = storms([Outcome("storm", "storm", "", figures={name: figure})])
    assert [(bar.name, bar.value) for bar in found] == bars


def test_odd_results_are_drawn(tmp_path: Path) -> None:
    _keep_odd(tmp_path)
    drawn = _draw(tmp_path, "0")
    assert drawn.keys() == {"shares.svg", "allowed.svg", "latency.svg", "sendgroup.svg", "storms.svg"}
    assert list(Drawing.of(tmp_path).stale(tmp_path)) == []


@pytest.mark.thorough
def test_the_same_results_give_the_same_bytes(tmp_path: Path) -> None:
    drawn = []
    for number in ("1", "2"):
        _keep_odd(tmp_path / number)
        drawn.append(_draw(tmp_path / number, number))
    assert drawn[0] == drawn[1]
