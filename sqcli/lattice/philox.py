"""Counter-based random numbers: Philox4x32-10 (Salmon et al., SC11, doi:10.1145/2063384.2063405).

Every number is a pure function of (seed, chain, update, purpose, index), so that resuming needs no generator
state and nothing depends on threads, chain ranges or block sizes. The key holds the seed; the counter holds the
index, the update, the purpose and the chain. Normal numbers come in pairs from Box–Muller with polynomial
logarithm and sine, which vectorise.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.jit import jit, kernel

U = np.uint64
LOW = U(0xFFFFFFFF)
UNIT = 1.0 / 9007199254740992.0  # 2^-53
SCHEME = "philox4x32-10, key = seed, counter = (index, update, purpose, chain)"

# Purposes: one stream each. Updates inside an update (Wolff's radial updates) add multiples of SUBUPDATE.
MOMENTUM, ACCEPT, LENGTH, SITE, CLUSTER, START, SUBUPDATE = (U(i) for i in (0, 1, 2, 3, 4, 5, 256))


@dataclass(frozen=True)
class Stream:
    """The random numbers of one chain of the run with this `seed` (below 2^64)."""

    seed: int
    chain: int

    @property
    def key(self) -> NDArray[np.uint64]:
        """The pair (seed, chain) for the kernels."""
        return np.array([self.seed, self.chain], dtype=np.uint64)


@jit(inline="always")
def philox(index, update, purpose, key):
    """Two 64-bit words."""
    c0, c1, c3 = index & LOW, update & LOW, key[1] & LOW
    c2 = (purpose | ((update >> U(32)) << U(16))) & LOW
    k0, k1 = key[0] & LOW, key[0] >> U(32)
    for _ in range(10):
        h0, h1 = c0 * U(0xD2511F53), c2 * U(0xCD9E8D57)
        c0, c1, c2, c3 = (h1 >> U(32)) ^ c1 ^ k0, h1 & LOW, (h0 >> U(32)) ^ c3 ^ k1, h0 & LOW
        k0, k1 = (k0 + U(0x9E3779B9)) & LOW, (k1 + U(0xBB67AE85)) & LOW
    return c0 | (c1 << U(32)), c2 | (c3 << U(32))


@jit(inline="always")
def uniform(word):
    """A word as a number in [0, 1)."""
    return (word >> U(11)) * UNIT


@jit(inline="always")
def _bits(x):
    return np.float64(x).view(np.uint64)


@jit(inline="always")
def _number(bits):
    return np.uint64(bits).view(np.float64)


@jit(inline="always")
def _log(u):
    """Ln u to rounding: u = 2^e m with m in [1/√2, √2), then the atanh series."""
    bits = _bits(u)
    e = np.int64(bits - U(0x3FE6A09E667F3BCD)) >> np.int64(52)
    m = _number(bits - (np.uint64(e) << U(52)))
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = q * (2.0 / 19.0) + 2.0 / 17.0
    p = p * q + 2.0 / 15.0
    p = p * q + 2.0 / 13.0
    p = p * q + 2.0 / 11.0
    p = p * q + 2.0 / 9.0
    p = p * q + 2.0 / 7.0
    p = p * q + 2.0 / 5.0
    p = p * q + 2.0 / 3.0
    return np.float64(e) * 0.6931471805599453 + s * (p * q + 2.0)


@jit(inline="always")
def _sine_cosine(turn):
    """Sin and cos of 2π·turn, turn in [0, 1): quarter turns by bits, Taylor polynomials on |r| ≤ π/4."""
    quarters = np.floor(turn * 4.0 + 0.5)
    r = (turn * 4.0 - quarters) * 1.5707963267948966
    k = np.int64(quarters)
    z = r * r
    s = z * -7.6471637318198164e-13 + 1.6059043836821613e-10
    s = s * z - 2.5052108385441719e-8
    s = s * z + 2.7557319223985893e-6
    s = s * z - 1.9841269841269841e-4
    s = s * z + 8.3333333333333333e-3
    s = (s * z - 1.6666666666666667e-1) * z * r + r
    c = z * 4.7794773323873853e-14 - 1.1470745597729725e-11
    c = c * z + 2.0876756987868099e-9
    c = c * z - 2.7557319223985891e-7
    c = c * z + 2.4801587301587302e-5
    c = c * z - 1.3888888888888889e-3
    c = c * z + 4.1666666666666667e-2
    c = (c * z - 0.5) * z + 1.0
    odd = (k & 1) != 0
    sine, cosine = (c, s) if odd else (s, c)
    sine = _number(_bits(sine) ^ (np.uint64(k & 2) << U(62)))
    return sine, _number(_bits(cosine) ^ (np.uint64((k + 1) & 2) << U(62)))


@jit
def _pairs(out, start, half, first, update, purpose, key):
    for j in range(half):
        a, b = philox(first + j, update, purpose, key)
        u = _number((a >> U(12)) | U(0x3FF0000000000000)) - (1.0 - 2.0**-53)
        turn = _number((b >> U(12)) | U(0x3FF0000000000000)) - 1.0
        radius = math.sqrt(-2.0 * _log(u))
        sine, cosine = _sine_cosine(turn)
        out[start + j] = radius * sine
        out[start + half + j] = radius * cosine


@jit
def normals(out, update, purpose, key):
    """Fill `out` (float64) with independent N(0, 1) numbers, in blocks of 512 that fit the nearest cache."""
    size, start = U(out.size), U(0)
    while start < size:
        half = min(U(512), size - start) >> U(1)
        if half == U(0):  # an odd one left over
            pair = np.empty(2)
            _pairs(pair, U(0), U(1), start, update, purpose, key)
            out[start] = pair[0]
            return
        _pairs(out, start, half, start, update, purpose, key)
        start += half + half


@kernel("void(float64[::1], uint64, uint64, uint64[::1])")
def fill_normals(out, update, purpose, key):
    """`normals` for callers outside kernels."""
    normals(out, update, purpose, key)


@kernel("void(float64[::1], uint64, uint64, uint64[::1])")
def fill_uniforms(out, update, purpose, key):
    """Fill `out` with numbers in [0, 1)."""
    for i in range(U(out.size)):
        out[i] = uniform(philox(i, update, purpose, key)[0])
