"""Figures of models: their numbers are exact for exact models, all kinds are written, mistakes are one line."""

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn import free_fields, write
from models import known_statistics, pairs_model
from scipy.special import erfc
from statistical import difference, estimate, mean, reported, spread

from sqcli import stats
from sqcli.analysis.measure import measure
from sqcli.diffusion.models.design import Choice, Design, TrainingEnsemble
from sqcli.diffusion.models.fitting import fit
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.schedules.ve import VarianceExploding
from sqcli.errors import SqcliError, UsageError
from sqcli.figures import AtTimes, ModelFigure, kinds, plot
from sqcli.figures._cumulant_curves import curves, exact_curve, moments
from sqcli.figures._denoising_strip import strip
from sqcli.figures._effective_actions import ActionLine, actions, recorded, sampler_of
from sqcli.figures._model_source import ModelSource, configurations
from sqcli.figures._proposal_weights import weights
from sqcli.figures._reverse_process import STEP, Instants, forward, rungs
from sqcli.figures._score_curves import curves as score_curves
from sqcli.lattice.geometry import Lattice
from sqcli.observables import LatticeTheory
from sqcli.observables.expected_acceptance import ExpectedAcceptance, pair_acceptance
from sqcli.runs.sample import SampleRequest, sample

MIXTURE = {"mu0": 1.0, "sigma0": 0.25}
WELL = {"a": -4.0, "b": 1.0}


pytestmark = pytest.mark.usefixtures("one_thread")


def saved(path, theory, parameters, extents=(1,), schedule="ve", scale=1.0):
    """The exact model of a theory, in units of `scale`."""
    parts = {kind: Choice.build(kind, name, {}) for kind, name in (("net", "analytic"), ("objective", "dsm"))}
    parts |= {"schedule": Choice.build("schedule", schedule, {}), "theory": Choice.build("theory", theory, parameters)}
    design = Design(parts, Lattice(extents))
    statistics = known_statistics(design.theory, design.lattice, scale)
    Model(design, design.build_net(1), (TrainingEnsemble(design.lattice, (), statistics),), 1, "m" * 64).save(path)
    return path


@pytest.fixture(scope="module")
def free(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("models") / "free", "free", {"mass2": 0.5}, (4, 4))


@pytest.fixture(scope="module")
def mixture(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("models") / "mixture", "gaussian_mixture", MIXTURE)


@pytest.fixture(scope="module")
def phi4(tmp_path_factory):
    """A net without training."""
    path, lattice = tmp_path_factory.mktemp("models") / "phi4", Lattice((4, 4))
    parts = {"net": Choice.build("net", "mlp", {"width": 8}), "objective": Choice.build("objective", "dsm", {})}
    parts |= {"schedule": Choice.build("schedule", "vp", {})}
    design = Design(parts | {"theory": Choice.build("theory", "phi4", {"kappa": 0.2, "lambda": 0.022})}, lattice)
    statistics = fit(torch.from_numpy(free_fields((4, 4), 0.5, 1, 64, 1)[0]), lattice, slow_mode=False)
    Model(design, design.build_net(1).eval(), (TrainingEnsemble(lattice, (), statistics),), 1, "p" * 64).save(path)
    return path


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory):
    return write(tmp_path_factory.mktemp("data") / "e", free_fields((4, 4), 0.5, 4, 50, 1))


def sampled(path, model, seed=3, draws=500, **options):
    """Of the model of mass2 = 0.5 for mass2 = 0.6, so that weights differ."""
    request = SampleRequest(
        path, model, method="path", method_parameters={"n_steps": 4}, parameters={"mass2": 0.6},
        chains=4, draws=draws, seed=seed, device="cpu", **options,
    )  # fmt: skip
    sample(request, threading.Event(), lambda _: None)
    return path


@pytest.fixture(scope="module")
def weighted(free, tmp_path_factory):
    return sampled(tmp_path_factory.mktemp("weighted") / "e", free)


@pytest.fixture(scope="module")
def chain(free, tmp_path_factory):
    return sampled(tmp_path_factory.mktemp("chain") / "e", free, accept="independence")


def source(path, **options):
    return ModelSource(path, **{"device": "cpu", **options})


def log_z(path):
    denoiser = source(path).denoiser
    return denoiser.theory.log_partition(denoiser.lattice)


