"""Heat kernels of groups against sums in 80 digits, their semigroup, and the laws of increments."""

import math

import mpmath as mp
import numpy as np
import pytest
import torch
from brute_force import character_sum, gradient, winding_sum
from statistical import mean

from sqcli.diffusion.links.heat_kernel import kernel_score, log_kernel
from sqcli.diffusion.links.increments import draw, single_shot
from sqcli.diffusion.links.lie import casimir, components, logarithm, move, reduced_trace
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.manifold import AngleLinks

ANGLES, LATTICE = AngleLinks(), Lattice((2, 2))
GROUPS = [GroupLinks(2, True), GroupLinks(3, True), GroupLinks(2, False), GroupLinks(3, False)]
TIMES = (1e-3, 0.03, 0.3, 1.0, 4.0, 11.9, 12.1, 20.0, 31.0)
CENTRE = 2 * math.pi / 3
PHASES = {  # the first of N numbers, those but the last for SU(N); at, near and far from coincidences and the cut locus
    2: [(0.4, 0.7), (1e-9, -2e-9), (1e-3, 2e-3), (1.2, 1.2), (math.pi - 1e-3, 3.0), (2.9, -1.1), (math.pi / 2, 1.0)],
    3: [
        (0.7, -1.9, 0.2),
        (1e-9, 3e-9, -1e-9),
        (1e-3, -4e-3, 1e-3),
        (1.1, 1.1, -0.6),
        (1.1, 1.1001, 1.1),
        (2.9, 2.903, 0.1),
        (CENTRE + 1e-3, CENTRE - 5e-4, 0.5),
        (3.0, -3.1, 0.2),
    ],
}


def ids(group):
    return group.name


def rotated(rng, group, theta):
    """W e^{iθ} W† as links (1, 1, 1, 1, N, N), and W, at random."""
    n = group.n
    w, _ = np.linalg.qr(rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n)))
    links = torch.from_numpy((w * np.exp(1j * np.array(theta))) @ w.conj().T)
    return links.reshape(1, 1, 1, 1, n, n), torch.from_numpy(w)


def reference(group, theta, t):
    """log K and its gradient by phases, by windings or, at long times, characters; equal phases are moved apart."""
    apart = [mp.mpf(x) + mp.mpf(10) ** -14 * i for i, x in enumerate(theta)]
    apart[-1] = -sum(apart[:-1]) if group.special else apart[-1]

    def log_k(phases):
        return mp.log((winding_sum if t < 5 else character_sum)(group.n, group.special, phases, mp.mpf(t)))

    return float(log_k(apart)), torch.tensor(
        [float(x) for x in _gradient(log_k, apart, group.special)], dtype=torch.float64
    )


def _gradient(log_k, theta, special):
    if not special:
        return gradient(log_k, theta)
    free = gradient(lambda part: log_k([*part, -sum(part)]), theta[:-1])
    mean_slope = sum(free) / len(theta)
    return [*(x - mean_slope for x in free), -mean_slope]


@pytest.mark.parametrize("t", TIMES)
@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_kernels_and_scores_are_those_of_brute_force(group, t, rng):
    """Relative to 1 + |log K| and 1 + |score|, and to what the last digit of a phase does at short times."""
    chosen = PHASES[group.n] if group.special or group.n == 2 else PHASES[3][::2]
    for given in chosen:
        theta = [*given[:-1], -sum(given[:-1])] if group.special else list(given)
        links, w = rotated(rng, group, theta)
        log_k, slope = reference(group, theta, t)
        time = torch.tensor(t, dtype=torch.float64)
        conditioning = 1e-14 * max(1.0, 40 / t**2 if max(map(abs, theta)) > 0.5 else 1 / t)
        found = float(log_kernel(group, links, time))
        assert abs(found - log_k) < 1e-10 * (1 + abs(log_k)), (given, found, log_k)
        hermitian = 1j * (w * slope.to(w)) @ w.conj().T
        expected = components(group, hermitian.reshape(links.shape))
        error = (kernel_score(group, links, time) - expected).abs().max()
        assert error < 1e-9 * (1 + expected.abs().max()) + conditioning, (given, float(error))


@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_sums_over_windings_are_those_of_characters(group):
    """The two references agree, which fixes the normalisation."""
    theta = [mp.mpf(x) for x in (0.7, 0.3, -0.4)[: group.n]]
    theta[-1] = -sum(theta[:-1]) if group.special else theta[-1]
    one, other = (f(group.n, group.special, theta, mp.mpf("1.2")) for f in (character_sum, winding_sum))
    assert abs(one / other - 1) < 1e-20


