"""What measure keeps, what it reads again, and what it reports; estimates against an exactly sampled free field."""

import json
import math
import multiprocessing
import os

import numpy as np
import pytest
from drawn import append, free_fields, write
from statistical import estimate, reported

from sqcli import store
from sqcli.analysis import flags, observable_series
from sqcli.analysis import measure as measuring
from sqcli.analysis.measure import measure
from sqcli.analysis.selection import observable
from sqcli.analysis.verify import verify
from sqcli.cli.rendering import as_json
from sqcli.errors import SqcliError, UsageError
from sqcli.observables import LatticeTheory
from sqcli.observables.magnetization import Magnetization
from sqcli.store import _locks
from sqcli.theories.free import Free

ALL = ["magnetization", "abs_magnetization", "mean_abs_field", "chi2", "chi2_abs", "binder", "action", "field_squared"]
ALL += ["moments", "cumulants", "correlator", "correlator_connected", "power_spectrum", "correlation_length"]
KEYS = {"observable", "component", "value", "error", "tau_int", "tau_int_error", "ess", "error_method", "weighted"}
KEYS |= {"flags", "between_chains_error", "rhat", "window"}


@pytest.fixture
def small(tmp_path):
    """Three chains of 40 draws on 6x4."""
    return write(tmp_path / "e", free_fields((6, 4), 0.5, 3, 40, seed=1))


def one(report, name="magnetization", component=None):
    rows = [r for r in report.envelope()["estimates"] if (r["observable"], r["component"]) == (name, component)]
    assert len(rows) == 1
    return rows[0]


def test_envelope_is_the_contract(small):
    report = measure(small, ALL).envelope()
    head = {key: report[key] for key in list(report) if key != "estimates"}
    expected = {"theory": "free", "parameters": {"mass2": 0.5}, "lattice": [6, 4], "chains": 3, "draws": 40}
    assert head == {"ensemble": str(small)} | expected
    assert all(set(row) == KEYS for row in report["estimates"])
    assert list(dict.fromkeys(row["observable"] for row in report["estimates"])) == ALL
    assert json.loads(as_json(report), parse_constant=pytest.fail)["estimates"]


@pytest.mark.parametrize("extents", [(8, 8), (6, 4), (4, 4, 6)])
def test_estimates_of_an_exactly_sampled_free_field(tmp_path, extents, judge):
    """Independent draws: every known expectation value, τ_int = ½, no flag."""
    exact = known(Free(0.5), observable_lattice(extents))
    assert len(exact) > 30

    def sample(seed, size):
        path = write(tmp_path / str(size), free_fields(extents, 0.5, 4, 2500 * size, seed))
        rows = {(row["observable"], row["component"]): row for row in measure(path, ALL).estimates}
        assert set(exact) <= set(rows)
        flagged = [key for key in exact if rows[key]["flags"]]
        assert len(flagged) < len(exact) / 3, flagged  # some rows at 4 σ, or Q < 0.001, by chance
        found = {f"{key}": reported(rows[key], value) for key, value in exact.items()}
        times = [(rows[key]["tau_int"], max(rows[key]["tau_int_error"], 0.005)) for key in exact]
        return found | {"tau_int": estimate(*np.array(times).T, 0.5)}

    judge.check(sample)


