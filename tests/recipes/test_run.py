"""Running a recipe: in order, once, stoppable, with a table that says how far off it is."""

import csv
import json
import math
import threading
from contextlib import nullcontext

import numpy as np
import pytest
from statistical import estimate

from sqcli import open_ensemble, recipes
from sqcli.cli.recipe_table import comparison
from sqcli.errors import SqcliError, Stopped, UsageError
from sqcli.recipes._load import load
from sqcli.recipes._model import Reference
from sqcli.recipes._steps import runs
from sqcli.recipes._table import deviation


def contents(folder):
    return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def outcome(small, written, tmp_path):
    return recipes.run(written(small), out=tmp_path / "out")


def test_what_a_recipe_generates_is_right(small, written, tmp_path, judge):
    """Equipartition: S/V = 1/2 for the free field."""

    def sample(seed, size):
        small["defaults"]["draws"], small["steps"][0]["seed"] = 40 * size, seed
        row = recipes.run(written(small), out=tmp_path / str(size)).rows[0]
        return estimate(row["value"], row["error"], 0.5, dof=20)

    judge.check(sample)


def test_a_recipe_generates_compares_and_plots(outcome, tmp_path):
    out = tmp_path / "out"
    assert {file.name for file in outcome.files} == {"table.json", "table.csv", "m.png"}
    assert (out / "m.png").read_bytes().startswith(b"\x89PNG")
    first, second, third = outcome.rows
    z = (first["value"] - 0.5) / first["error"]
    assert first["reference_deviation"] == pytest.approx(z)
    assert second["quantity"] == "tau_int"
    assert third["component"] == "1"
    assert open_ensemble(out / "ensembles" / "b").attrs["start"]["ensemble"] == str(out / "ensembles" / "a")


def test_the_table_is_saved_as_json_and_csv(outcome, tmp_path):
    saved = json.loads((tmp_path / "out" / "table.json").read_text(encoding="utf-8"))
    assert saved["recipe"] == "small"
    assert saved["rows"] == outcome.rows
    with (tmp_path / "out" / "table.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["value"] for line in lines] == [repr(row["value"] or "").strip("'") for row in outcome.rows]


def test_rows_with_options_stand_side_by_side(small, written, tmp_path):
    small["table"] = [
        {"of": "a", "observable": "correlator", "component": 1},
        {"of": "a", "observable": "correlator", "component": 1, "options": {"axis": 0}, "reference": {"of": "b"}},
        {"of": "b", "observable": "correlator", "component": 1, "options": {"axis": 0}},
        {"of": "a", "observable": "correlator", "component": 0, "options": {"axis": 0}, "quantity": "tau_int"},
    ]
    rows = recipes.run(written(small), out=tmp_path / "out").rows
    assert [row.get("options") for row in rows] == [None, {"axis": 0}, {"axis": 0}, {"axis": 0}]
    phi = open_ensemble(tmp_path / "out" / "ensembles" / "a")["phi"][:]
    for row, axis in zip(rows, (3, 2), strict=False):
        means = phi.mean(axis=5 - axis)
        assert row["value"] == pytest.approx((means * np.roll(means, -1, axis=2)).mean())
    assert rows[1]["reference"] == rows[2]["value"]
    with (tmp_path / "out" / "table.csv").open(encoding="utf-8", newline="") as file:
        assert [line["options"] for line in csv.DictReader(file)] == ["", "axis=0", "axis=0", "axis=0"]
    text = comparison(rows)
    assert "\ncorrelator(axis=0)[1]  " in text
    assert "\ntau_int(correlator(axis=0)[0])  " in text


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"options": {"axsi": 0}}, ["table.0.options", "'axsi'", "did you mean 'axis'"]),
        ({"options": {"axis": "time"}}, ["table.0.options", "an integer", "'time'"]),
        ({"options": {"axis": 2}}, ["table.0.observable", "a, 4x4, has no correlator with axis=2"]),
        ({"options": {"axis": 0}, "reference": "exact"}, ["table.0.reference", "without options"]),
        ({"observable": "action", "component": None, "options": {"axis": 0}}, ["table.0.options", "action has no"]),
        ({"plots": {"observable": "correlator[1]", "options": {"axsi": 0}}}, ["plots.0.options", "'axsi'"]),
        ({"plots": {"observable": "correlator[1]", "options": {"axis": "t"}}}, ["plots.0.options", "an integer"]),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_runs(small, written, tmp_path, row, words):
    small["plots"] = [{"plot": "m", "kind": "history", "of": ["a"], **row.pop("plots", {})}]
    small["table"] = [{"of": "a", "observable": "correlator", "component": 1} | row]
    with pytest.raises(UsageError) as caught:
        recipes.run(written(small), out=tmp_path / "out")
    assert all(word in str(caught.value) for word in words)
    assert not (tmp_path / "out").exists()


