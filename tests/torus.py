"""U(1) on two-dimensional tori for tests: independent draws, exact loops; and gauge transformations of any links."""

import numpy as np
from scipy.special import ive


def links_of(plaquettes):
    """Links (n, 2, *extents) with the plaquette angles (n, *extents), whose sum is a multiple of 2π in each draw."""
    links = np.zeros((len(plaquettes), 2, *plaquettes.shape[1:]))
    along, up = links[:, 0], links[:, 1]
    along[:, :, 1:] = -np.cumsum(plaquettes[:, :, :-1], axis=2)
    step = plaquettes[:, :, -1] - along[:, :, -1]
    up[:, 1:, -1] = np.cumsum(step, axis=1)[:, :-1]
    return links


def torus_draws(beta, extents, count, seed):
    """Links with their weights: all plaquettes but the last are drawn freely, the last closes the torus."""
    rng = np.random.default_rng(seed)
    free = rng.vonmises(0, beta, (count, extents[0] * extents[1] - 1))
    last = np.angle(np.exp(-1j * free.sum(axis=1)))
    links = links_of(np.hstack([free, last[:, None]]).reshape(count, *extents))
    links += rng.uniform(-np.pi, np.pi, (count, 2, 1, 1)) / np.array(extents)[:, None, None]
    gauge = rng.uniform(-np.pi, np.pi, (count, *extents))
    return gauge_transformed(links, gauge, 2), np.exp(beta * (np.cos(last) - 1))


def gauge_transformed(links, gauge, dimension):
    """Links g(x) U_μ(x) g(x + μ̂)⁻¹; for angles g is an angle."""
    moved = np.empty_like(links)
    for axis in range(dimension):
        ahead = np.roll(gauge, -1, 1 + axis)
        if gauge.ndim == 1 + dimension:
            moved[:, axis] = links[:, axis] + gauge - ahead
        else:
            moved[:, axis] = gauge @ links[:, axis] @ ahead.conj().swapaxes(-1, -2)
    return moved


def area_law(beta, volume, area):
    """W(A) = Σ_n I_n^{V−A} I_{n+1}^A / Σ_n I_n^V on a torus of V plaquettes: the loop raises the flux inside by one."""
    orders = np.arange(-40, 41)
    inside, outside = ive(orders + 1, beta), ive(orders, beta)
    return float((outside ** (volume - area) * inside**area).sum() / (outside**volume).sum())