class TestEffectiveAction:
    @pytest.mark.parametrize("method", ["path", "ode"])
    def test_it_is_the_action_for_the_exact_model(self, free, ensemble, method):
        """Path weights of the exact Gaussian model are constant, −log q = S + log Z; the flow's steps are finite."""
        exact = 1e-9 if method == "path" else 2e-4
        for options in ({}, {"ensemble": ensemble}):
            of = source(free, **options)
            line = ActionLine.through(*actions(of, sampler_of(of, method, {}), 40))
            assert line.r2 == pytest.approx(1, abs=exact)
            assert line.slope == pytest.approx(1, abs=exact)
            assert line.constant == pytest.approx(log_z(free), abs=1e2 * exact)
            assert line.draws == 40

    def test_a_sampled_ensemble_knows_it(self, weighted):
        line = ActionLine.through(*recorded(ModelSource(weighted)))
        row = measure(weighted, ["effective_action_r2"]).estimates[0]
        assert row["value"] == pytest.approx(line.r2, abs=1e-10)
        assert 0 < row["error"] < 0.02
        assert not row["weighted"]
        assert 0.8 < line.r2 < 1 - 1e-4

    def test_r2_of_a_line_of_slope_one(self, rng):
        s = rng.normal(size=500)
        noise = rng.normal(size=500)
        noise -= noise.mean() + s * (noise @ (s - s.mean())) / ((s - s.mean()) @ s)
        line = ActionLine.through(s, s + 3 + noise)
        assert line.r2 == pytest.approx(1 - np.var(noise) / np.var(s))
        assert "500 draws" in str(line)

    def test_draws_without_density_do_not_count(self):
        line = ActionLine.through(np.array([1.0, 2.0, 5.0, np.nan]), np.array([2.0, 3.0, np.inf, 1.0]))
        assert (line.r2, line.constant, line.draws) == (1, 1, 2)
        with pytest.raises(SqcliError, match="no line"):
            ActionLine.through(np.array([1.0, 2.0]), np.array([1.0, np.inf]))

    def test_r2_is_one_without_error_where_weights_are_constant(self, tmp_path, rng):
        action = rng.normal(40, 3, (2, 200))
        fields = rng.normal(size=(2, 200, 4, 4))
        stats_ = {"action": action, "log_weight": np.full((2, 200), -3.25)}
        stats_["log_weight"][0, :3] = -np.inf, np.nan, -np.inf
        path = write(tmp_path / "e", list(fields), stats=stats_)
        row = measure(path, ["effective_action_r2"]).estimates[0]
        assert row["value"] == pytest.approx(1, abs=1e-12)
        assert row["error"] == pytest.approx(0, abs=1e-12)


class TestScore:
    @pytest.mark.parametrize(("theory", "parameters"), [("gaussian_mixture", MIXTURE), ("double_well", WELL)])
    @pytest.mark.parametrize(("schedule", "scale"), [("ve", 1.0), ("vp", 2.5)])
    def test_that_of_the_exact_model_is_exact(self, tmp_path, theory, parameters, schedule, scale):
        found = score_curves(source(saved(tmp_path / "m", theory, parameters, (1,), schedule, scale)), AtTimes())
        assert len(found) == 4
        for curve in found:
            assert curve.deviation < 1e-9
            assert np.allclose(curve.drift, curve.exact_drift, rtol=1e-9)
            slope = np.gradient(np.log(curve.density), curve.field, edge_order=2)
            assert np.allclose(slope, curve.exact, atol=0.02 * np.abs(curve.exact).max())
            assert np.trapezoid(curve.density, curve.field) == pytest.approx(1, abs=0.01)

    def test_units_are_those_of_the_field(self, tmp_path):
        """At t → 0 the score is −S′; of VE the reverse drift is −g² times it, in whatever units the net works."""
        for scale in (1.0, 2.5):
            path = saved(tmp_path / f"m{scale}", "gaussian_mixture", MIXTURE, scale=scale)
            (curve,) = score_curves(source(path), AtTimes(times=(1e-5,)))
            theory = source(path).denoiser.theory
            exact = -theory.slope(curve.field)
            assert np.allclose(curve.score, exact, atol=0.01 * np.abs(exact).max())
            g2 = scale**2 * 25.0**2e-5
            assert np.allclose(curve.drift, -g2 * curve.score)

    def test_a_wrong_score_deviates(self, mixture):
        (curve,) = score_curves(source(mixture), AtTimes(levels=(1.0,)))
        assert replace(curve, score=1.1 * curve.exact).deviation == pytest.approx(0.1)


