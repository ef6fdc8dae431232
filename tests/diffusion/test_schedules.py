"""Schedules solve their own equations: f and g² are derivatives, kernels compose, cumulants follow."""

import pytest
import torch

from sqcli import registry
from sqcli.diffusion.schedules.interpolation import Interpolation
from sqcli.diffusion.schedules.ve import VarianceExploding
from sqcli.diffusion.schedules.vp_power import VariancePreservingPower
from sqcli.errors import UsageError
from sqcli.parameters import build, to_mapping

SCHEDULES = [
    *(build(registry.load("diffusion/schedules", name), {}, name) for name in registry.names("diffusion/schedules")),
    VariancePreservingPower(base=4.0, t_max=2.0),
    Interpolation(base=5.0, c=0.3),
    Interpolation(base=5.0, c=0.0),
]


def schedule_id(schedule):
    return "-".join([type(schedule).__name__, *map(str, to_mapping(schedule).values())])


@pytest.fixture(params=SCHEDULES, ids=schedule_id)
def schedule(request):
    return request.param


@pytest.fixture
def times(schedule):
    """Where α is still above e^{−5}: beyond, σ² = 1 to the last bit and finite differences say nothing."""
    inside = torch.linspace(schedule.t_min, schedule.t_max, 202, dtype=torch.float64)[1:-1]
    return inside[schedule.alpha(inside) > 0.0067]


def derivative(function, t, step=2e-5):
    """Five points, error of order step⁴."""
    near, far = (function(t + k * step) - function(t - k * step) for k in (1, 2))
    return (8 * near - far) / (12 * step)


def kernel(schedule, s, t):
    """(a, v) of x_t | x_s ~ N(a x_s, v) for s ≤ t."""
    a = schedule.alpha(t) / schedule.alpha(s)
    return a, schedule.sigma(t) ** 2 - a**2 * schedule.sigma(s) ** 2


def test_drift_and_noise_are_the_derivatives(schedule, times):
    found = derivative(lambda t: schedule.alpha(t).log(), times[times > 1e-4])
    torch.testing.assert_close(found, schedule.f(times[times > 1e-4]), rtol=1e-7, atol=1e-9)
    growth = derivative(lambda t: schedule.sigma(t) ** 2, times)
    expected = schedule.g2(times) + 2 * schedule.f(times) * schedule.sigma(times) ** 2
    torch.testing.assert_close(growth, expected, rtol=1e-6, atol=1e-8 * float(expected.abs().max()))


def test_kernels_compose(schedule, times):
    s, r, t = times[:-20], times[10:-10], times[20:]
    (a, v), (b, w) = kernel(schedule, s, r), kernel(schedule, r, t)
    whole = kernel(schedule, s, t)
    torch.testing.assert_close(a * b, whole[0], rtol=1e-12, atol=1e-14)
    torch.testing.assert_close(b**2 * v + w, whole[1], rtol=1e-11, atol=1e-12)
    assert (whole[1] > 0).all()
    a, v = kernel(schedule, times, times)
    torch.testing.assert_close(a, torch.ones_like(a))
    assert v.abs().max() <= 1e-12 * schedule.sigma(times).max() ** 2


def test_level_is_noise_over_signal_and_time_its_inverse(schedule, times):
    torch.testing.assert_close(schedule.level(times), schedule.sigma(times) / schedule.alpha(times), rtol=1e-10, atol=0)
    torch.testing.assert_close(schedule.time(schedule.level(times)), times, rtol=1e-10, atol=1e-14)
    assert schedule.level(times).diff().gt(0).all()
    ladder = schedule.levels(10)
    torch.testing.assert_close(ladder[[0, -1]], torch.tensor([schedule.level_max, schedule.level_min]).double())


def test_variance_follows_its_equation(schedule, times):
    """κ₂(t) = κ₂(0) f²(t, 0) + Ξ(t), Ξ = ∫ f²(t, s) g²(s) ds, solved by quadrature from the first time on."""
    start, end = times[0], times[-1]
    t = torch.linspace(float(start), float(end), 40001, dtype=torch.float64)
    a, v = kernel(schedule, start, end)
    xi = torch.trapezoid((schedule.alpha(end) / schedule.alpha(t)) ** 2 * schedule.g2(t), t)
    torch.testing.assert_close(v, xi, rtol=2e-6, atol=0)
    torch.testing.assert_close(a, torch.exp(torch.trapezoid(schedule.f(t), t)), rtol=1e-6, atol=0)


def test_interpolation_ends_are_the_two_schemes():
    t = torch.linspace(0.01, 1, 50, dtype=torch.float64)
    for ours, theirs in (
        (Interpolation(c=0.0), VarianceExploding()),
        (Interpolation(c=1.0), VariancePreservingPower()),
    ):
        for name in ("alpha", "sigma", "f", "g2", "level"):
            torch.testing.assert_close(getattr(ours, name)(t), getattr(theirs, name)(t), rtol=1e-12, atol=0)


def test_variance_is_preserved():
    t = torch.linspace(0.01, 1, 50, dtype=torch.float64)
    for name in ("vp", "vp_power"):
        schedule = registry.load("diffusion/schedules", name)()
        torch.testing.assert_close(schedule.alpha(t) ** 2 + schedule.sigma(t) ** 2, torch.ones_like(t))


@pytest.mark.parametrize(
    ("name", "values"),
    [("vp", {"beta": 0}), ("vp_power", {"sigma": 1}), ("interpolation", {"c": 2}), ("geometric", {"level_min": 200})],
)
def test_senseless_parameters_are_refused(name, values):
    with pytest.raises(UsageError, match=name):
        build(registry.load("diffusion/schedules", name), values, f"schedule {name}")