def test_the_text_shows_ours_theirs_and_the_deviation(outcome):
    text = comparison(outcome.rows)
    head, first, *rest = text.splitlines()
    assert head.split() == ["quantity", "ensemble", "published", "ours", "σ", "reference", "σ", "flags"]
    assert f"{outcome.rows[0]['reference_deviation']:+.1f}" in first
    assert rest[0].startswith("tau_int(action)")
    assert rest[-1] == "reference: equipartition"


def test_again_it_changes_no_ensemble(outcome, small, written, tmp_path):
    before = contents(tmp_path / "out" / "ensembles")
    again = recipes.run(written(small), out=tmp_path / "out")
    assert contents(tmp_path / "out" / "ensembles") == before
    assert again.rows == outcome.rows


def test_a_stopped_recipe_goes_on_where_it_was(small, written, tmp_path):
    small["steps"][0]["draws"] = 200_000
    stop, path, out = threading.Event(), written(small), tmp_path / "out"
    with pytest.raises(Stopped):
        recipes.run(path, out=out, stop=stop, reporter=lambda _: nullcontext(lambda _: stop.set()))
    assert not (out / "table.json").exists()
    reached = int(open_ensemble(out / "ensembles" / "a").draws.min())
    assert reached < 200_000
    settings = {"steps.a.draws": str(max(1, reached))}
    with pytest.raises(Stopped):
        recipes.run(path, out=out, stop=stop, settings=settings)
    assert int(open_ensemble(out / "ensembles" / "a").draws.min()) == reached


