"""Panels of a figure: history of a series, its autocorrelation function, its distribution; one ensemble or several."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sqcli import store
from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.per_draw import per_draw
from sqcli.figures._base import LabelledEnsemble
from sqcli.figures._style import COLOURS, DASHES, MARKERS, Quantity, real

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_CHAINS = 6  # in a history; more cannot be told apart
MOST_POINTS = 1000  # of a line; more are not seen in print
MOST_BINS = 60
RUNNING = 40  # stretches of a history over which it is averaged
Array = NDArray[np.float64]


def real_per_draw(ensemble: LabelledEnsemble, quantity: Quantity) -> list[Array]:
    """Real parts of the numbers of each draw, (n_i,) per chain, of a quantity that is the mean of such numbers."""
    found = per_draw(ensemble.path, quantity.name, quantity.component, options=quantity.options)
    return [real(values) for values in found]


def history(axes: "Axes", ensembles: Sequence[LabelledEnsemble], quantity: Quantity) -> None:
    """Draw the quantity against the draw: one chain of each ensemble, pale, and running means of a few, strong."""
    few = max(1, MOST_CHAINS // len(ensembles))
    for number, ensemble in enumerate(ensembles):
        chains, colour = real_per_draw(ensemble, quantity), COLOURS[number % 6]
        first = chains[0]
        step = max(1, len(first) // MOST_POINTS)
        axes.plot(np.arange(1, len(first) + 1)[::step], first[::step], color=colour, alpha=0.3, linewidth=0.4, zorder=1)
        for chain, values in enumerate(chains[:few]):
            label = _chains(ensemble.label, min(few, len(chains)), len(chains)) if chain == 0 else None
            axes.plot(*_running(values), color=colour, linestyle=DASHES[number % 4], linewidth=0.8, label=label)
    axes.set_xlabel("draw (pale: one chain; strong: running means)")
    axes.set_ylabel(quantity.symbol)
    axes.margins(x=0.01)
    _legend(axes)


def _running(values: Array) -> tuple[Array, Array]:
    """Middle draws and means of `RUNNING` equal stretches, or the draws themselves where they are few."""
    width = max(1, len(values) // RUNNING)
    count = len(values) // width
    means = values[: count * width].reshape(count, width).mean(axis=1)
    return np.asarray((np.arange(count) + 0.5) * width + 0.5), np.asarray(means)


def _chains(label: str, shown: int, there: int) -> str:
    return f"{label}, {shown} of {there} chains" if shown < there else label


def rho(axes: "Axes", ensembles: Sequence[LabelledEnsemble], quantity: Quantity) -> None:
    """Draw ρ(t) with its error against t in updates.

    A vertical line marks the window, the legend gives the sum up to it.
    """
    longest = 1.0
    for number, ensemble in enumerate(ensembles):
        row, updates = _autocorrelation(ensemble, quantity)
        colour, dashes = COLOURS[number % 6], DASHES[number % 4]
        values, errors = np.array(row["rho"]), np.array(row["rho_error"])
        t, window = updates * np.arange(len(values)), updates * (row["window"] or 0)
        axes.fill_between(t, values - errors, values + errors, color=colour, alpha=0.25, linewidth=0)
        marker = MARKERS[number % 6] if len(values) < 60 else ""
        label = f"{ensemble.label}: {_tau(row, updates)}"
        axes.plot(t, values, color=colour, linestyle=dashes, marker=marker, markersize=2.5, label=label)
        axes.axvline(window, ymax=0.7, color=colour, linestyle=dashes, linewidth=0.6, alpha=0.7)
        longest = max(longest, 1.3 * window)
    axes.axhline(0, color="black", linewidth=0.5)
    axes.set_xlim(0, longest)
    axes.set_xlabel(r"$t$ in updates (vertical: window)")
    axes.set_ylabel(rf"$\rho(t)$ of {quantity.symbol}")
    axes.legend(loc="upper right", borderaxespad=0.1, handlelength=1.8, labelspacing=0.3)


def _autocorrelation(ensemble: LabelledEnsemble, quantity: Quantity) -> tuple[dict[str, Any], int]:
    """The row of the report, and the updates per draw."""
    rows = autocorr(ensemble.path, [quantity.name], options=quantity.options).estimates
    labels = tuple(row["component"] for row in rows if row["component"] is not None)
    every = int(store.open_ensemble(ensemble.path).attrs.get("every", 1))
    return dict(rows[quantity.column(labels)]), every


def _tau(row: dict[str, Any], updates: int) -> str:
    if row["tau_int"] is None:
        return r"$\tau_\mathrm{int}$ not known"
    tau, error = updates * row["tau_int"], updates * (row["tau_int_error"] or 0)
    return rf"$\tau_\mathrm{{int}} = {_short(tau)} \pm {_short(error)}$"


def _short(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"


def histogram(axes: "Axes", ensembles: Sequence[LabelledEnsemble], quantity: Quantity) -> None:
    """Draw the distribution of the quantity over all draws, normalised to area one."""
    pooled = [np.concatenate(real_per_draw(ensemble, quantity)) for ensemble in ensembles]
    pooled = [values[np.isfinite(values)] for values in pooled]
    there = [values for values in pooled if len(values)] or [np.zeros(1)]
    low, high = min(values.min() for values in there), max(values.max() for values in there)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    for number, (ensemble, values) in enumerate(zip(ensembles, pooled, strict=True)):
        bins = int(np.clip(np.sqrt(len(values)), 8, MOST_BINS))
        counts, edges = np.histogram(values, bins=bins, range=(low, high))
        density = counts / max(1, counts.sum()) / np.diff(edges)
        colour = COLOURS[number % 6]
        axes.stairs(density, edges, color=colour, alpha=0.12, fill=True)
        axes.stairs(density, edges, color=colour, linestyle=DASHES[number % 4], linewidth=0.9, label=ensemble.label)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(quantity.symbol)
    axes.set_ylabel("probability density")
    _legend(axes)


def _legend(axes: "Axes") -> None:
    """Draw a legend where there is more than one thing to tell apart; room is made for it above the data."""
    handles, _ = axes.get_legend_handles_labels()
    if len(handles) > 1:
        low, high = axes.get_ylim()
        axes.set_ylim(low, high + 0.11 * len(handles) * (high - low))
        axes.legend(loc="upper right", borderaxespad=0.1, handlelength=1.8, labelspacing=0.3)
