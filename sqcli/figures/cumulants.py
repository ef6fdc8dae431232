"""Cumulants of the local field against time: of noised data, of the model's reverse process, and exact (2410.21212).

κ₂(t) = κ₂(0) α² + scale² σ², κ_n(t) = κ_n(0) αⁿ for n > 2, with κ_n(0) of the theory where it knows them, else of the
ensemble. Fields are pooled over sites, odd moments taken as zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqcli import stats
from sqcli.errors import UsageError
from sqcli.figures._model_source import BACKWARD, FORWARD, Subject
from sqcli.figures._reverse_process import Instants, backward, forward
from sqcli.figures._style import COLOURS, MARKERS
from sqcli.observables.cumulants import cumulants

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORDERS = (2, 4, 6, 8)
DRAWS, SITES, FEWEST = 20000, 2**14, 64  # by default: as many draws as these sites hold, between the other two
TIMES = 12
ROOM = 0.2  # above and below, of the height
PART = 0.3  # of the height
DECADES = 30.0  # ratio of ends from which κ₂, which is positive, is logarithmic
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Points:
    """Estimates and errors, (k, 4) each, at increasing times."""

    value: Array
    error: Array


@dataclass(frozen=True)
class Curves:
    """At times t (k,): of noised data, of the model, and the exact κ (k, 4); `source` says of what those are."""

    t: Array
    forward: Points
    backward: Points
    exact: Array
    source: str


def curves(subject: Subject) -> Curves:
    """All of them.

    Raises:
        UsageError: neither an ensemble nor a theory that can be drawn from, or an ensemble whose draws have weights.
    """
    if subject.opened is not None and subject.opened.weighted:
        raise UsageError(f"{subject.options.ensemble}: its draws have weights; give an ensemble without")
    schedule, volume = subject.denoiser.schedule, subject.denoiser.lattice.volume
    times = np.linspace(schedule.t_min, schedule.t_max, TIMES).tolist()
    instants = subject.instants(times, as_levels=False)
    draws = subject.options.draws or min(DRAWS, max(FEWEST, SITES // volume))
    data = subject.data(draws)
    start, source = _start(subject, data)
    return Curves(
        instants.t.numpy(),
        forward_points(subject, data, instants),
        backward_points(subject, draws, instants),
        exact_curve(start, instants, subject.denoiser.scale),
        source,
    )


def _start(subject: Subject, data: Sequence[Array]) -> tuple[Array, str]:
    """κ_n(0) of the theory, or of the data."""
    denoiser = subject.denoiser
    known = denoiser.theory.exact(denoiser.lattice)
    names = [("cumulants", str(order)) for order in ORDERS]
    if all(name in known for name in names):
        return np.array([known[name] for name in names]), "exact"
    return cumulants(np.concatenate([moments(fields) for fields in data]).mean(0)), "from the ensemble"


def exact_curve(start: Array, instants: Instants, scale: float) -> Array:
    """κ(t), (k, 4), of κ(0), (4,)."""
    alpha, level = instants.alpha.numpy()[:, None], instants.level.numpy()
    curve = start * alpha ** np.array(ORDERS)
    curve[:, 0] += (scale * alpha[:, 0] * level) ** 2
    return np.asarray(curve)


def moments(fields: Array) -> Array:
    """Means over sites of φ², φ⁴, φ⁶, φ⁸: (n, *site) -> (n, 4)."""
    flat = fields.reshape(len(fields), -1)
    return np.stack([(flat**order).mean(1) for order in ORDERS], axis=1)


def forward_points(subject: Subject, data: Sequence[Array], instants: Instants) -> Points:
    """Of data (n_i, *site) per chain, with noise; errors know their autocorrelation."""
    import torch

    denoiser, first = subject.denoiser, 0
    chains: list[list[Array]] = [[] for _ in instants.t]  # of each instant
    for fields in data:
        phi = torch.from_numpy(fields).to(denoiser.device)
        noise = subject.noise(FORWARD, first, len(phi))
        for found, noised in zip(reversed(chains), forward(denoiser, phi, noise, instants), strict=True):
            found.append(moments(noised.cpu().numpy()))
        first += len(phi)
    return _estimated(chains)


def backward_points(subject: Subject, draws: int, instants: Instants) -> Points:
    """Of the model's reverse process, draws of which are independent."""
    parts: list[list[Array]] = [[] for _ in instants.t]
    for first, count in subject.parts(draws):
        batches = backward(subject.denoiser, subject.noise(BACKWARD, first, count), instants)
        for found, phi in zip(reversed(parts), batches, strict=False):  # the configurations at the end are not shown
            found.append(moments(phi.cpu().numpy()))
    return _estimated([[np.concatenate(found)] for found in parts])


