"""Updates of links of matrices: distributions of one link, two-dimensional lattices, conservation, the group."""

from itertools import pairwise

import numpy as np
import pytest
from statistical import difference, mean

from sqcli.lattice.geometry import Lattice
from sqcli.lattice.jit import kernel
from sqcli.lattice.philox import LINK, Stream
from sqcli.lattice.xoshiro import seeded
from sqcli.mcmc import System
from sqcli.theories._link_moves import drawn, proposed, reflected
from sqcli.theories.sun import SUN
from sqcli.theories.un import UN

GROUPS = [SUN(1, 1.0), UN(1, 1.4), SUN(2, 2.3), UN(2, 3.0), SUN(3, 5.5), UN(3, 4.0), SUN(4, 10.0), SUN(7, 30.0)]
KINDS = {"redraw": 0, "reflect": 1, "jump": 2}


@kernel("int64(complex128[:, :, ::1], complex128[:, ::1], float64, boolean, float64, int64, int64, uint64[::1])")
def visit(links, a, strength, special, width, kind, times, key):
    """Update links with the same staples `a`; returns how many were accepted."""
    n, s, accepted = links.shape[1], seeded(np.uint64(0), LINK, key), 0
    work = np.empty((6, n, n), np.complex128)
    link, loop = work[4], work[5]
    for i in range(len(links)):
        link[:, :] = links[i]
        for _ in range(times):
            if kind == 0:
                accepted += drawn(link, a, loop, n, special, strength, width, s, work)
            elif kind == 1:
                accepted += reflected(link, a, loop, n, special, strength, width, s, work)
            else:
                accepted += proposed(link, a, loop, n, special, strength, width, s, work)
        links[i] = link
    return accepted


def updated(links, a, theory, kind, seed, width=1.0, times=1):
    """Links after `times` updates, each with the staples `a`."""
    new = links.copy()
    visit("float64")(
        new, a, theory.beta / theory.n, theory.special, width, KINDS[kind], times, Stream(seed % 2**63, 0).key
    )
    return new


def haar(theory, count, rng):
    """Links of Haar's measure."""
    parts = rng.standard_normal((2, count, theory.n, theory.n))
    q, r = np.linalg.qr(parts[0] + 1j * parts[1])
    diagonal = r.diagonal(0, -2, -1)
    links = q * (diagonal / np.abs(diagonal))[:, None, :]
    return theory.manifold.project(links * np.exp(2j * np.pi * rng.integers(theory.n, size=(count, 1, 1)) / theory.n))


def traces(links, a):
    """Re tr UA."""
    return np.einsum("nij,ji->n", links, a).real


def exactly(theory, a, count, rng):
    """Independent links with the density e^{(β/N) Re tr UA}, by rejection."""
    kept, most = [], np.linalg.svd(a)[1].sum() * abs(theory.beta) / theory.n
    while sum(map(len, kept)) < count:
        links = haar(theory, 10_000, rng)
        kept.append(links[rng.random(len(links)) < np.exp(theory.beta / theory.n * traces(links, a) - most)])
    return np.concatenate(kept)[:count]


def functions(links, a):
    """Numbers that see every direction of a link, those that vary: Re tr UA and its square, U, det U, tr U², |U|²."""
    loop = links @ a
    trace = traces(links, a)
    columns = [trace, trace**2, np.trace(loop, axis1=1, axis2=2).imag]
    for values in (links, links[:, 0, 0] ** 2, np.linalg.det(links), np.trace(links @ links, axis1=1, axis2=2)):
        flat = values.reshape(len(links), -1)
        columns += [*flat.real.T, *flat.imag.T]
    columns += list((np.abs(links) ** 2).reshape(len(links), -1).T)
    return np.stack([column for column in columns if column.std() > 1e-9], axis=1)


def staples_of(theory, strength, rng):
    """Complex staples, of no group, whose singular values add up to strength·N/β."""
    a = rng.standard_normal((2, theory.n, theory.n))
    a = a[0] + 1j * a[1]
    return a * strength * theory.n / abs(theory.beta) / np.linalg.svd(a)[1].sum()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("strength", [0.0, 1.5, -2.5])
