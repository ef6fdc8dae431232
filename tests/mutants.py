"""Wrong programs that the tests must tell from the right one: `python -m tests.mutants [NAME …]`, or `pytest -m slow`.

Each mutant is a small change of one file in a copy of the package; the working tree stays as it is. It is caught where
the named test, run on the copy, fails. All tests named here pass on an unchanged copy (the control).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXACT, FREE = "mcmc/test_exact.py::", "mcmc/test_exact.py::test_free_field"
LINKS = "theories/test_link_updates.py::"


@dataclass(frozen=True)
class Mutant:
    """`old` becomes `new` wherever it stands in `file`; `test` must fail then."""

    name: str
    file: str
    old: str
    new: str
    test: str


MUTANTS = [
    Mutant(
        "Langevin's force × 1.02",
        "mcmc/langevin.py",
        "np.full(1, np.sqrt(0.5 * epsilon))",
        "np.full(1, 1.02 * np.sqrt(0.5 * epsilon))",
        EXACT + "test_unadjusted_langevin_has_the_bias_of_its_step",
    ),
    Mutant(
        "Langevin's noise √ε for √(2ε)",
        "mcmc/langevin.py",
        "np.full(1, np.sqrt(2.0 * epsilon))",
        "np.full(1, np.sqrt(epsilon))",
        EXACT + "test_unadjusted_langevin_has_the_bias_of_its_step",
    ),
    Mutant(
        "action without the ½ of its bonds",
        "theories/_scalar.py",
        "- 0.5 * j * near)",
        "- j * near)",
        EXACT + "test_interacting_theory_satisfies_schwinger_dyson[hmc-{}]",
    ),
    Mutant(
        "kappa of the kernels 1 % off",
        "theories/_scalar.py",
        "couplings[0], couplings[1], couplings[2]",
        "1.01 * couplings[0], couplings[1], couplings[2]",
        FREE + "[hmc-{}-(4, 6)]",
    ),
    Mutant(
        "HMC without accept/reject",
        "mcmc/_trajectory.py",
        "< math.exp(-delta_h)",
        "< 1.0 + math.exp(-delta_h)",
        FREE + "[hmc-{'step_size': '0.2', 'n_steps': '5'}-(4, 6)]",
    ),
    Mutant(
        "momenta 2 % too short",
        "mcmc/_trajectory.py",
        "p[to + i] = block[done + i]",
        "p[to + i] = 0.98 * block[done + i]",
        FREE + "[hmc-{}-(4, 6)]",
    ),
    Mutant(
        "ΔH of accelerated trajectories reported 0.02 too large",
        "mcmc/_fourier.py",
        "return accepted, after - before",
        "return accepted, after - before + 0.02",
        FREE + "[fahmc-{}-(4, 6)]",
    ),
    Mutant(
        "Metropolis proposals that lean to one side",
        "mcmc/_local.py",
        "width * (2.0 * proposals[j] - 1.0)",
        "width * (2.0 * proposals[j] - 0.98)",
        EXACT + "test_half_a_million_metropolis_draws",
    ),
    Mutant(
        "Metropolis with e^{−0.95 ΔS}",
        "mcmc/_local.py",
        "math.exp(-change)",
        "math.exp(-0.95 * change)",
        EXACT + "test_half_a_million_metropolis_draws",
    ),
    Mutant(
        "bonds that freeze 5 % too rarely",
        "mcmc/wolff.py",
        "bond = 2 * system",
        "bond = 1.9 * system",
        "mcmc/test_clusters.py::test_signs_are_those_of_the_embedded_ising_model[(3, 3)-0.3-single]",
    ),
    Mutant(
        "improved estimator per cluster and one site",
        "mcmc/_cluster.py",
        "return size, total",
        "return size + 1, total",
        "mcmc/test_clusters.py::test_signs_are_those_of_the_embedded_ising_model[(3, 3)-0.3-single]",
    ),
    Mutant(
        "annealed weights that gain 2 % too much",
        "mcmc/_population.py",
        "annealing.log_weight - (lower - beta) * annealing.differences()",
        "annealing.log_weight - 1.02 * (lower - beta) * annealing.differences()",
        "mcmc/test_smc.py::test_z_is_unbiased_however_few_the_particles[{}]",
    ),
    Mutant(
        "resampled particles that keep their weights",
        "mcmc/_population.py",
        "self.log_weight, self.log_z = np.zeros(len(weight)), self.log_z + log_mean",
        "self.log_z = self.log_z + log_mean",
        "mcmc/test_smc.py::test_z_is_unbiased_however_few_the_particles[{'ess_threshold': 1.0}]",
    ),
    Mutant(
        "paths of links without the density of where they start",
        "diffusion/links/paths.py",
        "return found, log_q + self.prior.log_density(links)",
        "return found, log_q",
        "diffusion/links/test_link_paths.py::test_path_weights_from_a_solved_prior_average_to_z[SU(2)-fair]",
    ),
    Mutant(
        "noise of complex Langevin 2 % too wide",
        "mcmc/_complex_steps.py",
        "noise = complex(real * normals[i],",
        "noise = complex(1.02 * real * normals[i],",
        "mcmc/test_complex_langevin.py::test_the_error_of_a_large_step_is_that_of_the_scheme[euler]",
    ),
    Mutant(
        "the tail of the drift too light",
        "analysis/drift_tail.py",
        "index = first + 1 - 0.5 /",
        "index = first + 1 - 0.55 /",
        "analysis/test_criteria.py::test_power_laws_are_seen_with_their_exponent[1.4]",
    ),
    Mutant(
        "weights squared",
        "stats/weights.py",
        "np.exp(logs - logs.max(initial=-np.inf))",
        "np.exp(2 * (logs - logs.max(initial=-np.inf)))",
        "analysis/test_weighted.py::test_every_known_expectation_value",
    ),
    Mutant(
        "the window of the Γ-method too early",
        "stats/gamma.py",
        "decay = s / np.log(",
        "decay = 0.15 * s / np.log(",
        "stats/test_autocorrelation.py::test_error_of_the_time[5.0]",
    ),
    Mutant(
        "the Γ-method's τ_int without its ½",
        "stats/gamma.py",
        "cumulated = np.cumsum(rho) - 0.5\n    tail",
        "cumulated = np.cumsum(rho)\n    tail",
        "stats/test_autocorrelation.py::test_known_time[1.0]",
    ),
    Mutant(
        "path weights with the forward kernels' sign wrong",
        "diffusion/process/paths.py",
        "variance) - log_forward(denoiser, path[-1], path[-2], low, high)",
        "variance) + log_forward(denoiser, path[-1], path[-2], low, high)",
        "diffusion/test_path.py::test_any_network_and_ladder_gives_the_same_z[one]",
    ),
    Mutant(
        "log q with 1 % of its Jacobian missing",
        "diffusion/samplers/_flow.py",
        "self.denoiser.freedoms - self.divergence.trace(",
        "self.denoiser.freedoms - 0.99 * self.divergence.trace(",
        "runs/test_sample_physics.py::test_flow_with_an_exact_trace_is_exact[none]",
    ),
    Mutant(
        "adjusted Langevin without the densities of its proposals",
        "diffusion/samplers/_adjusted.py",
        "ratio = ratio + total(normal**2) / 2 - total(back**2) / (4 * size)",
        "del back",
        "diffusion/test_maala.py::test_a_wrong_network_is_corrected",
    ),
    Mutant(
        "independence chain with half the logarithm of the ratio",
        "runs/sampling/independence.py",
        "np.exp(min(0.0, proposed - walk.log_weight))",
        "np.exp(min(0.0, 0.5 * (proposed - walk.log_weight)))",
        "runs/test_sample_physics.py::test_independence_chain_of_a_wrong_model",
    ),
    Mutant(
        "second kick of the gradient flow 1 % off",
        "observables/_flow.py",
        "KICKS, DRIFTS = (1.0, -32 / 17,",
        "KICKS, DRIFTS = (1.0, -1.01 * 32 / 17,",
        "observables/test_flow.py::test_the_scheme_and_its_error_are_of_third_order[U1(beta=2.0)-(4, 3)]",
    ),
    Mutant(
        "a sign in the charge density",
        "observables/_field_strength.py",
        "- algebra.product(xz, yt)",
        "+ algebra.product(xz, yt)",
        "observables/test_charge_4d.py::test_density_and_energy_by_hand[SUN(n=2, beta=1.0)]",
    ),
    Mutant(
        "plaquettes of the ghosts are counted",
        "theories/_links.py",
        "sites[0].where_above(0.5, term, 0.0)",
        "sites[0].where_above(-0.5, term, 0.0)",
        "theories/test_group_kernels.py::test_the_last_kick_is_the_drift[SU(3)-3x3]",
    ),
    Mutant(
        "every other squaring of the exponential is left out",
        "theories/_links.py",
        "left[0] - 1.0",
        "left[0] - 2.0",
        "theories/test_group_kernels.py::test_flow_is_kicks_and_moves_however_far[SU(2)-3x3-30.0]",
    ),
    Mutant(
        "heat bath of SU(2) without its rejections",
        "theories/_link_draws.py",
        "if not next_uniform(s) ** 2 > 1.0 - half",
        "if not next_uniform(s) ** 2 > 1.0",
        "theories/test_link_draws.py::test_quaternions[2.0]",
    ),
    Mutant(
        "staples behind a link one site off",
        "theories/_link_staples.py",
        "neighbours[below * directions + towards]",
        "neighbours[x * directions + towards]",
        LINKS + "test_reflections_keep_the_action[SUN(n=3, beta=5.5)-(3, 5)]",
    ),
    Mutant(
        "heat bath of U(N) without the phase",
        "theories/_link_moves.py",
        "if not special:\n        centre(",
        "if n == 1:\n        centre(",
        LINKS + "test_two_dimensions_are_exact[UN(n=2, beta=5.0)-(4, 3)-redraw]",
    ),
    Mutant(
        "Metropolis of matrices at 1.1 β",
        "theories/_link_moves.py",
        "change -= strength *",
        "change -= 1.1 * strength *",
        LINKS + "test_two_dimensions_are_exact[SUN(n=3, beta=12.0)-(3, 4)-jump]",
    ),
]


def run(test: str, copy: Path) -> subprocess.CompletedProcess[str]:
    """One test of this checkout, on the package in `copy`, whose kernels are compiled apart."""
    environment = os.environ | {"PYTHONPATH": str(copy), "NUMBA_CACHE_DIR": str(copy / "kernels")}
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-W", "error", "-p", "no:cacheprovider"]
    command += ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), str(ROOT / "tests" / test)]
    return subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)


def mutated(mutant: Mutant, folder: Path) -> Path:
    """A copy of the package with the change."""
    shutil.copytree(ROOT / "sqcli", folder / "sqcli", ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "sqcli" / mutant.file
    text = file.read_text(encoding="utf-8")
    assert mutant.old in text, f"{mutant.name}: {mutant.file} no longer has {mutant.old!r}"
    file.write_text(text.replace(mutant.old, mutant.new), encoding="utf-8")
    return folder


def verdict(mutant: Mutant, folder: Path) -> str:
    """`caught`, `survived`, or what went wrong: only failed assertions of the test count."""
    done = run(mutant.test, mutated(mutant, folder))
    if done.returncode == 0:
        return "survived"
    failed = done.returncode == 1 and "AssertionError" in done.stdout
    return "caught" if failed else f"not run: {(done.stdout + done.stderr)[-2000:]}"


def main() -> int:
    """A line for each mutant; 0 where all are caught."""
    chosen = [mutant for mutant in MUTANTS if not sys.argv[1:] or mutant.name in sys.argv[1:]]
    alive = 0
    for mutant in chosen:
        with tempfile.TemporaryDirectory() as folder:
            said = verdict(mutant, Path(folder))
        alive += said != "caught"
        sys.stdout.write(f"{said:10} {mutant.name}: {mutant.test}\n")
        sys.stdout.flush()
    return int(alive > 0)


if __name__ == "__main__":
    sys.exit(main())
