"""Counter-based random numbers: Philox4x32-10 (Salmon et al., SC11, doi:10.1145/2063384.2063405).

Every number is a pure function of (key, chain, update, purpose, index), so that resuming needs no generator
state and nothing depends on threads, chain ranges or block sizes. The counter holds the index, the update, the
purpose and the chain. Normal numbers come in pairs from Box–Muller, a 64-bit word a pair,
with polynomial logarithm and sine, which vectorise.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sqcli.lattice.jit import FASTMATH, jit, kernel

U = np.uint64
LOW = U(0xFFFFFFFF)
MANTISSA = U(0xFFFFFFFFFFFFF)
TWO_52 = 4503599627370496.0
COUNTERS = 128  # of a block of normal numbers
UNIT = 1.0 / 9007199254740992.0  # 2^-53
GENERATOR = "philox4x32-10"

# Purposes: one stream each. Updates inside an update (Wolff's radial updates) add multiples of SUBUPDATE.
MOMENTUM, ACCEPT, LENGTH, SITE, CLUSTER, START, DRAW, RESAMPLE, LINK, SECTOR, STEP = (U(i) for i in range(11))
SUBUPDATE = U(256)


@dataclass(frozen=True)
class Stream:
    """Random numbers of one chain of the run with the key `run` (below 2^64)."""

    run: int
    chain: int

    @property
    def key(self) -> NDArray[np.uint64]:
        """Pair (run, chain) for the kernels."""
        return np.array([self.run, self.chain], dtype=np.uint64)


@jit(inline="always")
def rounds(c0, c1, c2, c3, k0, k1):
    """Apply the ten rounds to words in low halves; the high halves hold rubbish meanwhile, which products ignore."""
    for _ in range(10):
        h0, h1 = (c0 & LOW) * U(0xD2511F53), (c2 & LOW) * U(0xCD9E8D57)
        c0, c1, c2, c3 = (h1 >> U(32)) ^ c1 ^ k0, h1, (h0 >> U(32)) ^ c3 ^ k1, h0
        k0, k1 = k0 + U(0x9E3779B9), k1 + U(0xBB67AE85)
    return (c0 & LOW) | (c1 << U(32)), (c2 & LOW) | (c3 << U(32))


@jit(inline="always")
def third_word(update, purpose):
    """Third word of the counter: the purpose and the high part of the update."""
    return (purpose | ((update >> U(32)) << U(16))) & LOW


@jit(inline="always")
def philox(index, update, purpose, key):
    """Two random 64-bit words of (index, update, purpose, key)."""
    return rounds(index, update, third_word(update, purpose), key[1], key[0] & LOW, key[0] >> U(32))


@jit(inline="always")
def uniform(word):
    """Number in [0, 1) made of a word."""
    return (word >> U(11)) * UNIT


@jit(inline="always")
def _bits(x):
    return np.float64(x).view(np.uint64)


@jit(inline="always")
def _number(bits):
    return np.uint64(bits).view(np.float64)


@jit(fastmath=FASTMATH - {"reassoc"})  # regrouping would bring the 2^52 into the sum
def _log(u):
    """Logarithm of u to 1e−12: u = 2^e m with m in [1/√2, √2), then the atanh series."""
    bits = _bits(u) + U(0x3FF0000000000000 - 0x3FE6A09E667F3BCD)
    m = _number(_bits(u) + U(0x3FF0000000000000) - (bits & ~MANTISSA))
    e = _number((bits >> U(52)) | U(0x4330000000000000)) - (TWO_52 + 1023.0)
    s = (m - 1.0) / (m + 1.0)
    q = s * s
    p = q * (2.0 / 15.0) + 2.0 / 13.0
    p = p * q + 2.0 / 11.0
    p = p * q + 2.0 / 9.0
    p = p * q + 2.0 / 7.0
    p = p * q + 2.0 / 5.0
    p = p * q + 2.0 / 3.0
    return e * 0.6931471805599453 + s * (p * q + 2.0)


@jit(inline="always")
def _sine_cosine(turn):
    """Sine and cosine of 2π·turn, turn in [0, 1), to 1e−12: quarter turns by bits, Taylor polynomials on |r| ≤ π/4."""
    quarters = np.floor(turn * 4.0 + 0.5)
    r = (turn * 4.0 - quarters) * 1.5707963267948966
    k = _bits(quarters + TWO_52)
    z = r * r
    s = z * 1.6059043836821613e-10 - 2.5052108385441719e-8
    s = s * z + 2.7557319223985893e-6
    s = s * z - 1.9841269841269841e-4
    s = s * z + 8.3333333333333333e-3
    s = (s * z - 1.6666666666666667e-1) * z * r + r
    c = z * -1.1470745597729725e-11 + 2.0876756987868099e-9
    c = c * z - 2.7557319223985891e-7
    c = c * z + 2.4801587301587302e-5
    c = c * z - 1.3888888888888889e-3
    c = c * z + 4.1666666666666667e-2
    c = (c * z - 0.5) * z + 1.0
    odd = (k & U(1)) != U(0)
    sine = c if odd else s
    cosine = s if odd else c
    sine = _number(_bits(sine) ^ ((k & U(2)) << U(62)))
    return sine, _number(_bits(cosine) ^ (((k + U(1)) & U(2)) << U(62)))


# Sums of squares below are inlined by force: a function of its own would lie in several compiled files, each with its
# own order of additions, and which one a process takes depends on whether it compiled them or found them in the cache.
@jit(forceinline=True)
def _words(words, half, first, update, purpose, key):
    third, chain, k0, k1 = third_word(update, purpose), key[1], key[0] & LOW, key[0] >> U(32)
    for j in range(half):
        words[j], words[half + j] = rounds(first + j, update, third, chain, k0, k1)


@jit(forceinline=True)
def _pairs(out, start, words, count):
    """Fill `out` with pairs by Box–Muller, 40 bits of a word for the radius and 24 for the angle; returns Σ out²."""
    total = 0.0
    for j in range(count):
        u = _number((words[j] >> U(24) << U(12)) | U(0x3FF0000000000800)) - 1.0
        turn = _number((words[j] << U(40) >> U(12)) | U(0x3FF0000000000000)) - 1.0
        square = -2.0 * _log(u)
        radius = math.sqrt(square)
        sine, cosine = _sine_cosine(turn)
        out[start + j] = radius * sine
        out[start + count + j] = radius * cosine
        total += square
    return total


@jit(forceinline=True)
def normal_block(block, words, start, size, update, purpose, key):
    """Fill `block` with the N(0, 1) numbers from `start` on of a field of `size`; returns how many, and Σ x².

    A block has four numbers for each of its Philox counters; those of the last block beyond `size` are not counted.
    """
    count = min(U(4 * COUNTERS), size - start)
    half = (count + U(3)) >> U(2)
    _words(words, half, start >> U(2), update, purpose, key)
    total = _pairs(block, U(0), words, U(2) * half)
    for i in range(count, U(4) * half):
        total -= block[i] * block[i]
    return count, total


@jit
def block_buffers():
    """Allocate a block of normal numbers and its words."""
    return np.empty(4 * COUNTERS), np.empty(2 * COUNTERS, np.uint64)


@jit(forceinline=True)
def normals(out, update, purpose, key):
    """Fill `out` (float64) with independent N(0, 1) numbers; returns Σ out²."""
    block, words = block_buffers()
    size, start, total = U(out.size), U(0), 0.0
    while start < size:
        count, square = normal_block(block, words, start, size, update, purpose, key)
        for i in range(count):
            out[start + i] = block[i]
        start += count
        total += square
    return total


@kernel("void(float64[::1], uint64, uint64, uint64[::1])")
def fill_normals(out, update, purpose, key):
    """Fill `out` by `normals`, for callers outside kernels."""
    normals(out, update, purpose, key)


@kernel("void(float64[::1], uint64, uint64, uint64[::1])")
def fill_uniforms(out, update, purpose, key):
    """Fill `out` with numbers in [0, 1)."""
    for i in range(U(out.size)):
        out[i] = uniform(philox(i, update, purpose, key)[0])


@kernel("void(float64[:, ::1], uint64[::1], uint64, uint64[::1])")
def fill_normal_rows(out, updates, purpose, key):
    """Fill row i with the numbers of `fill_normals` at updates[i]."""
    for i in range(updates.size):
        normals(out[i], updates[i], purpose, key)