@pytest.mark.parametrize("theory", [UN(1, 1.0), SUN(2, 1.0), UN(2, 1.0), SUN(3, 1.0), UN(3, 1.0), SUN(4, 1.0)], ids=str)
def test_one_update_keeps_the_distribution_of_a_link(theory, strength, kind, judge):
    """Links drawn by rejection, then updated once, against others drawn by rejection."""
    theory = type(theory)(theory.n, -1.0 if strength < 0 else 1.0)

    def sample(seed, size):
        rng = np.random.default_rng(seed)
        a = staples_of(theory, abs(strength), rng)
        first, other = (exactly(theory, a, 3000 * size, rng) for _ in range(2))
        after = updated(first, a, theory, kind, seed)
        exact, found = (mean(functions(links, a)) for links in (other, after))
        kept = {"functions": difference(found, exact)}
        if strength == 0.0:  # Haar's measure has no mean
            kept["zero"] = mean(after.reshape(len(after), -1).real, 0)
        return kept

    judge.check(sample)


@pytest.mark.parametrize("kind", ["redraw", "jump"])
@pytest.mark.parametrize("kappa", [0.4, -3.0, 25.0])
@pytest.mark.parametrize("theory", [SUN(2, 1.0), UN(2, 1.0), SUN(3, 1.0), UN(3, 1.0)], ids=str)
def test_a_link_comes_to_its_distribution(theory, kappa, kind, judge):
    """Staples κV/(β/N) with V in the group: UV has the density e^{κ Re tr UV}, integrated over its phases (Weyl)."""
    n = theory.n
    grid = 2 * np.pi * (np.arange(64) + 0.5) / 64
    phases = np.stack(np.meshgrid(*[grid] * (n - theory.special), indexing="ij"), axis=-1).reshape(
        -1, n - theory.special
    )
    if theory.special:
        phases = np.hstack([phases, -phases.sum(axis=1, keepdims=True)])
    z = np.exp(1j * phases)
    i, j = np.triu_indices(n, 1)
    weight = np.exp(kappa * z.sum(axis=1).real - abs(kappa) * n) * np.prod(np.abs(z[:, i] - z[:, j]) ** 2, axis=1)

    def moments(z):
        columns = [z.sum(axis=1).real, z.sum(axis=1).real ** 2, (z**2).sum(axis=1).real, np.abs(z.sum(axis=1)) ** 4]
        return np.stack(columns, axis=1)

    def sample(seed, size):
        rng = np.random.default_rng(seed)
        first = haar(theory, 2000 * size, rng)
        a = haar(theory, 1, rng)[0] * kappa * n / theory.beta
        width, times = (0.5, 400) if kappa > 10 else (1.0, 200)
        links = updated(first, a, theory, kind, seed, width, times if kind == "jump" else 12)
        return mean(
            moments(np.linalg.eigvals(links @ a * theory.beta / (n * kappa))), weight @ moments(z) / weight.sum()
        )

    judge.check(sample)


