"""Fourier-space multiplication against FFTW's best: batched real transforms, planned once, one thread."""

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest
from _ratio import interleaved

from sqcli.lattice.hartley.plan import Plan, multiply
from sqcli.lattice.momentum import phat2

pyfftw = pytest.importorskip("pyfftw")
FIELDS = 16


@numba.njit(nogil=True)
def _each(fields, kernel, itable, ftable, scratch):
    for i in range(len(fields)):
        multiply(fields[i], kernel, itable, ftable, scratch)


def _kernel(extents: tuple[int, ...]) -> Any:
    """Close to one, so that repeated calls keep the fields of order one."""
    return 1 / (1 + 1e-6 * phat2(extents))


def _fields(extents: tuple[int, ...]) -> Any:
    fields = pyfftw.empty_aligned((FIELDS, *extents), n=64)
    fields[:] = np.random.default_rng(1).normal(size=fields.shape)
    return fields


def hartley(extents: tuple[int, ...]) -> tuple[Callable[[], object], Any]:
    plan, fields = Plan(extents), _fields(extents)
    flat, arguments = fields.reshape(FIELDS, -1), (plan.permuted(_kernel(extents)), *plan.tables, plan.scratch())
    return lambda: _each(flat, *arguments), fields


def fftw(extents: tuple[int, ...]) -> tuple[Callable[[], object], Any]:
    last = extents[-1] // 2 + 1
    fields, axes = pyfftw.empty_aligned((FIELDS, *extents), n=64), tuple(range(1, len(extents) + 1))
    modes = pyfftw.empty_aligned((FIELDS, *extents[:-1], last), dtype="complex128", n=64)
    kernel = _kernel(extents)[..., :last] / math.prod(extents)
    forward = pyfftw.FFTW(fields, modes, axes=axes, flags=("FFTW_MEASURE",), threads=1)
    backward = pyfftw.FFTW(modes, fields, axes=axes, direction="FFTW_BACKWARD", flags=("FFTW_MEASURE",), threads=1)
    fields[:] = _fields(extents)  # planning overwrites them

    def run() -> None:
        forward.execute()
        np.multiply(modes, kernel, out=modes)
        backward.execute()

    return run, fields


@pytest.mark.parametrize("extents", [(32, 32), (64, 64), (128, 128), (16, 16, 16), (32, 32, 32)], ids=str)
def test_multiply_against_fftw(benchmark: Any, extents: tuple[int, ...]) -> None:
    (ours, a), (theirs, b) = hartley(extents), fftw(extents)
    ours()
    theirs()
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    ratio, mine, other = interleaved(ours, theirs)
    sites = FIELDS * math.prod(extents)
    benchmark.extra_info.update(
        ratio_to_fftw=ratio, ns_per_site=1e9 * mine / sites, fftw_ns_per_site=1e9 * other / sites
    )
    print(f"{extents}: {1e9 * mine / sites:.2f} ns/site, FFTW {1e9 * other / sites:.2f}, ratio {ratio:.2f}")  # noqa: T201
    benchmark(ours)
