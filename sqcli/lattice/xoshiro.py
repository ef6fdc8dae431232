"""Random numbers one by one: xoshiro256+ (Blackman and Vigna, 1805.01407), seeded by Philox.

Updates that cannot say beforehand how many numbers they need take them from here. The generator is seeded for every
update anew, so that nothing has to be kept between updates.
"""

import numpy as np

from sqcli.lattice.jit import jit
from sqcli.lattice.philox import philox, uniform

U = np.uint64


@jit(inline="always")
def next_uniform(s):
    """Draw the next number in [0, 1)."""
    result, t = s[0] + s[3], s[1] << U(17)
    s[2] ^= s[0]
    s[3] ^= s[1]
    s[1] ^= s[2]
    s[0] ^= s[3]
    s[2] ^= t
    s[3] = (s[3] << U(45)) | (s[3] >> U(19))
    return uniform(result)


@jit
def seeded(update, purpose, key):
    """Seed the generator of an update and a purpose."""
    s = np.empty(4, np.uint64)
    s[0], s[1] = philox(U(0), update, purpose, key)
    s[2], s[3] = philox(U(1), update, purpose, key)
    return s