@pytest.mark.parametrize("t", TIMES)
def test_the_kernel_of_angles_is_the_wrapped_normal_distribution(t):
    angles = torch.tensor([0.0, 1e-9, 0.3, 1.5, 3.0, 3.14, -3.1], dtype=torch.float64).reshape(-1, 1, 1, 1)
    time = torch.full((len(angles),), t, dtype=torch.float64)
    log_k, score = log_kernel(ANGLES, angles, time), kernel_score(ANGLES, angles, time)
    for angle, found, slope in zip(angles.flatten().tolist(), log_k.flatten(), score.flatten(), strict=True):

        def exact(x):
            terms = [mp.exp(-((x + 2 * mp.pi * m) ** 2) / (2 * mp.mpf(t))) for m in range(-8, 9)]
            return mp.log(mp.sqrt(2 * mp.pi / mp.mpf(t)) * sum(terms))

        expected = gradient(lambda x: exact(x[0]), [mp.mpf(angle)])[0]
        assert abs(float(found) - exact(mp.mpf(angle))) < 1e-11 * (1 + abs(float(found)))
        assert abs(float(slope) - expected) < 1e-11 * (1 + abs(float(slope)))


@pytest.mark.parametrize("group", [ANGLES, *GROUPS, GroupLinks(1, False)], ids=ids)
def test_scores_are_derivatives_of_the_kernel(group, rng):
    """Along the curves that links move on; Richardson's difference."""
    tangent = torch.from_numpy(rng.standard_normal((6, *group.tangent(LATTICE))))
    links = move(group, torch.from_numpy(np.stack([group.cold(LATTICE)] * 6)), tangent)
    way, time = torch.from_numpy(rng.standard_normal(tangent.shape)), torch.linspace(0.1, 4, 6, dtype=torch.float64)

    def change(h):
        up, down = (log_kernel(group, move(group, links, s * h * way), time) for s in (1, -1))
        return (up - down).flatten(1).sum(1) / (2 * h)

    expected = (4 * change(5e-4) - change(1e-3)) / 3
    found = (kernel_score(group, links, time) * way).flatten(1).sum(1)
    torch.testing.assert_close(found, expected, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("times", [(0.1, 0.4), (1.0, 2.0), (3.0, 9.0)])
def test_su2_kernels_compose_and_are_normalised(times):
    """∫ K_s(V) K_t(V† U) dV = K_{s+t}(U): by class angles and the angle between the axes, on Gauss's nodes."""
    s, t = (torch.tensor(x, dtype=torch.float64) for x in times)
    nodes, weights = (torch.from_numpy(x) for x in np.polynomial.legendre.leggauss(80))
    w, dw = (nodes + 1) * math.pi / 2, weights * math.pi / 2
    haar = 2 / math.pi * w.sin() ** 2 * dw

    def kernel(cosine, time):
        sine = torch.sqrt((1 - cosine**2).clamp(min=0))
        links = torch.diag_embed(torch.stack([torch.complex(cosine, sine), torch.complex(cosine, -sine)], -1))
        return log_kernel(GROUPS[0], links.reshape(-1, 1, 1, 1, 2, 2), time).exp().reshape(cosine.shape)

    assert float((haar * kernel(w.cos(), t)).sum()) == pytest.approx(1, abs=1e-12)
    for angle in (0.1, 1.0, 2.5):
        between = w.cos()[:, None] * math.cos(angle) + w.sin()[:, None] * math.sin(angle) * nodes
        convolved = (haar[:, None] * weights / 2 * kernel(w.cos(), s)[:, None] * kernel(between, t)).sum()
        expected = kernel(torch.tensor([math.cos(angle)], dtype=torch.float64), s + t)
        assert float(convolved) == pytest.approx(float(expected), rel=1e-8)


@pytest.mark.parametrize("group", [GroupLinks(3, True), GroupLinks(3, False), GroupLinks(2, False)], ids=ids)
@pytest.mark.parametrize("t", [0.4, 1.5])
def test_kernels_are_normalised_and_compose(group, t):
    """K_t integrated over tori of phases, alone and with K_s; K_{s+t}(1) = ∫ K_s K_t as K is even."""
    n, count, times = group.n, 40, torch.tensor(t, dtype=torch.float64)
    line = (np.arange(count) + 0.5) * 2 * np.pi / count
    axes = np.meshgrid(*[line + 0.1 * i for i in range(n - group.special)], indexing="ij")
    phases = np.stack([axis.ravel() for axis in axes], -1)
    if group.special:
        phases = np.concatenate([phases, -phases.sum(-1, keepdims=True)], -1)
    pairs = [(i, j) for i in range(n) for j in range(i)]
    haar = np.prod([4 * np.sin((phases[:, i] - phases[:, j]) / 2) ** 2 for i, j in pairs], 0) / math.factorial(n)
    links = torch.diag_embed(torch.from_numpy(np.exp(1j * phases))).reshape(-1, 1, 1, 1, n, n)
    one, other = (log_kernel(group, links, x).flatten().numpy() for x in (times, 2 * times))
    whole = log_kernel(group, torch.eye(n, dtype=torch.complex128).reshape(1, 1, 1, 1, n, n), 3 * times)
    assert (haar * np.exp(one)).mean() == pytest.approx(1, abs=1e-9)
    assert (haar * np.exp(one + other)).mean() == pytest.approx(float(whole.exp()), rel=1e-8)


@pytest.mark.parametrize("group", [ANGLES, *GROUPS, GroupLinks(4, True), GroupLinks(5, False)], ids=ids)
@pytest.mark.parametrize("level", [0.3, 1.0, 2.2])
def test_increments_have_the_characters_of_brownian_motion(group, level, judge):
    """⟨tr U/N⟩ = e^{−s² C/2}, ⟨|tr U|²⟩ = 1 + (N² − 1) e^{−s² N/2}; both end at Haar's values."""
    n = 1 if group is ANGLES else group.n

    def sample(seed, size):
        generator = torch.Generator().manual_seed(seed)
        levels = torch.full((500 * size,), level, dtype=torch.float64)
        links = draw(group, LATTICE, levels, generator)
        found = {"fundamental": reduced_trace(group, links).flatten(1).mean(1)}
        expected = {"fundamental": math.exp(-(level**2) * casimir(group) / 2)}
        if n > 1:
            square = links.diagonal(0, -2, -1).sum(-1).abs() ** 2
            found["adjoint"] = (square - 1).flatten(1).mean(1) / (n * n - 1)
            expected["adjoint"] = math.exp(-(level**2) * n / 2)
        return {name: mean(values.numpy(), expected[name]) for name, values in found.items()}

    judge.check(sample)


@pytest.mark.parametrize("group", GROUPS, ids=ids)
def test_scores_of_drawn_increments_have_mean_zero_and_stein_s_identity(group, judge):
    """⟨score⟩ = 0 and ⟨score · ∂ tr U⟩ = −⟨∂² tr U⟩ = C ⟨tr U⟩, which only the right pair of law and score fulfils."""

    def sample(seed, size):
        generator = torch.Generator().manual_seed(seed)
        level = torch.full((400 * size,), 0.9, dtype=torch.float64)
        links = draw(group, LATTICE, level, generator)
        score = kernel_score(group, links, level**2)
        slope = -components(group, links)
        residual = (score * slope).sum(2) - casimir(group) * group.n * reduced_trace(group, links)
        return {"mean": mean(score.flatten(1).mean(1).numpy(), 0.0), "stein": mean(residual.flatten(1).mean(1), 0.0)}

    judge.check(sample)


@pytest.mark.parametrize(("level", "expected"), [(0.05, None), (9.8, 0.5)])
def test_a_single_exponential_is_not_brownian_motion(level, expected, judge):
    """In SU(2) at s = 9.8 ⟨(½ tr U)²⟩ = 0.500, not Haar's ¼; for small s it is Brownian motion."""
    group = GROUPS[0]
    right = 0.25 + 0.75 * math.exp(-(level**2))

    def sample(seed, size):
        generator = torch.Generator().manual_seed(seed)
        levels = torch.full((1000 * size,), level, dtype=torch.float64)
        links, target = single_shot(group, LATTICE, levels, generator)
        torch.testing.assert_close(move(group, torch.eye(2).to(links), -(level**2) * target), links)
        return mean((reduced_trace(group, links) ** 2).flatten(1).mean(1), expected or right, tolerance=1e-6)

    judge.check(sample)


def test_long_times_end_at_haars_measure():
    time = torch.tensor(60.0, dtype=torch.float64)
    for group in [ANGLES, *GROUPS]:
        links = torch.from_numpy(group.cold(LATTICE)[None])
        assert log_kernel(group, links, time).abs().max() < 1e-5


def test_groups_without_known_kernel_say_so():
    group = GroupLinks(4, True)
    with pytest.raises(UsageError, match=r"not for SU\(4\)"):
        kernel_score(group, torch.from_numpy(group.cold(LATTICE)[None]), torch.tensor(1.0))


def test_an_increment_depends_on_the_logarithm_only():
    """Increments and their logarithms are the same elements."""
    generator = torch.Generator().manual_seed(1)
    for group in [ANGLES, *GROUPS, GroupLinks(5, True)]:
        links = draw(group, LATTICE, torch.tensor([0.5, 2.0], dtype=torch.float64), generator)
        again = move(group, torch.from_numpy(np.stack([group.cold(LATTICE)] * 2)), logarithm(group, links))
        assert group.distance(links.numpy(), again.numpy()) < 1e-13