class TestCumulants:
    @pytest.mark.parametrize(("schedule", "scale"), [("ve", 1.0), ("vp", 2.5)])
    def test_both_processes_follow_the_exact_curves(self, tmp_path, schedule, scale, judge):
        """Errors of high cumulants are themselves not well known, and not Gaussian, from some thousand draws."""
        path = saved(tmp_path / "m", "gaussian_mixture", MIXTURE, (1,), schedule, scale)
        times = (0.01, 0.1, 0.3, 0.5)

        def sample(seed, size):
            found = curves(source(path, seed=seed), AtTimes(times=times), 8000 * size)
            assert found.origin == "exact"
            assert found.t == pytest.approx(times)
            assert np.all(np.isfinite(found.exact))
            processes = {"forward": found.forward, "backward": found.backward}
            assert all(np.all(points.error > 0) for points in processes.values())
            assert np.all(found.forward.error[0] < 0.05 * np.abs(found.exact[0]))
            return {name: estimate(p.value, p.error, found.exact, dof=50) for name, p in processes.items()}

        judge.check(sample)

    def test_exact_curve_of_both_schemes(self):
        start = np.array([1.0625, -2.0, 16.0, -272.0])
        instants = Instants.at_times(VarianceExploding(), [0.2, 0.4])
        sigma2 = (25 ** (2 * 0.4) - 1) / (2 * np.log(25))
        assert exact_curve(start, instants, 3.0)[1] == pytest.approx([1.0625 + 9 * sigma2, -2, 16, -272])
        halved = replace(instants, alpha=torch.full((2,), 0.5, dtype=torch.float64))
        assert exact_curve(start, halved, 1.0)[0, 1:] == pytest.approx([-2 / 16, 16 / 64, -272 / 256])

    def test_data_of_an_ensemble_are_its_own_curve(self, free, ensemble, judge):
        """The free field is Gaussian: κ₂ = ⟨φ²⟩ and no other cumulant; at the end of the reverse process as well."""
        second = measure(ensemble, ["field_squared"]).estimates[0]["value"]

        def sample(seed, size):
            found = curves(source(free, ensemble=ensemble, seed=seed), AtTimes(times=(1e-5, 0.2)), 200 * size)
            if size > 1:  # all 200 draws of the ensemble are in the curve
                assert found.forward.value[0, 0] == pytest.approx(second, rel=0.01)
            return estimate(
                found.backward.value[:, :2], np.hypot(found.backward.error, found.forward.error)[:, :2],
                found.exact[:, :2], dof=50,
            )  # fmt: skip

        judge.check(sample)

    def test_moments_are_pooled_over_sites(self, rng):
        phi = rng.normal(size=(3, 2, 2))
        assert moments(phi)[:, 1] == pytest.approx((phi**4).mean((1, 2)))


class TestProcesses:
    def test_rungs_pass_through_all_stops_in_small_steps(self):
        levels, marks = rungs([20.0, 3.0, 2.9, 0.01])
        assert levels[marks].tolist() == [20.0, 3.0, 2.9, 0.01]
        steps = -np.diff(np.log(levels.numpy()))
        assert np.all(steps > 0)
        assert steps.max() <= STEP + 1e-12

    def test_noise_is_that_of_the_level(self, mixture, judge):
        def sample(seed, size):
            of = source(mixture, seed=seed)
            instants = Instants.at_levels(of.denoiser.schedule, [0.5, 2.0])
            zero = torch.zeros(4000 * size, 1, dtype=torch.float64)
            late, early = forward(of.denoiser, zero, of.noise(0, 0, 4000 * size), instants)
            return {"late": spread(late[:, 0], 2.0, centre=0.0), "early": spread(early[:, 0], 0.5, centre=0.0)}

        judge.check(sample)

    @pytest.mark.parametrize("at", [AtTimes((2.0,)), AtTimes((), (1e5,)), AtTimes((0.1,), (1.0,))])
    def test_times_must_be_the_schedules(self, at):
        schedule = VarianceExploding()
        with pytest.raises(UsageError):
            Instants.chosen(schedule, at, Instants.at_times(schedule, [0.5]))

    def test_times_come_before_the_default(self):
        schedule = VarianceExploding()
        default = Instants.at_times(schedule, [0.5])
        assert Instants.chosen(schedule, AtTimes(), default) is default
        assert Instants.chosen(schedule, AtTimes((0.2, 0.1)), default).t.tolist() == [0.1, 0.2]
        assert Instants.chosen(schedule, AtTimes((), (0.5,)), default).level.tolist() == [0.5]

    def test_configurations_come_evenly_from_all_chains(self, ensemble):
        of = ModelSource(ensemble)
        found = configurations(of.opened, 40)
        assert [fields.shape for fields in found] == [(10, 4, 4)] * 4
        assert np.array_equal(found[2][-1], of.opened.ensemble.fields(2)[-1])


