"""Observables with options, in ensembles and reports: kept side by side, found again, right on the free field."""

import json

import numpy as np
import pytest
from drawn import append, free_fields, write
from statistical import reported

from sqcli import open_ensemble, store
from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.measure import measure
from sqcli.analysis.per_draw import per_draw
from sqcli.analysis.verify import verify
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.observables.correlator import Correlator
from sqcli.observables.power_spectrum import PowerSpectrum
from sqcli.runs.export import export
from sqcli.theories.free import Free

ACROSS = {"axis": 0}


@pytest.fixture
def small(tmp_path):
    """Three chains of 40 draws on 6x4."""
    return write(tmp_path / "e", free_fields((6, 4), 0.5, 3, 40, seed=1))


def values(report):
    return {(row["observable"], row["component"]): row["value"] for row in report.estimates}


def test_two_values_of_an_option_live_side_by_side(small, monkeypatch):
    along, across = measure(small, ["correlator"]), measure(small, ["correlator"], options=ACROSS)
    assert store.observable_names(small) == ["correlator", "correlator.axis-0"]
    monkeypatch.setattr(Correlator, "series", lambda *_: pytest.fail("measured again"))
    for options, before in ((None, along), (ACROSS, across), ({"axis": -1}, along), ({"axis": "0"}, across)):
        assert measure(small, ["correlator"], options=options).estimates == before.estimates
    assert [row["component"] for row in along.estimates] == ["0", "1", "2"]
    assert [row["component"] for row in across.estimates] == ["0", "1", "2", "3"]


def test_the_report_names_options_that_are_not_the_default_ones(small):
    for function in (measure, autocorr):
        rows = function(small, ["magnetization", "correlator", "power_spectrum"], options=ACROSS).estimates
        said = {row["observable"]: row.get("options") for row in rows}
        assert said == {"magnetization": None, "correlator": ACROSS, "power_spectrum": None}
        assert not any("options" in row for row in function(small, ["correlator"], options={"axis": -1}).estimates)


def test_what_is_kept_says_its_options_and_is_sound(small):
    measure(small, ["correlator"], options=ACROSS)
    measure(small, ["correlator", "magnetization"])
    kept = store.read_observable(small, "correlator.axis-0")
    assert kept.attributes["options"] == ACROSS
    assert "axis 0" in kept.attributes["definition"]
    assert kept.components == ("0", "1", "2", "3")
    assert store.read_observable(small, "correlator").attributes["options"] == {"axis": -1}
    document = json.loads((small / "observables" / "correlator.axis-0" / "zarr.json").read_text(encoding="utf-8"))
    assert document["dimension_names"] == ["chain", "draw", "correlator.axis-0_component"]
    assert store.check(small) == []


def test_damage_of_a_series_with_options_is_found(small):
    measure(small, ["correlator"], options=ACROSS)
    chunk = next((small / "observables" / "correlator.axis-0").glob("c.*"))
    content = bytearray(chunk.read_bytes())
    content[3] ^= 1
    chunk.write_bytes(content)
    assert any("correlator.axis-0" in str(fault) for fault in store.check(small))


def test_zarr_and_xarray_read_it(small):
    zarr, xarray = pytest.importorskip("zarr"), pytest.importorskip("xarray")
    expected = values(measure(small, ["correlator"], options=ACROSS))
    measure(small, ["correlator"])
    array = zarr.open_array(small / "observables" / "correlator.axis-0", mode="r")
    assert array[...].mean(axis=(0, 1))[2] == pytest.approx(expected["correlator", "2"])
    tree = xarray.open_datatree(small, engine="zarr", consolidated=False)
    assert tree["observables"]["correlator.axis-0"].dims == ("chain", "draw", "correlator.axis-0_component")
    series = open_ensemble(small).to_xarray()["observables"]["correlator.axis-0"]
    assert float(series.sel({"correlator.axis-0_component": "2"}).mean()) == pytest.approx(expected["correlator", "2"])


@pytest.mark.parametrize("suffix", ["csv", "npz"])
def test_exports_hold_both(small, tmp_path, suffix):
    measure(small, ["correlator"], options=ACROSS)
    measure(small, ["correlator"])
    out = tmp_path / f"out.{suffix}"
    export(small, out)
    if suffix == "csv":
        head = out.read_text(encoding="utf-8").splitlines()[0].split(",")
        assert {"correlator[2]", "correlator.axis-0[3]"} <= set(head)


def test_more_draws_are_measured_from_where_each_series_ends(small, monkeypatch):
    measure(small, ["correlator"], options=ACROSS)
    store.extend(small, 50)
    for chain in range(3):
        append(small, chain, free_fields((6, 4), 0.5, 1, 10, seed=9 + chain)[0])
    seen = []
    series = Correlator.series
    monkeypatch.setattr(Correlator, "series", lambda self, phi, on: seen.append(len(phi)) or series(self, phi, on))
    measure(small, ["correlator"], options=ACROSS)
    assert sum(seen) == 30


