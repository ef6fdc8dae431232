"""τ_int(|M|) and cost per independent configuration near criticality, algorithm by algorithm; run by hand.

    python tests/benchmarks/autocorrelation_table.py [--seconds 300] [--only 2d-32-0.27:hmc] > table.jsonl

Each line is one (lattice, κ, algorithm): τ_int in updates with its error, CPU seconds per update, and their product
2 τ_int · seconds, the cost of an independent configuration. Nothing but M is kept, so that 64³ fits anywhere. Chains
start from fields that cluster updates have brought to equilibrium.
"""

import argparse
import json
import sys
import time

import numpy as np

from sqcli import parameters, registry, stats
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.mcmc import System

HMC_2D = {32: ("0.1", "10"), 64: ("0.0667", "15"), 128: ("0.05", "20")}
HMC_3D = {16: ("0.0667", "15"), 32: ("0.05", "20"), 64: ("0.04", "25")}
POINTS = [(2, n, kappa, "0.022") for n in (32, 64, 128) for kappa in ("0.27", "0.2705")]
POINTS += [(3, n, "0.1923", "0.9") for n in (16, 32, 64)]


def algorithms(dimension: int, extent: int) -> dict[str, dict[str, str]]:
    """HMC trajectories have the length 1 of 2309.17082; a Wolff update is one of them and five clusters."""
    step, steps = (HMC_2D if dimension == 2 else HMC_3D)[extent]
    return {
        "wolff": {"step_size": step, "n_steps": steps, "clusters": "5"},
        "fahmc": {"step_size": "auto", "n_steps": str(15 if dimension == 2 else 25)},
        "hmc": {"step_size": step, "n_steps": steps},
        "metropolis": {},
    }


def equilibrium(system: System, seed: int) -> np.ndarray:
    """A field after cluster updates, more than ten of their autocorrelation times from hot."""
    wolff = registry.load("mcmc", "wolff")(step_size=0.1, n_steps=10, clusters=20)
    stream = Stream(seed, 999)
    state = wolff.init(system, system.theory.manifold.hot(system.lattice, stream), 0)
    return wolff.step(system, state, stream, 300, 300, False)[0].field


def series(system: System, name: str, values: dict[str, str], seconds: float, seed: int) -> tuple[list, float, int]:
    """|M| of two chains, CPU seconds per update, and the updates between two entries."""
    algorithm, warmup = parameters.build(registry.load("mcmc", name), values, name), 400
    every = 4 if name in ("metropolis", "hmc") else 1
    chains, spent, updates = [], 0.0, 0
    for chain in range(2):
        stream = Stream(seed, chain)
        state = algorithm.init(system, equilibrium(system, seed + chain), warmup)
        state, _ = algorithm.step(system, state, stream, 3 * warmup // 4, warmup, True)
        state, _ = algorithm.step(system, state, stream, warmup // 4, warmup, False)
        magnetizations, began = [], time.process_time()
        piece = every * max(1, 2**21 // system.size)
        while time.process_time() - began < seconds / 2:
            state, trace = algorithm.step(system, state, stream, piece, every, False)
            magnetizations.append(np.abs(trace.fields.reshape(len(trace.fields), -1).mean(axis=1)))
            updates += piece
        spent += time.process_time() - began
        chains.append(np.concatenate(magnetizations))
    length = min(map(len, chains))
    return [c[:length] for c in chains], spent / updates, every


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=120.0, help="CPU time for each line, in units of 1 for 32²")
    parser.add_argument("--only", default="", help="text that a line's name must contain")
    options = parser.parse_args()
    for dimension, extent, kappa, lam in POINTS:
        theory = parameters.build(registry.load("theories", "phi4"), {"kappa": kappa, "lambda": lam}, "phi4")
        system = System(theory, Lattice((extent,) * dimension))
        for name, values in algorithms(dimension, extent).items():
            line = f"{dimension}d-{extent}-{kappa}:{name}"
            if options.only not in line:
                continue
            chains, cost, every = series(system, name, values, options.seconds, seed=20261122)
            tau = stats.autocorrelation(chains)
            found = None if tau.tau_int is None else tau.tau_int * every
            row = {
                "point": line,
                "tau_int": found,
                "error": None if tau.tau_int_error is None else tau.tau_int_error * every,
                "updates": 2 * len(chains[0]) * every,
                "ms_per_update": 1e3 * cost,
                "ms_per_independent": None if found is None else 2e3 * found * cost,
                "abs_magnetization": float(np.mean(chains)),
                "flags": list(tau.flags),
            }
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
