"""Formulas of many sites at once compute what they say, lane by lane; what is read and written lies where it should."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sqcli.lattice.jit import kernel
from sqcli.lattice.lanes import LANES, Constant, any_above, formula, lane_sum, loader, store


class Power(Constant):
    def __init__(self, exponent):
        self.exponent = exponent

    def __repr__(self):
        return f"Power({self.exponent})"


CUBE = Power(3)
load = loader(lambda constant: constant.exponent)


@formula
def polynomials(power, numbers, factor):
    """x^n·factor − x + 2 of the first, then what is above 1 of the second, else minus the third."""
    x, y, z = numbers
    product = x
    for _ in range(power.exponent - 1):
        product = product * x
    return [product * factor - x + 2.0, y.where_above(1.0, y, -z), z.constant(4.0)]


@kernel("float64(real[::1], real[::1], int64, int64)")
def apply(f, to, at, stride):
    numbers = load(CUBE, f, at, stride)
    results = polynomials(CUBE, numbers, 3)
    store(to, at, stride, results)
    return lane_sum(results) if any_above(results, -1e9) else 0.0


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_formulas_act_on_every_lane(dtype, rng):
    stride, at = 2 * LANES + 1, 2
    f, to = (3 * rng.standard_normal(3 * stride)).astype(dtype), np.zeros(3 * stride, dtype)
    total = apply(dtype)(f, to, at, stride)
    x, y, z = (f[at + i * stride :][:LANES].astype(np.float64) for i in range(3))
    expected = 3 * x**3 - x + 2, np.where(y > 1, y, -z), np.full(LANES, 4.0)
    for i, values in enumerate(expected):
        np.testing.assert_allclose(to[at + i * stride :][:LANES], values, rtol=1e-13 if dtype == "float64" else 1e-6)
        to[at + i * stride :][:LANES] = 0
    assert not to.any()
    assert total == pytest.approx(expected[0].sum())


@kernel("boolean(real[::1], float64)")
def exceeds(f, limit):
    return any_above(load(CUBE, f, 0, LANES), limit)


def test_any_lane_counts_and_nan_is_above_nothing():
    f = np.zeros(3 * LANES)
    for lane in range(LANES):
        f[lane] = 2.0
        assert exceeds("float64")(f, 1.0)
        assert not exceeds("float64")(f, 2.0)
        f[lane] = np.nan
        assert not exceeds("float64")(f, 1.0)
        f[lane] = 0.0


BEYOND = """
import numpy as np
from sqcli.lattice.jit import kernel
from test_lanes import LANES, apply
size = 3 * LANES
apply("float64")(np.zeros(size), np.zeros(size), 0, LANES)
for short in (np.zeros(size), np.zeros(size - 1)), (np.zeros(size - 1), np.zeros(size)):
    try:
        apply("float64")(*short, 0, LANES)
    except IndexError:
        continue
    raise SystemExit("nothing was noticed")
"""


def test_bounds_are_checked_where_numba_checks_them(tmp_path):
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", BEYOND]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, cwd=Path(__file__).parent
    )
    assert done.returncode == 0, done.stderr