def test_a_series_from_before_its_observable_had_options_goes_on(small, monkeypatch):
    with monkeypatch.context() as before:
        before.setattr("sqcli.parameters.to_mapping", lambda _: {})
        measure(small, ["correlator"])
    assert store.read_observable(small, "correlator").attributes["options"] == {}
    store.extend(small, 50)
    append(small, 0, free_fields((6, 4), 0.5, 1, 10, seed=9)[0])
    seen = []
    series = Correlator.series
    monkeypatch.setattr(Correlator, "series", lambda self, phi, on: seen.append(len(phi)) or series(self, phi, on))
    measure(small, ["correlator"])
    assert sum(seen) == 10


def test_both_axes_of_the_exact_free_field(tmp_path, judge):
    """C(t) along axis 0 of 6x4 is C(t) along the last axis of 4x6."""
    exact = Free(0.5).exact(Lattice((4, 6)))

    def sample(seed, size):
        path = write(tmp_path / f"{seed}", free_fields((6, 4), 0.5, 8, 100 * size, seed))
        names = ["correlator", "correlator_connected"]
        rows = measure(path, names, options=ACROSS).estimates
        assert [row["component"] for row in rows] == 2 * ["0", "1", "2", "3"]
        return {
            f"{row['observable']}[{row['component']}]": reported(row, exact["correlator", row["component"]])
            for row in rows
        }

    judge.check(sample)


def test_small_modes_of_the_exact_free_field(tmp_path, judge):
    propagator = Free(0.5).propagator(Lattice((6, 6)))

    def sample(seed, size):
        path = write(tmp_path / f"{seed}", free_fields((6, 6), 0.5, 8, 100 * size, seed))
        rows = measure(path, ["power_spectrum"], options={"largest": 1}).estimates
        assert [row["component"] for row in rows] == ["0,0", "1,0", "1,1"]
        return {
            row["component"]: reported(row, propagator[tuple(map(int, row["component"].split(",")))]) for row in rows
        }

    judge.check(sample)


def test_an_option_changes_nothing_else(small, monkeypatch):
    """`verify` compares observables as they are, whatever was measured before."""
    before = verify(small).estimates
    measure(small, ["correlator", "power_spectrum"], options=ACROSS | {"largest": 1})
    monkeypatch.setattr(PowerSpectrum, "series", lambda *_: pytest.fail("measured again"))
    assert measure(small, ["power_spectrum"], options={"largest": 1}).estimates[0]["options"] == {"largest": 1}
    monkeypatch.undo()
    assert verify(small).estimates == before


def test_autocorrelations_are_those_of_the_series_asked_for(tmp_path):
    """Chains whose slow mode varies along one axis only."""
    rng = np.random.default_rng(3)
    steps = rng.standard_normal((4, 3000, 4, 1))
    slow = np.zeros_like(steps)
    for draw in range(1, steps.shape[1]):
        slow[:, draw] = 0.9 * slow[:, draw - 1] + steps[:, draw]
    slow -= slow.mean(axis=2, keepdims=True)
    path = write(tmp_path / "e", slow + rng.standard_normal((4, 3000, 4, 4)))
    tau = {axis: autocorr(path, ["correlator"], options={"axis": axis}).estimates[0]["tau_int"] for axis in (0, 1)}
    assert tau[0] > 3 > 0.8 > tau[1]


def test_numbers_per_draw(small):
    phi = open_ensemble(small)["phi"][:]
    means = phi.mean(axis=3)
    found = per_draw(small, "correlator", "1", options=ACROSS)
    np.testing.assert_allclose(np.array(found), (means * np.roll(means, -1, axis=2)).mean(axis=2))
    with pytest.raises(UsageError, match=r"correlator needs one of its components, correlator\[C\] with C of: 0, 1, 2"):
        per_draw(small, "correlator", "7")
    with pytest.raises(UsageError, match="correlator needs one"):
        per_draw(small, "correlator")
    with pytest.raises(UsageError, match="binder is no number per draw"):
        per_draw(small, "binder")


@pytest.mark.parametrize("function", [measure, autocorr])
def test_what_cannot_be_measured_is_refused_in_words(small, function):
    with pytest.raises(
        UsageError, match=r"'axsi' \(did you mean 'axis'\?\); binder has no options; correlator has axis"
    ):
        function(small, ["binder", "correlator"], options={"axsi": "0"})
    with pytest.raises(UsageError, match=r"correlator with axis=2 does not exist for theory free on 6x4$"):
        function(small, ["correlator"], options={"axis": "2"})
    assert store.observable_names(small) == []
