import math

import numpy as np
import pytest
from statistical import correlation, count, estimate, mean

from sqcli.lattice.philox import ACCEPT, MOMENTUM, Stream, fill_normals, fill_uniforms, philox


def normals(count, update=1, purpose=MOMENTUM, seed=1, chain=0):
    out = np.empty(count)
    fill_normals("float64")(out, update, purpose, Stream(seed, chain).key)
    return out


def test_known_answers():
    """Random123's kat_vectors for philox4x32-10: counter and key all zeros, all ones, digits of π."""
    word = np.uint64(0xFFFFFFFF)

    def block(c0, c1, c2, c3, k0, k1):
        key = np.array([k0 | (k1 << 32), c3], dtype=np.uint64)
        low, high = philox(np.uint64(c0), np.uint64(c1), np.uint64(c2), key)
        return [int(w) for x in (low, high) for w in (np.uint64(x) & word, np.uint64(x) >> np.uint64(32))]

    assert block(0, 0, 0, 0, 0, 0) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    ones = 0xFFFFFFFF
    assert block(ones, ones, ones, ones, ones, ones) == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]
    pi = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344, 0xA4093822, 0x299F31D0)
    assert block(*pi) == [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1]


def test_normals_have_the_moments_of_a_gaussian(judge):
    def sample(seed, size):
        x = normals(2_000_000 * size, seed=seed)
        return {n: mean(x**n, moment) for n, moment in ((1, 0), (2, 1), (4, 3), (6, 15))}

    judge.check(sample)


def test_normals_follow_the_distribution_function(judge):
    """The share below each percentile, a hundred numbers of their own."""
    percentiles = np.linspace(-2.5, 2.5, 101)

    def sample(seed, size):
        x = normals(200_000 * size, seed=seed)
        p = np.array([0.5 * math.erfc(-v / math.sqrt(2)) for v in percentiles])
        below = np.searchsorted(np.sort(x), percentiles)
        return count(below, x.size, p)

    judge.check(sample)


def test_uniforms_are_uniform_and_below_one(judge):
    def sample(seed, size):
        u = np.empty(1_000_000 * size)
        fill_uniforms("float64")(u, 3, ACCEPT, Stream(seed, 2).key)
        assert 0 <= u.min() < u.max() < 1
        hits = np.histogram(u, bins=100, range=(0, 1))[0]
        chi2 = ((hits - u.size / 100) ** 2 / (u.size / 100)).sum()
        return {"chi2": estimate(chi2, math.sqrt(2 * 99), 99), "hits": count(hits, u.size, 0.01)}

    judge.check(sample)


@pytest.mark.parametrize("other", [{"update": 2}, {"purpose": ACCEPT}, {"seed": 1}, {"chain": 1}, {"seed": 2**32}])
def test_streams_are_independent(other, judge):
    def sample(seed, size):
        changed = other | {"seed": seed + other.get("seed", 0)}
        a, b = normals(100_000 * size, seed=seed), normals(100_000 * size, **changed)
        assert not np.intersect1d(a, b).size
        return correlation(a, b)

    judge.check(sample)


def test_late_updates_do_not_repeat():
    assert not np.intersect1d(normals(1000, update=5), normals(1000, update=5 + 2**32)).size


@pytest.mark.parametrize("count", [1, 2, 511, 512, 513, 1025])
def test_any_number_of_normals(count):
    x = normals(count)
    assert np.isfinite(x).all()
    assert np.unique(x).size == count
