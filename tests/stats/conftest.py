"""AR(1) series with a known autocorrelation time, started in equilibrium."""

from collections.abc import Callable

import numpy as np
import pytest


def _ar1(rng: np.random.Generator, chains: int, draws: int, tau: float) -> np.ndarray:
    """(chains, draws), mean 0, variance 1, τ_int = τ: ρ(t) = a^t with a = (2τ − 1)/(2τ + 1)."""
    a = (2 * tau - 1) / (2 * tau + 1)
    x = rng.normal(size=(draws, chains))
    x[1:] *= np.sqrt(1 - a * a)
    for t in range(1, draws):
        x[t] += a * x[t - 1]
    return np.ascontiguousarray(x.T)


@pytest.fixture
def ar1() -> Callable[..., np.ndarray]:
    return _ar1