class TestStrip:
    def test_columns_go_from_noise_to_configurations(self, free, judge):
        exact = source(free).denoiser.theory.exact(Lattice((4, 4)))["field_squared", None]

        def sample(seed, size):
            last = []
            for part in range(size):  # a strip has at most 64 columns
                found = strip(source(free, seed=seed + part), AtTimes(), 64)
                assert found.fields.shape == (6, 64, 4, 4)
                assert (found.tau[0], found.tau[-1]) == (0, 1)
                assert np.all(np.diff(found.tau) > 0)
                assert np.all(np.diff(found.fields.std((1, 2, 3))) < 0)
                last.append((found.fields[-1] ** 2).mean((1, 2)))
            return mean(np.concatenate(last), exact)

        judge.check(sample)

    def test_the_seed_decides(self, free):
        one, same, other = (strip(source(free, seed=seed), AtTimes(), 2).fields for seed in (1, 1, 2))
        assert np.array_equal(one, same)
        assert not np.array_equal(one, other)

    def test_other_dimensions_are_shown_as_a_plane(self, tmp_path):
        for extents, plane in (((5,), (1, 5)), ((2, 3, 4), (2, 3))):
            path = saved(tmp_path / f"m{len(extents)}", "free", {"mass2": 1.0}, extents)
            assert strip(source(path), AtTimes(times=(0.5,)), 4).fields.shape == (2, 4, *plane)


class TestAcceptance:
    def test_over_pairs(self, rng):
        w = rng.exponential(size=7)
        pairs = np.minimum(w[:, None], w)
        np.fill_diagonal(pairs, 0)
        assert pair_acceptance(w) == pytest.approx(pairs.sum(1) / 6)
        assert pair_acceptance(np.array([2.0])) == [2.0]

    def test_of_log_normal_weights(self, judge):
        """⟨min(w, w′)⟩/⟨w⟩ = erfc(σ/2) for log w ~ N(0, σ²)."""
        observable = ExpectedAcceptance()

        def sample(seed, size):
            rng = np.random.default_rng(seed)
            joined = observable.joint([[rng.normal(size=3000 * size)], [rng.normal(size=1000 * size)]])
            (found,) = stats.estimate(joined, observable.function(LatticeTheory("double_well", {}, Lattice((1,)))))
            assert found.error < 0.02
            return estimate(found.value, found.error, erfc(0.5))

        judge.check(sample)

    def test_a_chain_accepts_what_is_expected(self, free, tmp_path, judge):
        """The chain has 2000 proposals in 4 chains; its accepted fraction and the estimates of pairs agree."""

        def sample(seed, size):
            chain = sampled(tmp_path / f"c{size}", free, seed, 500 * size, accept="independence")
            plain = sampled(tmp_path / f"w{size}", free, seed + 1, 500 * size)
            rows = {row["observable"]: row for row in measure(chain, ["acceptance", "expected_acceptance"]).estimates}
            pairs = reported(rows["expected_acceptance"], 0.0)
            others = reported(measure(plain, ["expected_acceptance"]).estimates[0], 0.0)
            assert 0.5 < rows["acceptance"]["value"] < 1
            return {
                "accepted": difference(reported(rows["acceptance"], 0.0), pairs),
                "weights": difference(others, pairs),
            }

        judge.check(sample)

    def test_the_panel_says_the_same(self, chain, weighted):
        for path in (chain, weighted):
            found = weights(ModelSource(path))
            assert found.expected == pytest.approx(measure(path, ["expected_acceptance"]).estimates[0]["value"])
            assert np.exp(found.log_w).mean() == pytest.approx(1)
        assert weights(ModelSource(weighted)).measured is None
        assert weights(ModelSource(chain)).measured > 0.5


