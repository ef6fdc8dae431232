"""Updates of links of matrices: distributions of one link, two-dimensional lattices, conservation, the group."""

import numpy as np
import pytest
from statistical import difference, mean

from sqcli.lattice.jit import kernel
from sqcli.lattice.philox import LINK, Stream
from sqcli.lattice.xoshiro import seeded
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
    new = np.ascontiguousarray(links)
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
