"""Plaquettes of angles θ_μ(x) on the links, in any dimension, and what they do to their links.

θ_μν(x) = θ_μ(x) + θ_ν(x+μ̂) − θ_μ(x+ν̂) − θ_ν(x) for all planes μ < ν, for NumPy arrays and torch tensors alike.
"""

from collections.abc import Mapping
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.geometry import Lattice
from sqcli.theories import _loop_equations
from sqcli.theories._functions import functions


def planes(lattice: Lattice) -> list[tuple[int, int]]:
    """List the pairs of axes μ < ν, in the order of the plaquettes."""
    return list(combinations(range(lattice.dimension), 2))


def angles(field: Any, lattice: Lattice) -> Any:
    """Compute θ_μν(x), not reduced, (n, D, *extents) -> (n, D(D−1)/2, *extents)."""
    found = [
        field[:, mu] + lattice.shift(field[:, nu], mu) - lattice.shift(field[:, mu], nu) - field[:, nu]
        for mu, nu in planes(lattice)
    ]
    return functions(field).stack(found, 1)


def charge(field: NDArray[Any], lattice: Lattice) -> NDArray[np.float64]:
    """Compute Q = Σ_□ (θ_□ mod 2π)/2π, θ_□ in (−π, π], in two dimensions: (n,) whole numbers."""
    return np.asarray(np.rint(-lattice.site_sum(np.rint(angles(field, lattice)[:, 0] / (2 * np.pi)))))


def at_links(odd: Any, lattice: Lattice) -> Any:
    """Sum an odd function of the plaquettes at each link, Σ_{ν≠μ} [f(θ_μν(x)) − f(θ_μν(x−ν̂))], (n, D, *extents)."""
    total: list[Any] = [0.0] * lattice.dimension
    for plane, (mu, nu) in enumerate(planes(lattice)):
        here = odd[:, plane]
        total[mu] = total[mu] + (here - lattice.shift(here, nu, -1))
        total[nu] = total[nu] + (lattice.shift(here, mu, -1) - here)
    return functions(odd).stack(total, 1)


def identities(
    field: NDArray[Any], force: NDArray[Any], beta: float, lattice: Lattice
) -> Mapping[str, NDArray[np.float64]]:
    """Compute residuals of Schwinger–Dyson equations of S = β Σ (1 − cos θ_μν), with S′ = `force`, (n,) each.

    Returns:
        `dS_dS`: (S′)² − S″ averaged over links, S″ being β times the sum of all cosines at a link; and those of the
        loop equations of small rectangles.
    """
    angle = angles(field, lattice)
    cosine, squared = np.cos(angle), (force**2).sum(axis=1)
    for plane, (mu, nu) in enumerate(planes(lattice)):
        c = cosine[:, plane]
        squared -= beta * (2 * c + lattice.shift(c, nu, -1) + lattice.shift(c, mu, -1))
    return {
        "dS_dS": np.asarray(lattice.site_sum(squared)) / (lattice.dimension * lattice.volume),
        **_loop_equations.of_angles(angle, force, lattice),
    }