def _estimated(chains: Sequence[Sequence[Array]]) -> Points:
    rows = [stats.estimate(list(of_time), cumulants) for of_time in chains]
    numbers = np.array([[(e.value, np.nan if e.error is None else e.error) for e in row] for row in rows])
    return Points(numbers[..., 0].real.astype(np.float64), numbers[..., 1].real.astype(np.float64))


def draw(figure: "Figure", subject: Subject) -> Sequence[str]:
    """One panel per order; the numbers at the earliest time."""
    found = curves(subject)
    for place, axes in enumerate(figure.subplots(2, 2, sharex=True).flat):
        _panel(axes, found, place)
    return [_line(found, place, order) for place, order in enumerate(ORDERS)]


def _panel(axes: "Axes", found: Curves, place: int) -> None:
    """Axes follow the curve and the earliest points; left out is what is not known to the height of the panel."""
    exact, pairs = found.exact[:, place], ((found.forward, "forward"), (found.backward, "backward"))
    axes.plot(found.t, exact, color="black", linewidth=0.8, label=found.source)
    low, high = _reach(exact, [(points.value[:, place], points.error[:, place]) for points, _ in pairs])
    room = ROOM * (high - low) or 1.0
    if place == 0 and high > DECADES * low > 0:
        axes.set_yscale("log")
    else:
        axes.set_ylim(low - room, high + room)
    for number, (points, label) in enumerate(pairs):
        value, error = points.value[:, place], points.error[:, place]
        shown = error < high - low + 2 * room
        dots = partial(axes.errorbar, markersize=2.6, elinewidth=0.6, color=COLOURS[number], label=label)
        dots(found.t[shown], value[shown], error[shown], fmt=MARKERS[number])
    axes.set_ylabel(rf"$\kappa_{ORDERS[place]}$")
    if place >= 2:
        axes.set_xlabel(r"$t$")
    if place == 0:
        axes.legend(loc="best")


def _reach(exact: Array, points: Sequence[tuple[Array, Array]]) -> tuple[float, float]:
    """Ends of the curve, of what surrounds a flat one, and of the earliest points; then of those well enough known."""
    conserved = np.ptp(exact) < 0.01 * np.abs(exact).max()
    curve = np.array([1 - PART, 1 + PART]) * exact.mean() if conserved else exact
    ends = np.concatenate([curve, *(np.array([v[0] - e[0], v[0] + e[0]]) for v, e in points)])
    good = [e < PART * np.ptp(ends) for _, e in points]
    ends = np.concatenate(
        [ends, *(v[g] + sign * e[g] for (v, e), g in zip(points, good, strict=True) for sign in (-1, 1))]
    )
    return float(ends.min()), float(ends.max())


def _line(found: Curves, place: int, order: int) -> str:
    """At the earliest time."""
    said = f"kappa_{order}(t = {found.t[0]:.3g}): {found.source} {found.exact[0, place]:.6g}"
    for name, points in (("forward", found.forward), ("backward", found.backward)):
        said += f", {name} {points.value[0, place]:.6g} +- {points.error[0, place]:.2g}"
    return said
