"""False alarms of `verify` over many runs of every exact algorithm, and wrong runs, which must never pass.

A false alarm is the verdict `failed` on a right run. `undecided` is none where the draws are too few.
"""

import math
import threading

import numpy as np
import pytest
from statistical import seed_of

from sqcli.analysis.verify import verify
from sqcli.runs.generate import Request, generate
from sqcli.store import open_ensemble


def theory(name, **parameters):
    return {"theory": name, "parameters": {key.strip("_"): str(value) for key, value in parameters.items()}}


def phi4(kappa, lam=0.022):
    return theory("phi4", kappa=kappa, lambda_=lam)


def u1(beta):
    return theory("u1", beta=beta)


FREE = [(theory("free", mass2=m), e) for m, e in ((0.5, (4, 4)), (1, (2, 2, 2)), (0.5, (1,)), (0.3, (3,)))]
FREE += [(theory("free", mass2=2), (16, 16, 16))]
SCALAR = [(phi4(0.21), (1,)), (phi4(0.1, 0.1), (2,)), (phi4(0.15, 0.5), (3,)), (phi4(0.21), (2, 2)), *FREE]
SCALAR += [(phi4(0.25), (4, 4)), (phi4(0.21), (8, 8)), (phi4(0.3), (4, 4)), (phi4(0.25), (16, 16))]
SCALAR += [(phi4(0.15, 0.9), (4, 4, 4)), (phi4(0.21), (64, 64)), (phi4(0.4), (4, 4))]
WELLS = [(theory("quartic", mu2=1, g=2), (1,)), (theory("double_well", a=-1, b=0.5), (1,))]
WELLS += [(theory("gaussian_mixture", mu0=1, sigma0=0.5), (1,)), (theory("cosine_well", k=2), (1,))]
GAUGE = [(u1(2), (4, 4)), (u1(1), (2, 2)), (u1(0.5), (8, 8)), (u1(3), (4, 6)), (u1(4), (16, 16))]
SHAPES = [(4, 500), (1, 2000), (16, 100), (2, 1000), (64, 40), (8, 250), (200, 10), (1, 400), (3, 200), (1000, 1)]
ALGORITHMS = {
    "hmc": ("hmc", {}, SCALAR + WELLS + GAUGE),
    "hmc_fixed": ("hmc", {"step_size": "0.2", "n_steps": "5"}, SCALAR + GAUGE),
    "omelyan": ("hmc", {"integrator": "omelyan", "n_steps": "4"}, SCALAR + WELLS + GAUGE),
    "fahmc": ("fahmc", {"n_steps": "6"}, SCALAR),
    "wolff_single": ("wolff", {"n_steps": "6"}, SCALAR),
    "wolff_full": ("wolff", {"decomposition": "full"}, SCALAR),
    "wolff_metropolis": ("wolff", {"radial": "metropolis"}, SCALAR),
    "metropolis": ("metropolis", {}, SCALAR + WELLS + GAUGE),
    "metropolis_random": ("metropolis", {"order": "random"}, SCALAR + GAUGE),
    "langevin": ("langevin", {"adjusted": "true", "step_size": "auto"}, SCALAR + WELLS + GAUGE),
    "exact": ("exact", {}, FREE + WELLS),
    "smc": ("smc", {}, SCALAR + WELLS),
}


def run(path, model, extents, algorithm, values=None, chains=4, draws=400, **rest):
    options = {"warmup": 400, "start": "hot", "seed": 7} | model | rest
    if algorithm in ("exact", "smc"):
        options |= {"warmup": 0}
    request = Request(
        path,
        lattice=extents,
        algorithm=algorithm,
        algorithm_parameters=values or {},
        chains=chains,
        draws=draws,
        **options,
    )
    generate(request, threading.Event(), lambda progress: None)
    return path


def shape(extents, algorithm, number):
    """Chains and draws that cost little on large lattices."""
    chains, draws = SHAPES[(7 * number + number // 20) % len(SHAPES)]
    if algorithm == "smc":
        return max(2, chains // 8), 256
    volume = math.prod(extents)
    return (chains, draws) if volume < 64 else (min(chains, 64), min(draws, 250 if volume < 1000 else 100))


@pytest.mark.slow
def test_one_false_alarm_at_most_in_480_runs(tmp_path, request):
    alarms, silent, offset = [], 0, request.config.getoption("seed_offset")
    for name, (algorithm, values, systems) in ALGORITHMS.items():
        for number in range(40):
            model, extents = systems[number % len(systems)]
            chains, draws = shape(extents, algorithm, number)
            slow = {"warmup": 1500 if max(extents) >= 16 else 400, "every": 4 if algorithm != "hmc" else 1}
            path = tmp_path / f"{name}{number}"
            seed = seed_of(path.name, offset)
            report = verify(run(path, model, extents, algorithm, values, chains, draws, seed=seed, **slow))
            silent += report.verdict == "undecided"
            if report.verdict == "failed":
                alarms.append((name, model, extents, chains, draws, report.sentence()))
    assert len(alarms) <= 1, alarms
    assert silent <= 48  # short chains of slow modes


WRONG = {
    "sectors": (u1(12), (8, 8), "hmc", {"n_steps": "6"}, 4, 200, {}),
    "sectors of many": (u1(12), (16, 16), "hmc", {"n_steps": "6"}, 400, 1, {"warmup": 100}),
    "one sector": (u1(12), (8, 8), "metropolis", {}, 3, 300, {"start": "cold"}),
    "large step": (u1(2), (4, 4), "langevin", {"step_size": "0.1"}, 4, 1000, {"every": 3, "warmup": 100}),
    "hot": (phi4(0.4), (32, 32), "hmc", {}, 64, 10, {"warmup": 40}),
    "very hot": (phi4(0.4), (32, 32), "hmc", {}, 8, 100, {"warmup": 10}),
    "no warm-up": (phi4(0.21), (8, 8), "metropolis", {"width": "0.5"}, 100, 3, {"warmup": 0}),
    "fixed lengths": (phi4(0.21), (2, 2), "wolff", {"radial_updates": "0"}, 8, 300, {}),
    "two draws": (phi4(0.21), (4, 4), "hmc", {}, 2, 1, {}),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_runs_do_not_pass(tmp_path, judge, case):
    model, extents, algorithm, values, chains, draws, rest = WRONG[case]

    def claim(seed, size):
        path = run(tmp_path / str(size), model, extents, algorithm, values, chains, draws, seed=seed, **rest)
        report = verify(path)
        assert report.verdict in ("failed", "undecided")
        assert report.sentence().startswith(report.verdict)

    judge.twice(claim)


def test_proposals_of_angles_stay_within_a_period(tmp_path, seed):
    """At weak coupling every width is accepted: a tuned one must not grow until angles lose their digits."""
    path = run(tmp_path / "e", u1(0.1), (2, 3), "metropolis", {}, 4, 400, seed=seed)
    assert max(map(np.max, open_ensemble(path).stat("width"))) <= np.pi * (1 + 1e-12)
    assert verify(path).verdict == "passed"