@pytest.mark.parametrize("kind", kinds(ModelFigure))
def test_every_kind_is_written(free, mixture, ensemble, weighted, tmp_path, kind):
    if kind == "vector_field":
        free = pairs_model(tmp_path.parent / "pairs")
    of = {"score": mixture, "acceptance": weighted}.get(kind, free)
    options = {"cumulants": {"ensemble": ensemble, "draws": 64}, "effective_action": {"draws": 50}}.get(kind, {})
    lines = plot(of, kind, tmp_path / "x.png", **options).lines
    assert [file.name for file in tmp_path.iterdir()] == ["x.png"]
    assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")
    said = {"effective_action": 1, "score": 4, "denoising": 0, "cumulants": 4, "acceptance": 1, "vector_field": 3}
    assert len(lines) == said[kind]


def test_an_untrained_model_can_be_plotted(phi4, tmp_path):
    """With the effective action of its own draws, and a strip of a schedule that preserves the variance."""
    (line,) = plot(phi4, "effective_action", tmp_path / "x.svg", draws=20).lines
    assert "20 draws" in line
    assert strip(source(phi4), AtTimes(levels=(0.5, 2.0)), 4).fields.shape == (3, 4, 4, 4)


def test_a_sampled_ensemble_has_an_effective_action(weighted, tmp_path):
    (line,) = plot(weighted, "effective_action", tmp_path / "x.pdf").lines
    assert "R^2 = 0." in line


@pytest.mark.parametrize(
    ("of", "kind", "options", "said"),
    [
        (
            "free",
            "pie",
            {},
            "acceptance, coupling, cumulants, denoising, dependence, drift, effective_action, histogram",
        ),
        ("free", "history", {}, "of which there are the plots acceptance, cumulants"),
        ("free", "phase_diagram", {}, "of a scan"),
        ("ensemble", "score", {}, "of a sampled ensemble there are: acceptance, effective_action"),
        ("ensemble", "effective_action", {}, "--with"),
        ("ensemble", "acceptance", {}, "no log weights"),
        ("weighted", "effective_action", {"draws": 3}, "no options"),
        ("free", "acceptance", {}, "sqcli sample"),
        ("free", "score", {}, "lattice 1"),
        ("free", "score", {"draws": 3}, "--draws: score of a model takes --times, --levels, --device"),
        ("phi4", "cumulants", {}, "--with"),
        ("phi4", "effective_action", {"ensemble": "e"}, "trained on phi4, not on Free"),
        ("free", "denoising", {"times": [7.0]}, "time 7 is not one of the model's schedule"),
        ("free", "denoising", {"draws": 1000}, "64 samples"),
        ("mixture", "denoising", {}, "one variable"),
        ("free", "effective_action", {"method": "dpm"}, "does not give the density"),
        ("free", "effective_action", {"method": "path", "method_parameters": {"steps": "3"}}, "n_steps"),
    ],
)
def test_wrong_usage_is_told_in_one_line(request, tmp_path, of, kind, options, said):
    if "ensemble" in options:
        options = {"ensemble": request.getfixturevalue("ensemble")}
    with pytest.raises(UsageError) as caught:
        plot(request.getfixturevalue(of), kind, tmp_path / "x.png", **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_weighted_draws_have_no_plain_cumulants(free, weighted, tmp_path):
    with pytest.raises(UsageError, match="weights"):
        plot(free, "cumulants", tmp_path / "x.png", ensemble=weighted)


def test_models_and_ensembles_are_told_apart(free, ensemble, tmp_path):
    with pytest.raises(UsageError, match="denoising"):
        plot(free, "history", tmp_path / "x.png")
    with pytest.raises(UsageError, match="--with is for plots of models: cumulants, effective_action"):
        plot(ensemble, "history", tmp_path / "x.png", ensemble=ensemble)
    with pytest.raises(UsageError, match="--obs: score of a model takes --times, --levels, --device"):
        plot(free, "score", tmp_path / "x.png", observable="action")
