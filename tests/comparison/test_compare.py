"""Parts of `compare`: the clock, the cost of training and data, deviations from the mean of exact rows."""

import json
import math
import threading
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from models import known_model

from sqcli.comparison import _methods, _pace, _timing, _training_cost
from sqcli.comparison.compare import CompareRequest, _agree, compare
from sqcli.errors import SqcliError, Stopped, UsageError
from sqcli.runs.generate import Request, generate
from sqcli.runs.generation import agreement as generating
from sqcli.runs.sample import SampleRequest
from sqcli.runs.sampling import agreement as sampling

WALL = 0.25  # fixed seconds of a call


@dataclass
class Machine:
    """A clock on which a call takes WALL, an update of the warm-up `warm` and a draw `draw` seconds."""

    warm: float
    draw: float
    now: float = 0.0
    calls: tuple = ()

    def run(self, request, stop, progress):
        done = dict(self.calls).get(str(request.path))
        self.now += WALL + self.draw * (request.draws - (done or 0))
        self.now += 0 if done else self.warm * (request.warmup or 0)
        self.calls = (*self.calls, (str(request.path), request.draws))
        progress(None)
        if stop.is_set():
            raise Stopped("stopped")


@pytest.fixture
def machine(monkeypatch):
    found = Machine(warm=0.01, draw=0.002)
    monkeypatch.setattr(_timing.time, "perf_counter", lambda: found.now)
    return found


def entrant(machine, rehearsed, most=10**9, warmup=1000):
    return _timing.Entrant("hmc", machine.run, Request(Path("x"), warmup=warmup), 3, 50, most, rehearsed)


def timed(machine, rehearsed, seconds=10.0, **options):
    row = entrant(machine, rehearsed, **options)
    return _timing.timed(row, Path("e"), Path("aside"), seconds, threading.Event())


def test_the_clock_of_a_chain_leaves_out_compiling_and_warm_up(machine):
    timing = timed(machine, True)
    assert timing.seconds >= 5
    assert timing.rate == pytest.approx(3 / 0.002, rel=WALL / 5 + 0.01)
    assert timing.setup == pytest.approx(1000 * 0.01 + WALL, rel=0.02)
    assert machine.calls[0] == ("aside", 50)  # the rehearsal
    drawn = [draws for path, draws in machine.calls if path == "e"]
    assert (drawn[0], drawn) == (50, sorted(drawn))
    assert all(draws % 50 == 0 for draws in drawn)
    assert 3 * (drawn[-1] - drawn[-2]) == timing.draws


def test_a_sampler_starts_warm_in_its_first_call(machine):
    timing = timed(machine, False, warmup=None)
    assert [path for path, _ in machine.calls if path == "aside"] == []
    assert timing.rate == pytest.approx(3 / 0.002, rel=WALL / 5 + 0.01)
    assert timing.setup == pytest.approx(WALL, rel=0.1)


def test_where_one_unit_takes_as_long_the_second_counts(machine):
    machine.draw = 1.0
    timing = timed(machine, False, warmup=None)
    assert machine.calls == (("e", 50), ("e", 100))
    assert (timing.draws, timing.seconds, timing.setup) == (150, 50 + WALL, 0)


def test_draws_are_bounded(machine):
    machine.draw = 1e-7
    timing = timed(machine, True, most=1000)
    assert dict(machine.calls)["e"] <= 1000
    assert timing.draws > 0


def test_a_stop_is_handed_on(machine):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        _timing.timed(entrant(machine, True), Path("e"), Path("aside"), 1.0, stop)


def row(exactness, value, error, flags=()):
    return {"exactness": exactness, "value": value, "error": error, "flags": list(flags)}


def test_deviations_from_the_mean_of_exact_rows():
    rows = [row("exact", 1.0, 0.1), row("weighted", 1.3, 0.1), row("uncorrected", 2.0, 0.3), row("exact", 1.0, None)]
    rows.append(row("weighted", 9.0, 0.1, ["low_weight_ess"]))
    mean = _agree(rows)
    assert (mean["value"], mean["error"]) == (pytest.approx(1.15), pytest.approx(0.1 / math.sqrt(2)))
    seen = [line["deviation"] for line in rows]
    assert seen[:2] == [pytest.approx(-0.15 / (0.1 / math.sqrt(2))), pytest.approx(0.15 / (0.1 / math.sqrt(2)))]
    assert seen[2] == pytest.approx(0.85 / math.sqrt(0.09 + 0.005))
    assert seen[3] is None
    assert seen[4] == pytest.approx(7.85 / math.sqrt(0.01 + 0.005))


def test_one_exact_row_has_nothing_to_deviate_from():
    rows = [row("exact", 1.0, 0.1), row("asymptotic", 1.1, 0.1)]
    assert _agree(rows)["value"] == 1.0
    assert rows[0]["deviation"] is None
    assert rows[1]["deviation"] == pytest.approx(0.1 / math.sqrt(0.02))
    assert _agree([row("uncorrected", 1.0, 0.1)]) == {"value": None, "error": None}


