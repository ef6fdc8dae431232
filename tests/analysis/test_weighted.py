"""Weighted ensembles: measure, autocorr, verify and log_z against an exactly solved target sampled from elsewhere."""

import math

import numpy as np
import pytest
from drawn import free_fields, write
from statistical import reported, time

from sqcli.analysis import flags
from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.measure import measure
from sqcli.analysis.verify import verify
from sqcli.errors import DamageError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories.free import Free

TARGET, PROPOSAL, EXTENTS = 0.5, 0.55, (6, 4)
LATTICE = Lattice(EXTENTS)
WEIGHTED = {"exactness": {"status": "weighted", "reason": "log_weight = -S - log q"}}


def log_z(mass2):
    """Of the free field: ½ Σ_k log 2πG(k)."""
    return 0.5 * float(np.log(2 * math.pi * Free(mass2).propagator(LATTICE)).sum())


def weighted(path, seed, chains=4, draws=2000, said=WEIGHTED, drop=0):
    """Draws of the free field of another mass; S − S′ and log Z′ make the log weight."""
    fields = free_fields(EXTENTS, PROPOSAL, chains, draws, seed)
    flat = fields.reshape(-1, *EXTENTS)
    logs = Free(PROPOSAL).action(flat, LATTICE) - Free(TARGET).action(flat, LATTICE) + log_z(PROPOSAL)
    logs = logs.reshape(chains, draws)
    logs[:, :drop] = np.nan
    return write(path, fields, stats={"log_weight": logs}, **said)


def one(report, name, component=None):
    return next(row for row in report.estimates if (row["observable"], row["component"]) == (name, component))


def test_every_known_expectation_value(tmp_path, judge):
    exact = Free(TARGET).exact(LATTICE)

    def sample(seed, size):
        path = weighted(tmp_path / str(size), seed, draws=2000 * size)
        report = measure(path, list(dict.fromkeys(name for name, _ in exact)))
        assert all(row["weighted"] for row in report.estimates)
        flagged = [row for row in report.estimates if row["flags"]]
        assert len(flagged) < len(exact) / 3, flagged  # some at 4 σ, or Q < 0.001, by chance
        wrong = measure(path, ["field_squared"], unweighted=True).estimates[0]
        assert not wrong["weighted"]
        assert flags.UNCORRECTED in wrong["flags"]
        assert abs(wrong["value"] - exact["field_squared", None]) > 5 * wrong["error"]
        keys = [(row["observable"], row["component"]) for row in report.estimates]
        return {str(key): reported(row, exact[key]) for key, row in zip(keys, report.estimates, strict=True)}

    judge.check(sample)


def test_log_z_is_that_of_the_target(tmp_path, judge):
    def sample(seed, size):
        row = measure(weighted(tmp_path / str(size), seed, draws=2000 * size), ["log_z"]).estimates[0]
        assert not row["weighted"]
        return reported(row, log_z(TARGET))

    judge.check(sample)


def test_log_z_counts_proposals_without_weight(tmp_path, judge):
    def sample(seed, size):
        path = weighted(tmp_path / str(size), seed, draws=1000 * size, drop=500 * size)
        return reported(measure(path, ["log_z"]).estimates[0], log_z(TARGET) - math.log(2))

    judge.check(sample)


def test_log_z_needs_weights(tmp_path):
    with pytest.raises(UsageError, match="log_z needs sample_stats/proposal_log_weight or log_weight"):
        measure(write(tmp_path / "e", free_fields(EXTENTS, 0.5, 1, 10, seed=1)), ["log_z"])


def test_weights_of_uncorrected_draws_are_not_used(tmp_path):
    said = {"exactness": {"status": "uncorrected", "reason": "noisy density"}}
    row = measure(weighted(tmp_path / "e", seed=14, said=said), ["field_squared"]).estimates[0]
    assert not row["weighted"]
    assert flags.UNCORRECTED in row["flags"]


def test_few_draws_are_flagged(tmp_path):
    path = weighted(tmp_path / "e", seed=15, chains=1, draws=60)
    assert flags.LOW_WEIGHT_ESS in one(measure(path, ["chi2"]), "chi2")["flags"]
    assert flags.LOW_WEIGHT_ESS in one(autocorr(path, ["chi2"]), "chi2")["flags"]
    assert flags.LOW_WEIGHT_ESS in flags.FLAGS


def test_autocorrelation_is_that_of_the_reweighted_series(tmp_path, judge):
    def sample(seed, size):
        row = one(autocorr(weighted(tmp_path / str(size), seed, draws=2000 * size), ["chi2"]), "chi2")
        return time(row["tau_int"], row["tau_int_error"], 0.5)

    judge.check(sample)


def test_skip_and_stride_shorten_the_weights_too(tmp_path, judge):
    exact = Free(TARGET).exact(LATTICE)["field_squared", None]

    def sample(seed, size):
        path = weighted(tmp_path / str(size), seed, draws=2000 * size)
        return reported(measure(path, ["field_squared"], skip=101, stride=3).estimates[0], exact)

    judge.check(sample)


def test_verify_uses_weighted_means(tmp_path, judge):
    def claim(seed, size):
        report = verify(weighted(tmp_path / f"right{size}", seed, draws=2000 * size), skip=10)
        assert report.passed, [row for row in report.estimates if row["passed"] is False]
        assert not verify(weighted(tmp_path / f"wrong{size}", seed, draws=2000 * size, said={})).passed

    judge.twice(claim)


def test_verify_says_nothing_where_few_draws_carry_the_weight(tmp_path):
    path = write(
        tmp_path / "e",
        free_fields(EXTENTS, 0.9, 2, 200, seed=1),
        stats={"log_weight": np.random.default_rng(1).normal(0, 6, (2, 200))},
        **WEIGHTED,
    )
    report = verify(path)
    assert report.verdict == "undecided"
    assert "carry the weight" in report.sentence()
    rows = [row for row in report.estimates if row["observable"] == "schwinger_dyson"]
    assert all(row["z"] is None and flags.LOW_WEIGHT_ESS in row["flags"] for row in rows)


@pytest.mark.parametrize("name", ["log_z", "expected_acceptance", "chi2"])
def test_one_rule_for_all_that_weights_enter(tmp_path, name):
    """One draw with all the weight: flagged, and an effective size of about one, in `measure` and in `autocorr`."""
    logs = np.random.default_rng(1).normal(0, 1, (2, 200))
    logs[1, 7] = 40.0
    path = write(tmp_path / "e", free_fields(EXTENTS, 0.9, 2, 200, seed=1), stats={"log_weight": logs}, **WEIGHTED)
    for report in (measure(path, [name]), autocorr(path, [name])):
        row = one(report, name)
        assert flags.LOW_WEIGHT_ESS in row["flags"]
        assert row["ess"] is None or row["ess"] < 2
    even = weighted(tmp_path / "even", seed=19)
    assert flags.LOW_WEIGHT_ESS not in one(measure(even, [name]), name)["flags"]
    assert one(measure(even, [name]), name)["ess"] == pytest.approx(one(autocorr(even, [name]), name)["ess"], rel=0.05)


@pytest.mark.parametrize("command", [lambda p: measure(p, ["chi2"]), lambda p: autocorr(p, ["chi2"]), verify])
def test_weighted_draws_without_weights_are_refused(tmp_path, command):
    """What an ensemble says of itself counts, not what is found in it."""
    path = write(tmp_path / "e", free_fields(EXTENTS, 0.5, 2, 50, seed=1), **WEIGHTED)
    with pytest.raises(DamageError, match="log_weight is missing"):
        command(path)