def test_nothing_runs_when_a_later_step_makes_no_sense(small, written, tmp_path):
    small["steps"][1]["algorithm_parameters"] = {"widht": 1}
    with pytest.raises(UsageError, match=r"steps\.1 \(b\): .*widht.*width"):
        recipes.run(written(small), out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_results_of_another_recipe_are_left_alone(outcome, small, written, tmp_path):
    small["defaults"]["parameters"]["mass2"] = 2.0
    before = contents(tmp_path / "out" / "ensembles")
    with pytest.raises(SqcliError, match="mass2"):
        recipes.run(written(small), out=tmp_path / "out")
    assert contents(tmp_path / "out" / "ensembles") == before


def test_the_points_of_a_scan_are_runs_with_seeds_of_their_own(small, written, tmp_path):
    small["steps"] = [{"generate": "s", "algorithm": "metropolis", "seed": 5, "scan": {"mass2": [0.5, 1, 2]}}]
    small |= {"table": [{"of": "s/mass2=1", "observable": "action"}], "plots": []}
    found = runs(load(written(small)), tmp_path)
    assert [run.name for run in found] == ["s/mass2=0.5", "s/mass2=1", "s/mass2=2"]
    assert [run.request.parameters["mass2"] for run in found] == [0.5, 1, 2]
    seeds = {run.name: run.request.seed for run in found}
    assert len(set(seeds.values())) == 3
    small["steps"][0]["scan"]["mass2"] = [0.1, 1]
    assert runs(load(written(small)), tmp_path)[1].request.seed == seeds["s/mass2=1"]


def test_a_phase_diagram_shows_every_point(small, written, tmp_path):
    small["steps"] = [
        {"generate": "s", "theory": "phi4", "algorithm": "metropolis", "seed": 5, "draws": 10, "warmup": 10,
         "scan": {"kappa": [0.1, 0.2], "lambda": [0.02, 0.5]}}
    ]  # fmt: skip
    small["defaults"]["parameters"] = {}
    diagram = {"plot": "d", "kind": "phase_diagram", "of": "s", "x": "kappa", "y": "lambda"}
    both = [diagram | {"observables": ["abs_magnetization", "binder"]}]
    both += [diagram | {"plot": "e", "observables": ["binder", "correlator[1]"], "options": {"axis": 0}}]
    found = recipes.run(written(small | {"table": [], "plots": both}), out=tmp_path / "out")
    assert [file.name for file in found.files] == ["d.png", "e.png"]


def test_maps_over_both_parts_of_a_complex_parameter(small, written, tmp_path):
    small["defaults"] |= {"theory": "complex_gaussian", "lattice": 1, "parameters": {}, "draws": 20}
    values = [f"{re}{im}j" for re in (1, 2) for im in ("-1", "+1")]
    small["steps"] = [{"generate": "s", "algorithm": "cle", "scan": {"sigma0": values}, "warmup": 20}]
    plot = {"plot": "d", "kind": "phase_diagram", "of": "s", "x": "re(sigma0)", "y": "im(sigma0)", "distance": True}
    small |= {"table": [], "plots": [plot | {"observables": ["field_squared", "moments[4]"]}]}
    assert (tmp_path / "out" / "d.png") in recipes.run(written(small), out=tmp_path / "out").files
    small["plots"] = [plot | {"y": "re(sigma0)", "observables": ["field_squared"]}]
    with pytest.raises(UsageError, match=r"plots\.0: x and y must be the two parameters of the scan: sigma0"):
        recipes.run(written(small), out=tmp_path / "out")
    small["plots"] = [plot | {"observables": ["field_squared_variance[1]"]}]
    with pytest.raises(UsageError):
        recipes.run(written(small), out=tmp_path / "out")


def test_deviations_count_both_errors():
    assert deviation(1.0, 0.3, Reference(value=2.0, error=0.4, source="x")) == pytest.approx(-2)
    assert deviation(1.0, 0.5, Reference(value=2.0, source="exact")) == pytest.approx(-2)
    assert deviation(1.0, None, Reference(value=2.0, source="x")) is None
    assert deviation(1.0, 0.0, Reference(value=2.0, source="x")) is None
    assert math.isfinite(deviation(1.0, 1e-300, Reference(value=2.0, error=1e-3, source="x")) or 0)


def test_deviations_of_complex_numbers_are_those_of_the_worse_part():
    published = Reference(value="0.5-0.2j", error="0.03+0.04j", source="x")
    assert deviation(0.5 - 0.3j, 0.04 + 0.03j, published) == pytest.approx(-2)
    assert deviation(0.6 - 0.25j, 0.04 + 0.03j, published) == pytest.approx(2)
    assert deviation(0.6 - 0.2j, 0.0j, Reference(value=0.5 - 0.2j, source="exact")) is None
    assert deviation(0.5 + 1e-14 - 0.2j, 1e-16 + 0.1j, Reference(value=0.5 - 0.2j, source="exact")) == 0
    assert deviation(0.5 + 0.1j, 0.1 + 0.1j, Reference(value=0.5, source="exact")) == pytest.approx(1)


def test_complex_numbers_of_a_table(small, written, tmp_path):
    """A scan over a complex parameter, numbers with their imaginary parts beside them in every form of the table."""
    small["defaults"] |= {"theory": "complex_gaussian", "lattice": 1, "parameters": {}, "draws": 100}
    small["steps"] = [
        {"generate": "s", "algorithm": "cle", "algorithm_parameters": {"scheme": "half-implicit", "step_size": 0.5},
         "scan": {"sigma0": ["1+1j", "2-0.5j"]}, "chains": 20, "seed": 1, "warmup": 20}
    ]  # fmt: skip
    row = {"of": "s/sigma0=1+1j", "observable": "moments", "component": 2}
    published = {"value": "0.4986-0.4990j", "error": "7e-4+7e-4j", "source": "2410.21212"}
    small["table"] = [
        row | {"published": published, "reference": "exact"},
        row | {"reference": {"of": "s/sigma0=2-0.5j"}},
    ]
    small["table"].append({"of": row["of"], "observable": "field_squared", "quantity": "ess"})
    small["plots"] = []
    found = recipes.run(written(small), out=tmp_path / "out")
    first, second, third = found.rows
    assert first["reference"] == {"re": pytest.approx(0.5), "im": pytest.approx(-0.5)}
    assert first["published_error"] == {"re": 7e-4, "im": 7e-4}
    worst = max(abs(first["value"][p] - first["reference"][p]) / first["error"][p] for p in ("re", "im"))
    assert abs(first["reference_deviation"]) == pytest.approx(worst)
    assert second["reference_error"]["im"] > 0
    assert isinstance(third["value"], float)
    assert json.loads((tmp_path / "out" / "table.json").read_text(encoding="utf-8"))["rows"] == found.rows
    with (tmp_path / "out" / "table.csv").open(encoding="utf-8", newline="") as file:
        line = next(csv.DictReader(file))
    assert (float(line["published"]), float(line["published_im"])) == (0.4986, -0.4990)
    assert float(line["error_im"]) == first["error"]["im"]
    assert "0.49860(70) - 0.49900(70)i" in comparison(found.rows)


def test_loops_of_a_recipe_are_named_by_their_sizes(small, written, tmp_path):
    small["defaults"] |= {"theory": "u1", "parameters": {"beta": 1.0}, "lattice": "3x4"}
    sizes = {"sizes": "1x1,2x3"}
    small["table"] = [
        {"of": "a", "observable": "wilson_loop", "component": "2x3", "options": sizes, "reference": {"of": "b"}},
        {"of": "b", "observable": "wilson_loop", "component": "2x3"},
        {"of": "a", "observable": "creutz_ratio", "component": "1x1", "options": sizes},
        {"of": "a", "observable": "plaquette", "reference": "exact"},
        {"of": "a", "observable": "topological_susceptibility"},
    ]
    small["plots"] = [{"plot": "m", "kind": "history", "of": ["a"], "observable": "wilson_loop[2x3]", "options": sizes}]
    loop, other, ratio, plaquette, susceptibility = recipes.run(written(small), out=tmp_path / "out").rows
    assert loop["options"] == sizes
    assert loop["reference"] == pytest.approx(other["value"], rel=1e-12)
    assert ratio["value"] == pytest.approx(-math.log(plaquette["value"]), rel=1e-12)
    assert 0 < susceptibility["value"] < 0.2
    small["table"] = [{"of": "a", "observable": "wilson_loop", "component": "4x4", "options": {"sizes": "4x4"}}]
    with pytest.raises(UsageError, match=r"table\.0\.observable: a, 3x4, has no wilson_loop with sizes=4x4"):
        recipes.run(written(small), out=tmp_path / "out")