def known(theory, lattice):
    """What is exact of ALL."""
    exact, propagator = theory.exact(lattice), theory.propagator(lattice)
    square = propagator.mean()
    for n, factor in ((2, 1), (4, 3), (6, 15), (8, 105)):
        exact = exact | {("moments", str(n)): factor * square ** (n // 2)}
        exact = exact | {("cumulants", str(n)): square if n == 2 else 0.0}
    exact = exact | {("correlator_connected", t): v for (name, t), v in exact.items() if name == "correlator"}
    for label in observable("power_spectrum").components(LatticeTheory.of(theory, lattice)):
        exact = exact | {("power_spectrum", label): propagator[tuple(map(int, label.split(",")))]}
    k = 2 * math.sin(math.pi / max(lattice.extents))
    smallest = 1 / (k * k + theory.mass2)
    return exact | {("correlation_length", "symmetric"): math.sqrt(propagator.flat[0] / smallest - 1) / k}


def observable_lattice(extents):
    from sqcli.lattice.geometry import Lattice

    return Lattice(tuple(extents))


def test_the_second_measurement_computes_nothing(small, monkeypatch):
    first = measure(small, ALL).envelope()
    monkeypatch.setattr(store.Ensemble, "read_block", lambda *_: pytest.fail("configurations are read again"))
    assert measure(small, ALL).envelope() == first


def test_only_missing_draws_are_computed(tmp_path, monkeypatch):
    fields = free_fields((4, 4), 0.5, 2, 30, seed=2)
    path = write(tmp_path / "e", [fields[0][:12], fields[1][:7]], room=30)
    measure(path, ["magnetization"])
    append(path, 0, fields[0][12:])
    append(path, 1, fields[1][7:20])
    seen, compute = [], Magnetization.series
    monkeypatch.setattr(Magnetization, "series", lambda *a: seen.append(len(a[1])) or compute(*a))
    value = one(measure(path, ["magnetization"]))["value"]
    assert sum(seen) <= (30 - 12) + (20 - 7)
    chosen = np.concatenate([fields[0].reshape(30, -1).mean(1), fields[1][:20].reshape(20, -1).mean(1)])
    assert value == pytest.approx(chosen.mean(), rel=1e-12)
    kept = store.read_observable(path, "magnetization")
    assert [len(v) for v in kept.values] == [30, 20]
    np.testing.assert_allclose(np.concatenate(kept.values), chosen, rtol=1e-12)


def test_chains_of_unequal_length_and_one_that_has_not_begun(tmp_path):
    fields = free_fields((4, 4), 0.5, 3, 30, seed=2)
    path = write(tmp_path / "e", [fields[0], fields[1][:7], fields[2][:0]])
    report = measure(path, ["magnetization", "correlator", "binder"])
    assert report.head["draws"] == 7
    both = np.concatenate([fields[0], fields[1][:7]]).reshape(37, -1).mean(axis=1)
    assert one(report)["value"] == pytest.approx(both.mean())
    assert one(report, "binder")["value"] == pytest.approx(1 - np.mean(both**4) / (3 * np.mean(both**2) ** 2))


def test_skip_and_stride(small):
    m = store.open_ensemble(small)["phi"][:].mean(axis=(2, 3))
    assert one(measure(small, ["magnetization"], skip=5, stride=3))["value"] == pytest.approx(m[:, 5::3].mean())


def test_single_precision_is_summed_in_double(tmp_path):
    fields = 100 + free_fields((8, 8), 0.5, 1, 10, seed=3)
    path = write(tmp_path / "e", fields, dtype="float32")
    exact = fields.astype(np.float32).astype(np.float64).mean()
    assert one(measure(path, ["magnetization"]))["value"] == pytest.approx(exact, rel=1e-14)


def test_kept_series_say_what_they_are(small):
    measure(small, ["correlator", "correlation_length"])
    kept = store.read_observable(small, "correlator")
    assert kept.components == ("0", "1", "2")
    assert {"estimator", "definition", "code_version"} <= set(kept.attributes)
    assert store.read_observable(small, "correlation_length").components is None
    assert store.check(small) == []


def test_another_definition_is_measured_anew(small, monkeypatch):
    measure(small, ["magnetization"])
    monkeypatch.setattr(Magnetization, "definition", "2 M")
    monkeypatch.setattr(
        Magnetization, "series", lambda self, fields, model: 2 * fields.reshape(len(fields), -1).mean(1)
    )
    doubled = one(measure(small, ["magnetization"]))["value"]
    assert doubled == pytest.approx(2 * store.open_ensemble(small)["phi"][:].mean())


def test_unwritable_ensembles_are_measured(small, monkeypatch):
    expected = measure(small, ["binder"]).envelope()
    for error in (store.ReadOnlyError("no"), SqcliError("disk full")):
        other = write(small.with_name(f"f{id(error)}"), free_fields((6, 4), 0.5, 3, 40, seed=1))

        def refuse(*_, error=error, **__):
            raise error

        monkeypatch.setattr(store, "write_observable", refuse)
        assert measure(other, ["binder"]).envelope()["estimates"] == expected["estimates"]
        assert store.observable_names(other) == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_directory(small):
    for directory, _, _ in os.walk(small):
        os.chmod(directory, 0o555)  # noqa: PTH101
    try:
        assert one(measure(small, ["magnetization"]))["value"] is not None
    finally:
        for directory, _, _ in os.walk(small):
            os.chmod(directory, 0o755)  # noqa: PTH101


def test_a_lock_that_another_measurement_never_lets_go(small, monkeypatch):
    monkeypatch.setattr(_locks, "PATIENCE", 0.1)
    with _locks.Lock(small, "observables", "the measurement"):
        assert one(measure(small, ["magnetization"]))["value"] is not None
        assert store.observable_names(small) == []
    measure(small, ["magnetization"])
    assert store.observable_names(small) == ["magnetization"]


def _measure_many(path, queue):
    queue.put([measure(path, [name]).envelope()["estimates"] for name in ("binder", "correlator", "chi2", "moments")])


def test_several_measurements_at_once(small):
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    workers = [context.Process(target=_measure_many, args=(small, queue)) for _ in range(3)]
    for worker in workers:
        worker.start()
    results = [queue.get(timeout=120) for _ in workers]
    for worker in workers:
        worker.join()
    assert results[0] == results[1] == results[2]
    assert store.check(small) == []
    assert set(store.observable_names(small)) == {"magnetization", "correlator", "moments"}


def test_results_are_written_in_pieces(small, monkeypatch):
    whole = measure(write(small.with_name("g"), free_fields((6, 4), 0.5, 3, 40, seed=1)), ALL).envelope()
    monkeypatch.setattr(observable_series, "KEEP_BYTES", 500)
    monkeypatch.setattr(observable_series, "BLOCK_BYTES", 1000)
    assert measure(small, ALL).envelope()["estimates"] == whole["estimates"]
    assert store.check(small) == []


def test_what_took_long_is_kept_as_it_goes(small, monkeypatch):
    """A measurement that is stopped goes on from what it kept."""
    monkeypatch.setattr(observable_series, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(observable_series, "BLOCK_BYTES", 1000)
    series, seen = Magnetization.series, []

    def stopped(self, phi, on):
        seen.append(len(phi))
        return series(self, phi, on) if sum(seen) <= 60 else raise_(KeyboardInterrupt())

    with monkeypatch.context() as first:
        first.setattr(Magnetization, "series", stopped)
        with pytest.raises(KeyboardInterrupt):
            measure(small, ["magnetization"])
    kept, seen[:] = sum(seen[:-1]), []
    monkeypatch.setattr(Magnetization, "series", lambda self, phi, on: seen.append(len(phi)) or series(self, phi, on))
    measure(small, ["magnetization"])
    assert kept > 0
    assert sum(seen) == 120 - kept


@pytest.mark.parametrize("writable", [True, False])
def test_large_series_are_read_column_by_column(small, monkeypatch, writable):
    whole = measure(write(small.with_name("g"), free_fields((6, 4), 0.5, 3, 40, seed=1)), ALL).envelope()
    monkeypatch.setattr(observable_series, "LARGE", 500)
    monkeypatch.setattr(observable_series, "KEEP_BYTES", 2000)
    monkeypatch.setattr(observable_series, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(measuring, "BATCH_BYTES", 2000)
    if not writable:
        refuse = SqcliError("disk full")
        monkeypatch.setattr(store, "write_observable", lambda *_, **__: raise_(refuse))
    for _ in range(2):
        for row, expected in zip(measure(small, ALL).estimates, whole["estimates"], strict=True):
            loosely = {"rhat": 1e-2}  # ranks of draws that agree but for rounding
            close = {k: pytest.approx(v, rel=loosely.get(k, 1e-6)) for k, v in expected.items() if isinstance(v, float)}
            assert row == expected | close


def raise_(error):
    raise error


def test_progress_reaches_the_end(small):
    seen = []
    measure(small, ["binder"], progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (120, 120)


def test_wrong_usage_is_told(small, tmp_path):
    with pytest.raises(UsageError, match=r"there are: .*binder"):
        measure(small, ["nonsense"])
    with pytest.raises(UsageError, match=r"plaquette does not exist for theory free .*binder"):
        measure(small, ["plaquette"])
    with pytest.raises(UsageError, match="acceptance_rate"):
        measure(small, ["acceptance"])
    with pytest.raises(UsageError, match="sizes"):
        measure(small, ["binder"], options={"sizes": "1x1"})
    with pytest.raises(SqcliError, match="none"):
        measure(tmp_path / "none", ["binder"])
    empty = write(tmp_path / "empty", [np.empty((0, 4, 4))], room=5)
    with pytest.raises(SqcliError, match="no draw is committed"):
        measure(empty, ["binder"])


def test_action_comes_from_the_record_where_there_is_one(tmp_path):
    fields = free_fields((4, 4), 0.5, 2, 20, seed=1)
    recorded = np.random.default_rng(1).normal(8, 1, (2, 20))
    path = write(tmp_path / "e", fields, stats={"action": recorded})
    assert one(measure(path, ["action"]), "action")["value"] == pytest.approx(recorded.mean() / 16)
    assert store.observable_names(path) == []


FLAGGED = {
    "drift": {"stats": {"warmup_drift": np.repeat(-0.1 + 0.01 * np.arange(8)[:, None] % 0.03, 50, axis=1)}},
    "energy": {"stats": {"delta_h": np.random.default_rng(1).normal(0.5, 0.5, (8, 50))}},
    "memory": {"stats": {"action": np.random.default_rng(1).normal(0, 1, (8, 50)) + 9 * (np.arange(50) < 3)}},
    "uncorrected": {"exactness": {"status": "uncorrected", "reason": "Euler"}},
    "sound": {
        "stats": {
            "warmup_drift": np.repeat(np.random.default_rng(2).normal(0, 1, (8, 1)), 50, axis=1),
            "delta_h": np.random.default_rng(1).normal(0.02, 0.2, (8, 50)),
            "action": np.random.default_rng(1).normal(0, 1, (8, 50)),
        },
        "exactness": {"status": "exact", "reason": ""},
    },
}
EXPECTED = {
    "drift": [flags.NOT_EQUILIBRATED],
    "energy": [flags.EXP_DELTA_H_OFF],
    "memory": [flags.START_MEMORY],
    "uncorrected": [flags.UNCORRECTED],
    "sound": [],
}


@pytest.mark.parametrize("case", FLAGGED)
def test_what_an_ensemble_says_about_itself_is_on_every_estimate(tmp_path, case):
    path = write(tmp_path / "e", free_fields((4, 4), 0.5, 8, 50, seed=8), **FLAGGED[case])
    for row in measure(path, ["magnetization", "chi2"]).estimates:
        assert [name for name in row["flags"] if name in set(flags.FLAGS) - {"short_chains", "few_chains"}] == EXPECTED[
            case
        ]


def test_few_draws_of_a_chain_that_started_hot(tmp_path):
    fields = free_fields((4, 4), 0.5, 60, 2, seed=8)
    assert flags.EQUILIBRIUM_UNKNOWN in one(measure(write(tmp_path / "hot", fields), ["magnetization"]))["flags"]
    other = write(tmp_path / "other", fields, start={"ensemble": "e", "identity": "1", "draws": 3})
    assert flags.EQUILIBRIUM_UNKNOWN not in one(measure(other, ["magnetization"]))["flags"]


def test_cumulants_of_a_field_with_a_mean_are_flagged(tmp_path):
    fields = free_fields((4, 4), 0.5, 4, 200, seed=8)
    for shift, flagged in ((0.0, False), (0.5, True)):
        report = measure(write(tmp_path / f"e{shift}", fields + shift), ["cumulants", "moments"])
        assert (flags.NONZERO_MEAN in one(report, "cumulants", "4")["flags"]) is flagged
        assert flags.NONZERO_MEAN not in one(report, "moments", "4")["flags"]


def test_every_flag_has_a_sentence():
    assert all(text.endswith(".") for text in flags.FLAGS.values())


def test_a_writer_that_runs_on_does_not_disturb(tmp_path):
    """Draws committed after the ensemble was opened are left for the next measurement."""
    fields = free_fields((4, 4), 0.5, 1, 60, seed=2)
    path = write(tmp_path / "e", fields[:, :20], room=60)

    def more(done, total):
        if done == total == 20:
            append(path, 0, fields[0, 20:])

    assert measure(path, ["magnetization"], progress=more).head["draws"] == 20
    assert measure(path, ["magnetization"]).head["draws"] == 60


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e200])
def test_a_field_that_is_not_finite_gives_no_number(tmp_path, bad):
    """One site of one draw, in an ensemble from elsewhere: every estimate says so, nothing is warned of."""
    fields = free_fields((6, 4), 0.5, 3, 40, seed=1)
    fields[1, 7, 2, 3] = bad
    path = write(tmp_path / "e", fields)
    for row in measure(path, ALL).estimates:
        assert "not_finite" in row["flags"] if row["value"] is None else np.isfinite(bad), row
        assert row["error"] is None or np.isfinite(row["error"])
    assert not verify(path).passed


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_energy_changes_that_are_not_finite(tmp_path, bad):
    """A trajectory that diverged upwards counts as e^{−∞} = 0; downwards there is no mean."""
    changes = np.random.default_rng(1).normal(0.02, 0.2, (4, 200))
    changes[2, 9] = bad
    path = write(tmp_path / "e", free_fields((4, 4), 0.5, 4, 200, seed=8), stats={"delta_h": changes})
    row = one(measure(path, ["exp_delta_h"]), "exp_delta_h")
    assert (row["value"] is None) == (bad == -np.inf) == ("not_finite" in row["flags"])
    assert np.isfinite([r["z"] for r in verify(path).estimates if r["z"] is not None]).all()


def test_chains_that_never_move_are_called_constant(tmp_path):
    stats = {"delta_h": np.full((2, 30), np.nan), "action": np.full((2, 30), 3.0)}
    path = write(tmp_path / "e", np.repeat(free_fields((4, 4), 0.5, 1, 1, seed=3), 30, axis=1)[[0, 0]], stats=stats)
    for row in measure(path, ["magnetization", "binder", "action", "exp_delta_h"]).estimates:
        assert (row["error"], row["flags"]) == (0.0, ["constant"])
    report = verify(path)
    assert not report.passed
    assert not any(row["passed"] for row in report.estimates)
