"""Cluster flips of the Ising model embedded in the signs of a scalar field (Brower and Tamayo, PRL 62, 1087, 1989).

Bonds freeze with probability 1 − exp(−2J φ_x φ_y). `single` grows one cluster from a random site and flips it (Wolff,
PRL 62, 361, 1989); `full` decomposes the lattice and flips each cluster with probability ½ (Swendsen and Wang, PRL
58, 86, 1987). Each gives an improved estimator of V⟨M²⟩: ⟨(Σ_C φ)²/|C|⟩, and ⟨Σ_C (Σ_C φ)²⟩/V.

A growing cluster consumes random numbers one by one.
"""

import math

import numpy as np

from sqcli.lattice.jit import jit
from sqcli.lattice.philox import CLUSTER
from sqcli.lattice.xoshiro import next_uniform, seeded

U = np.uint64


@jit(inline="always")
def freezes(u, a):
    """Tell whether u < 1 − e^{−a}, a > 0; mostly by 1 + a + … + a⁴/24 ≤ e^a ≤ 1/(1 − a), without an exponential."""
    if u >= a:
        return False
    below = 1.0 + a * (1.0 + a * (1.0 / 2.0 + a * (1.0 / 6.0 + a * (1.0 / 24.0))))
    return (1.0 - u) * below > 1.0 or u < 1.0 - math.exp(-a)


@jit
def single(sites, edges, offsets, wraps, bond, stack, taken, number, s):
    """Grow and flip one cluster; returns (size, Σ_C φ).

    With J > 0 a flipped site has the other sign than those it could freeze to, and is not met again. With J < 0 it
    may be, where a loop has an odd number of bonds: there `taken` holds the number of the cluster that each site
    was last in.
    """
    odd_loops = bond < 0.0
    i = U(next_uniform(s) * float(sites.size))
    field = sites[i]
    sites[i] = -field
    if odd_loops:
        taken[i] = number
    stack[0] = i
    waiting, size, total = U(1), 1, float(field)
    while waiting > U(0):
        waiting -= U(1)
        i = U(stack[waiting])
        strength, edge = -bond * sites[i], U(edges[i])
        for k in range(U(offsets.size)):
            j = i + offsets[k] + ((edge >> k) & U(1)) * wraps[k]
            a = strength * sites[j]
            if a > 0.0 and not (odd_loops and taken[j] == number) and freezes(next_uniform(s), a):
                total += float(sites[j])
                sites[j] = -sites[j]
                if odd_loops:
                    taken[j] = number
                stack[waiting] = j
                waiting += U(1)
                size += 1
    return size, total


@jit
def root(label, i):
    """Find the representative of the cluster of site i, halving the path."""
    while label[i] != i:
        label[i] = label[label[i]]
        i = label[i]
    return i


@jit
def full(sites, edges, offsets, wraps, bond, label, sums, s):
    """Decompose, flip each cluster with probability ½; returns (mean cluster size, Σ_C (Σ_C φ)²/V)."""
    volume = sites.size
    for i in range(volume):
        label[i] = i
        sums[i] = 0.0
    for i in range(volume):
        for k in range(U(0), U(offsets.size), U(2)):  # each bond once: forward neighbours only
            j = np.int64(U(i) + offsets[k] + ((U(edges[i]) >> k) & U(1)) * wraps[k])
            a = bond * sites[i] * sites[j]
            if a > 0.0 and freezes(next_uniform(s), a):
                one, other = root(label, i), root(label, j)
                label[max(one, other)] = min(one, other)
    clusters, square = 0, 0.0
    for i in range(volume):
        sums[root(label, i)] += float(sites[i])
    for i in range(volume):
        if label[i] == i:
            clusters += 1
            square += sums[i] * sums[i]
            sums[i] = 1.0 if next_uniform(s) < 0.5 else -1.0
    for i in range(volume):
        sites[i] = sites[i] * sums[root(label, i)]
    return volume / clusters, square / volume


@jit
def flips(sites, edges, offsets, wraps, bond, clusters, decompose, label, sums, update, key):
    """Make `clusters` flips or decompositions; returns the means of the cluster size and of the estimator of V⟨M²⟩."""
    s = seeded(update, CLUSTER, key)
    mean_size, mean_square = 0.0, 0.0
    if bond < 0.0 and not decompose:
        sums[:] = 0.0
    for c in range(clusters):
        if decompose:
            size, square = full(sites, edges, offsets, wraps, bond, label, sums, s)
        else:
            count, total = single(sites, edges, offsets, wraps, bond, label, sums, float(c + 1), s)
            size, square = float(count), total * total / count
        mean_size += size / clusters
        mean_square += square / clusters
    return mean_size, mean_square