@pytest.mark.parametrize("theory", [UN(1, 1.4), SUN(2, 2.3)], ids=str)
def test_reflecting_a_link_twice_changes_nothing(theory, rng):
    links, a = haar(theory, 200, rng), staples_of(theory, 3.0, rng)
    once = updated(links, a, theory, "reflect", 0)
    np.testing.assert_allclose(traces(once, a), traces(links, a), rtol=0, atol=1e-12 * np.abs(a).sum())
    assert theory.manifold.distance(once, links) > 1
    np.testing.assert_allclose(updated(once, a, theory, "reflect", 0), links, rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("theory", GROUPS, ids=str)
def test_a_million_updates_do_not_leave_the_group(theory, kind, rng):
    links, a = haar(theory, 4, rng), staples_of(theory, 6.0, rng)
    links = updated(links, a, theory, kind, 1, 0.4, 250_000 if theory.n < 4 else 20_000)
    assert np.abs(links @ links.conj().swapaxes(-1, -2) - np.eye(theory.n)).max() < 1e-14
    if theory.special:
        assert np.abs(np.linalg.det(links) - 1).max() < 1e-14


def swept(system, links, kinds, count, stream, width=0.5):
    """Links (D, *extents, N, N) after each of `count` rounds of sweeps of these kinds, and the mean acceptance."""
    manifold, lattice = system.theory.manifold, system.lattice
    kernels = [(getattr(system.theory, kind)(system.dtype), (width,) if kind == "jump" else ()) for kind in kinds]
    sites = manifold.planes(links[None], lattice).astype(system.dtype).ravel()
    kept, rate = np.empty((count, sites.size), system.dtype), 0.0
    for u in range(count):
        for sweep, extra in kernels:
            tables = (system.geometry, system.neighbours, system.couplings)
            rate += sweep(sites, *tables, *extra, np.uint64(u), stream.key) / (count * len(kernels))
        kept[u] = sites
    return manifold.from_planes(kept.reshape(count, -1, *lattice.extents), lattice), rate


@pytest.mark.parametrize("extents", [(2, 2), (3, 5), (2, 3, 4), (2, 3, 2, 5)], ids=str)
@pytest.mark.parametrize("theory", GROUPS, ids=str)
def test_reflections_keep_the_action(theory, extents, rng):
    """Only the right staples do that: every link is reflected once its neighbours have been."""
    system = System(theory, Lattice(extents))
    manifold = theory.manifold
    start = haar(theory, system.lattice.dimension * system.lattice.volume, rng).reshape(manifold.site(system.lattice))
    links, rate = swept(system, start, ["reflect"], 3, Stream(0, 0))
    before, after = theory.action(start[None], system.lattice), theory.action(links, system.lattice)
    np.testing.assert_allclose(after, np.broadcast_to(before, 3), rtol=1e-12, atol=1e-12)
    assert rate == pytest.approx(1)
    if manifold.name != "SU(1)":
        assert min(manifold.distance(one[None], other[None]) for one, other in pairwise([start, *links])) > 1


def loops(links, lattice, r, t):
    """Mean Re tr/N of the r×t loops of two-dimensional lattices, (n,)."""

    def line(mu, length):
        made = links[:, mu]
        for step in range(1, length):
            made = made @ np.roll(links[:, mu], -step, 1 + mu)
        return made

    along, up = line(0, r), line(1, t)
    there, back = along @ np.roll(up, -r, 1), up @ np.roll(along, -t, 2)
    return (there * back.conj()).real.sum(axis=(1, 2, 3, 4)) / (links.shape[-1] * lattice.volume)


CASES = [
    (UN(1, 0.8), (3, 4)), (UN(1, -2.0), (3, 3)), (UN(2, 1.0), (2, 3)), (UN(2, 5.0), (4, 3)), (UN(3, -4.0), (3, 2)),
    (UN(3, 8.0), (3, 3)), (SUN(2, 0.5), (2, 4)), (SUN(2, 8.0), (4, 5)), (SUN(2, -3.0), (3, 3)), (SUN(3, 1.0), (2, 2)),
    (SUN(3, 12.0), (3, 4)), (SUN(3, -5.0), (3, 3)), (SUN(4, 4.0), (2, 3)), (SUN(4, 16.0), (3, 3)),
]  # fmt: skip


@pytest.mark.parametrize("kinds", [("redraw",), ("redraw", "reflect"), ("jump",)], ids="-".join)
@pytest.mark.parametrize(("theory", "extents"), CASES, ids=str)
def test_two_dimensions_are_exact(theory, extents, kinds, judge):
    """Means of independent chains, apart for both starts: what never moves is another number in each."""
    system = System(theory, Lattice(extents))
    lattice, exact, sizes = system.lattice, theory.exact(system.lattice), ((1, 1), (1, 2), (2, 2))
    width, steps = 1.2 if theory.beta < theory.n else 0.7, 200 if kinds == ("jump",) else 30

    def sample(seed, size):
        means = []
        for chain in range(24 * size):
            stream, manifold = Stream(seed, chain), theory.manifold
            start = manifold.hot(lattice, stream) if chain % 2 else manifold.cold(lattice)
            kept = swept(system, start, kinds, 5 * steps, stream, width)[0][steps:]
            means.append([loops(kept, lattice, r, t).mean() for r, t in sizes])
        expected = np.array([exact["wilson_loop", f"{r}x{t}"] for r, t in sizes])
        return {"cold": mean(means[::2], expected), "hot": mean(means[1::2], expected)}

    judge.check(sample)
