"""No compiled kernel reads or writes beyond its arrays, on any lattice: all of them compiled anew with numba's checks.

Kernels are compiled without checks for speed, so that an index that is wrong on a lattice of odd extents, or of extent
1, would corrupt memory without a word.
"""

import os
import subprocess
import sys
from itertools import product

import numpy as np
import pytest

THEORIES = [
    ("phi4", {"kappa": "-0.2", "lambda": "0.1"}),
    ("phi4", {"kappa": "0.3", "lambda": "0.5"}),
    ("free", {"mass2": "0.5"}),
    ("u1", {"beta": "2"}),
    ("sun", {"n": "2", "beta": "2"}),
    ("sun", {"n": "3", "beta": "-1"}),
    ("un", {"n": "2", "beta": "3"}),
    ("un", {"n": "3", "beta": "4"}),
    ("sun", {"n": "4", "beta": "8"}),
    ("double_well", {"a": "-2", "b": "0.5"}),
    ("cosine_well", {"k": "3"}),
    ("gaussian_mixture", {"mu0": "1", "sigma0": "0.6"}),
]
ALGORITHMS = [
    ("hmc", {"integrator": "omelyan", "n_steps": "3"}),
    ("hmc", {"integrator": "force_gradient", "n_steps": "2"}),
    ("fahmc", {}),
    ("fahmc", {"integrator": "force_gradient", "n_steps": "2"}),
    ("metropolis", {}),
    ("metropolis", {"order": "random"}),
    ("langevin", {"step_size": "0.02"}),
    ("langevin", {"adjusted": "true", "step_size": "auto"}),
    ("wolff", {"clusters": "3"}),
    ("wolff", {"radial": "metropolis"}),
    ("wolff", {"decomposition": "full"}),
    ("heatbath", {}),
    ("overrelaxation", {}),
    ("instanton", {}),
    ("composite", {"updates": "metropolis,hmc:2"}),
    ("smc", {"particles": "5"}),
    ("exact", {}),
]
LATTICES = [(1,), (2,), (3,), (17,), (1, 1), (1, 3), (2, 3), (5, 5), (13, 2), (1, 64), (9, 27), (2, 1, 3), (3, 3, 3)]
LATTICES += [(1, 2, 1, 2), (2, 3, 2, 3), (2, 2, 2, 2, 2), (1, 2, 1, 2, 1, 2, 1, 3)]


def try_all():
    """Every algorithm on every theory and lattice that it is for; how many."""
    from sqcli import parameters, registry
    from sqcli.errors import UsageError
    from sqcli.lattice.geometry import Lattice
    from sqcli.lattice.philox import Stream
    from sqcli.mcmc import System

    count = 0
    for (theory, own), (name, values), extents, dtype in product(
        THEORIES, ALGORITHMS, LATTICES, ["float64", "float32"]
    ):
        try:
            system = System(parameters.build(registry.load("theories", theory), own, ""), Lattice(extents), dtype)
            system.theory.check(system.lattice)
            algorithm = parameters.build(registry.load("mcmc", name), values, "")
            algorithm.check(system, 32)
        except UsageError:
            continue
        stream = Stream(count, 0)
        manifold = system.theory.manifold
        start = manifold.hot(system.lattice, stream).astype(manifold.stored(dtype))
        state = algorithm.init(system, start, 32)
        state, _ = algorithm.step(system, state, stream, 24, 8, True)
        _, trace = algorithm.step(system, state, stream, 30, 3, False)
        assert np.isfinite(trace.fields).all(), (theory, name, extents)
        count += 1
    return count


@pytest.mark.slow
def test_kernels_stay_within_their_arrays(tmp_path):
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 900


if __name__ == "__main__":
    sys.stdout.write(str(try_all()))
