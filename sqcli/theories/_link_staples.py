"""Links site by site, so that the matrices at a site are near each other in memory, and the staples of a link.

The links of site x are the matrices (xD + μ)N² … of a flat complex array, row by row. U A, A the sum of the 2(D − 1)
staples, is the sum of the plaquettes at the link U. The loops of N = 2, 3 are compiled apart, unrolled.
"""

import numpy as np

from sqcli.lattice.jit import jit

U = np.uint64
ZERO, ONE, TWO, THREE, LINE = U(0), U(1), U(2), U(3), U(8)


@jit(forceinline=True)
def gathered(sites, links, entries, volume, dimension):
    """Copy planes to links, site by site; as many sites at once as numbers are in a cache line."""
    width = dimension * entries
    for first in range(ZERO, volume, LINE):
        for entry in range(width):
            at = TWO * entry * volume
            for x in range(first, min(first + LINE, volume)):
                links[x * width + entry] = complex(sites[at + x], sites[at + volume + x])


@jit(forceinline=True)
def scattered(links, sites, entries, volume, dimension):
    """Copy links to planes likewise."""
    width = dimension * entries
    for first in range(ZERO, volume, LINE):
        for entry in range(width):
            at = TWO * entry * volume
            for x in range(first, min(first + LINE, volume)):
                value = links[x * width + entry]
                sites[at + x], sites[at + volume + x] = value.real, value.imag


@jit(forceinline=True)
def fetched(links, at, n, link):
    """Copy one of the links."""
    for i in range(n):
        for j in range(n):
            link[i, j] = links[at]
            at += ONE


@jit(forceinline=True)
def put(links, at, n, link):
    """Replace one of the links."""
    for i in range(n):
        for j in range(n):
            links[at] = link[i, j]
            at += ONE


@jit(forceinline=True)
def pair(links, first, ahead, opposite, before, parallel, behind, n, one, out):
    """Add U_ν(x+μ) (U_ν(x) U_μ(x+ν))† + (U_μ(x−ν) U_ν(x+μ−ν))† U_ν(x−ν) to `out`; the arguments say where."""
    for i in range(n):
        for j in range(n):
            total = 0j
            for k in range(n):
                total += links[first + i * n + k] * links[opposite + k * n + j]
            one[i, j] = total.conjugate()
    for i in range(n):
        for j in range(n):
            total = out[i, j]
            for k in range(n):
                total += links[ahead + i * n + k] * one[j, k]
            out[i, j] = total
    for i in range(n):
        for j in range(n):
            total = 0j
            for k in range(n):
                total += links[parallel + i * n + k] * links[behind + k * n + j]
            one[j, i] = total.conjugate()
    for i in range(n):
        for j in range(n):
            total = out[i, j]
            for k in range(n):
                total += one[i, k] * links[before + k * n + j]
            out[i, j] = total


@jit(forceinline=True)
def pair_of_rows(links, first, ahead, opposite, before, parallel, behind, out):
    """Add the first row of `pair` for SU(2), where a matrix with the first row (a, b) has the second row (−b̄, ā)."""
    a, b, c, d = links[first], links[first + ONE], links[opposite], links[opposite + ONE]
    e, f, g, h = links[ahead], links[ahead + ONE], a * c - b * d.conjugate(), a * d + b * c.conjugate()
    upper, right = e * g.conjugate() + f * h.conjugate(), f * g - e * h
    a, b, c, d = links[parallel], links[parallel + ONE], links[behind], links[behind + ONE]
    e, f, g, h = links[before], links[before + ONE], a * c - b * d.conjugate(), a * d + b * c.conjugate()
    out[0, 0] += upper + g.conjugate() * e + h * f.conjugate()
    out[0, 1] += right + g.conjugate() * f - h * e.conjugate()


@jit(forceinline=True)
def staples(links, neighbours, x, mu, dimension, n, special, one, out):
    """Sum the staples of link μ at the site x; `one` is overwritten."""
    entries, directions, towards = n * n, TWO * dimension, TWO * mu
    stride = entries * dimension
    ahead = U(neighbours[x * directions + towards]) * stride
    for i in range(n):
        for j in range(n):
            out[i, j] = 0j
    for nu in range(dimension):
        if nu == mu:
            continue
        above, below = neighbours[x * directions + TWO * nu], U(neighbours[x * directions + TWO * nu + ONE])
        other = U(neighbours[below * directions + towards]) * stride + nu * entries
        opposite, parallel = U(above) * stride + mu * entries, below * stride + mu * entries
        first, before = x * stride + nu * entries, below * stride + nu * entries
        if n == TWO and special:
            pair_of_rows(links, first, ahead + nu * entries, opposite, before, parallel, other, out)
        elif n == TWO:
            pair(links, first, ahead + nu * entries, opposite, before, parallel, other, TWO, one, out)
        elif n == THREE:
            pair(links, first, ahead + nu * entries, opposite, before, parallel, other, THREE, one, out)
        else:
            pair(links, first, ahead + nu * entries, opposite, before, parallel, other, n, one, out)
    if n == TWO and special:
        out[1, 0], out[1, 1] = -out[0, 1].conjugate(), out[0, 0].conjugate()
