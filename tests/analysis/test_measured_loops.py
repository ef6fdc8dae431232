"""Loops in ensembles and reports: sizes by option, one series for loops and ratios, errors with their covariance."""

import numpy as np
import pytest
from drawn import write
from statistical import reported
from torus import area_law, torus_draws

from sqcli import store
from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.measure import measure
from sqcli.analysis.per_draw import per_draw
from sqcli.errors import UsageError
from sqcli.observables.wilson_loop import WilsonLoop

EXTENTS, BETA, SIZES = (4, 5), 2.0, {"sizes": "1x1,2x2"}


def drawn(path, draws, seed):
    """Four chains of independent draws, taken by their weights from many more."""
    links, weight = torus_draws(BETA, EXTENTS, 20 * draws, seed)
    chosen = np.random.default_rng(seed).choice(len(links), 4 * draws, p=weight / weight.sum())
    return write(path, links[chosen].reshape(4, draws, 2, *EXTENTS), "u1", {"beta": BETA}, field="theta")


@pytest.fixture
def small(tmp_path):
    return drawn(tmp_path / "e", 100, seed=1)


def values(report, name):
    return {row["component"]: row["value"] for row in report.estimates if row["observable"] == name}


def test_sizes_live_side_by_side_and_ratios_share_the_loops(small, monkeypatch):
    whole, some = measure(small, ["wilson_loop"]), measure(small, ["wilson_loop", "plaquette"], options=SIZES)
    names = ["plaquette", "topological_charge", "wilson_loop", "wilson_loop.sizes-1x1_2x2"]
    assert store.observable_names(small) == names
    assert store.read_observable(small, "wilson_loop.sizes-1x1_2x2").components == ("1x1", "2x2")
    found, few = values(whole, "wilson_loop"), values(some, "wilson_loop")
    assert few == {size: pytest.approx(found[size], rel=1e-13) for size in ("1x1", "2x2")}
    assert values(some, "plaquette")[None] == pytest.approx(found["1x1"], rel=1e-13)
    monkeypatch.setattr(WilsonLoop, "series", lambda *_: pytest.fail("measured again"))
    ratios = values(measure(small, ["creutz_ratio"]), "creutz_ratio")
    assert ratios["2x2"] == pytest.approx(-np.log(found["2x2"] * found["1x1"] / found["1x2"] ** 2), rel=1e-10)
    assert ratios["1x1"] == pytest.approx(-np.log(found["1x1"]), rel=1e-10)
    assert list(ratios) == list(found)


def test_sizes_reach_autocorrelations_and_numbers_per_draw(small):
    rows = autocorr(small, ["wilson_loop", "creutz_ratio"], options=SIZES).estimates
    assert [(row["observable"], row["component"], row["options"]) for row in rows] == [
        (name, size, SIZES) for name in ("wilson_loop", "creutz_ratio") for size in ("1x1", "2x2")
    ]
    assert all(abs(row["tau_int"] - 0.5) < 0.3 for row in rows)
    chains = per_draw(small, "wilson_loop", "2x2", options=SIZES)
    assert np.mean(chains) == pytest.approx(values(measure(small, ["wilson_loop"]), "wilson_loop")["2x2"])
    with pytest.raises(UsageError, match="wilson_loop with sizes=5x5 does not exist for theory u1 on 4x5"):
        measure(small, ["wilson_loop"], options={"sizes": "5x5"})


def test_loops_and_ratios_are_those_of_the_torus(tmp_path, judge):
    """Every ratio of an area law that ends on a torus, with the error of functions of means."""
    loop = {f"{r}x{t}": area_law(BETA, 20, r * t) for r in range(1, 4) for t in range(1, 5)}
    ratio = {
        "2x2": -np.log(loop["2x2"] * loop["1x1"] / loop["1x2"] ** 2),
        "2x3": -np.log(loop["2x3"] * loop["1x2"] / (loop["2x2"] * loop["1x3"])),
    }

    def sample(seed, size):
        report = measure(drawn(tmp_path / str(size), 1000 * size, seed), ["wilson_loop", "creutz_ratio"])
        wanted = {"wilson_loop": loop, "creutz_ratio": ratio}
        return {
            f"{row['observable']} {row['component']}": reported(row, wanted[row["observable"]][row["component"]])
            for row in report.estimates
            if row["component"] in wanted[row["observable"]]
        }

    judge.check(sample)