@pytest.fixture
def told(tmp_path, monkeypatch):
    """A model of 40 s of training on an ensemble that lies beside it; one update takes 2 ms here."""
    data = tmp_path / "data"
    request = Request(
        data, "free", (4, 4), {"mass2": 0.5}, "hmc", chains=3, draws=20, warmup=50, every=2, seed=1, workers=1
    )
    generate(request, threading.Event(), lambda _: None)
    identity = json.loads((data / "zarr.json").read_text())["attributes"]["identity"]
    document = {
        "identity": "m",
        "training": {"seconds": 40.0},
        "parents": [{"ensemble": "data", "identity": identity, "skip": 4, "draws": 10}],
    }
    monkeypatch.setattr(_training_cost, "read_document", lambda path: document | {"path": path})
    monkeypatch.setattr(_training_cost, "timed", lambda *_: _timing.Timing(250, 1.0, 0.0))  # of 2 updates each
    return tmp_path / "model", document


def test_data_cost_what_their_updates_take(told):
    path, _ = told
    found = _training_cost.preparation(path, 1, threading.Event())
    assert (found.training, found.notes) == (40.0, ())
    assert found.data == pytest.approx(3 * (50 + 2 * 14) / 500)


def test_what_cannot_be_counted_is_said(told):
    path, document = told
    document["parents"][0]["identity"] = "other"
    document["parents"].append({"ensemble": "gone", "identity": "x", "skip": 0, "draws": 1})
    document["training"] = {}
    found = _training_cost.preparation(path, 1, threading.Event())
    assert found.seconds == 0
    assert "no training time" in found.notes[0]
    assert "another ensemble is there now" in found.notes[1]
    assert "gone is not counted" in found.notes[2]


def _key(request):
    make = sampling.new_spec if isinstance(request, SampleRequest) else generating.new_spec
    return make(request).streams.key()


def test_slow_samplers_are_left_out_unless_named(tmp_path, monkeypatch):
    model = known_model(tmp_path / "m")
    monkeypatch.setattr(_pace, "_seconds", lambda _, sampler, *__: float(type(sampler).__name__ == "Path"))
    monkeypatch.setattr(_methods, "ALGORITHMS", ("exact", "hmc"))
    monkeypatch.setattr(_methods, "LONGEST", 0.5)
    request = CompareRequest(model, seconds=0.1, workers=1, device="cpu")
    rows, notes = _methods.Arena.open(request).entrants()
    assert [found.name for found in rows] == ["exact", "hmc", "ode", "maala", "dpm", "sde"]
    assert [note.partition(" ")[0] for note in notes] == ["path"]
    assert len({_key(found.request) for found in rows}) == len(rows)  # no two share random numbers
    named = CompareRequest(model, methods=("path",), algorithms=("hmc",), workers=1, device="cpu")
    assert [found.name for found in _methods.Arena.open(named).entrants()[0]] == ["hmc", "path"]


def test_seeds_of_the_rows_are_spawned(tmp_path):
    """Each by its own name, whatever other rows there are."""
    model = known_model(tmp_path / "m")

    def seeds(seed, algorithms=("exact", "hmc")):
        request = CompareRequest(model, algorithms=algorithms, methods=("sde",), seed=seed, workers=1, device="cpu")
        return {row.name: row.request.seed for row in _methods.Arena.open(request).entrants()[0]}

    found = seeds(5)
    assert found == seeds(5)
    assert found["hmc"] == seeds(5, ("hmc",))["hmc"]
    together = sorted([*found.values(), *seeds(6).values()])
    assert all(b - a > 2**32 for a, b in pairwise(together))


def test_a_row_that_fails_is_left_out_or_an_error(tmp_path, monkeypatch):
    model, real = known_model(tmp_path / "m"), _methods.generate

    def fail(request, stop, progress):
        if request.algorithm == "wolff":
            raise SqcliError("no luck")
        real(request, stop, progress)

    monkeypatch.setattr(_methods, "generate", fail)
    monkeypatch.setattr(_methods, "METHODS", ())
    monkeypatch.setattr(_methods, "ALGORITHMS", ("wolff", "hmc"))
    options = {"seconds": 0.05, "workers": 1, "seed": 1}
    found = compare(CompareRequest(model, **options), threading.Event(), lambda *_: None)
    assert [line["method"] for line in found.rows] == ["hmc"]
    assert found.notes == ("wolff is left out: no luck",)
    with pytest.raises(SqcliError, match="no luck"):
        compare(CompareRequest(model, algorithms=("wolff",), **options), threading.Event(), lambda *_: None)


@pytest.mark.parametrize("named", [(), ("hmc",)])
def test_parameters_out_of_range_are_an_error_of_the_user(tmp_path, named):
    request = CompareRequest(known_model(tmp_path / "m"), algorithms=named, settings={"hmc.n_steps": 0}, workers=1)
    with pytest.raises(UsageError, match="n_steps must be from 1 to 10000, not 0"):
        compare(request, threading.Event(), lambda *_: None)
