"""Check of relaxation: has a population of chains forgotten where it started? Autocorrelation and drift of its means.

C(t) = ⟨δO_i(t₀) δO_i(t₀ + t)⟩ over chains i and times t₀, with δO_i(t₀) the deviation from the chains' mean at t₀:
many short chains tell what one long one would, while their mean still moves too. τ_int = ½ + Σ_{t≥1} C(t)/C(0) up to
the first t ≥ 5 τ_int (Madras–Sokal window). Where none is found up to half the length, the sum exceeds a tenth of it.
The first quarter is left to relaxation: starts far out would hide what is slow.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from sqcli.diffusion.samplers._adjusted import Chains
from sqcli.diffusion.samplers._observed import CHARGE
from sqcli.exactness import Exactness

WINDOW = 5.0  # lags of the sum that gives τ_int, in τ_int
FORGOTTEN = 10.0  # τ_int after which the start counts as forgotten
DRIFT = 4.0  # deviation in σ from which means are said to move

Observables = Callable[[Chains], Mapping[str, Tensor]]


@dataclass(frozen=True)
class Relaxation:
    """Autocorrelation times and drifts of a population in a number of steps.

    Attributes:
        names: names of the observables.
        times: τ_int of each observable, in steps.
        drifts: mean of the last quarter less that of the second one for each observable, in σ.
        frozen: names of the observables that no step of any chain changed.
    """

    steps: int
    chains: int
    names: tuple[str, ...]
    times: tuple[float, ...]
    drifts: tuple[float, ...]
    frozen: tuple[str, ...] = ()

    def exactness(self, size: float) -> Exactness:
        """State the draws as asymptotic after ten τ_int without drift. `size` is the Langevin time of a step."""
        slowest, moving = self.slowest, max(self.drifts, key=abs)
        time, ratio = self.times[slowest], self.steps / self.times[slowest]
        said = (
            f"{self.steps} Metropolis-adjusted steps = {ratio:.3g} tau_int of {self.names[slowest]} ({time:.3g} steps,"
            f" Langevin time {time * size:.3g}), the slowest of {', '.join(self.names)} in {self.chains} pilot chains;"
            f" largest drift {moving:.2g} sigma ({self.names[self.drifts.index(moving)]})"
        )
        if CHARGE in self.frozen:
            return Exactness("uncorrected", f"{said}: the topological charge Q is frozen, no step changed it")
        if not ratio >= FORGOTTEN:
            return Exactness("uncorrected", f"{said}: too short, {FORGOTTEN:g} tau_int are needed")
        if not abs(moving) < DRIFT:
            return Exactness("uncorrected", f"{said}: not in equilibrium")
        return Exactness("asymptotic", said)

    @property
    def slowest(self) -> int:
        """Number of the observable with the longest τ_int."""
        return max(range(len(self.times)), key=self.times.__getitem__)


def observe(population: Iterable[Chains], observables: Observables, every: int = 1) -> Relaxation:
    """Watch n chains at their start and after every so many steps."""
    names: tuple[str, ...] = ()
    seen = []
    for chains in population:
        found = observables(chains)
        names = tuple(found)
        seen.append(torch.stack(list(found.values())))
    series = torch.stack(seen, dim=1).cpu()
    frozen = tuple(name for name, each in zip(names, series, strict=True) if bool((each == each[0]).all()))
    times, drifts = [every * autocorrelation_time(each) for each in series], [drift(each) for each in series]
    return Relaxation(every * (series.shape[1] - 1), series.shape[2], names, tuple(times), tuple(drifts), frozen)


def autocorrelation_time(series: Tensor) -> float:
    """Estimate τ_int in steps of series (T, n); infinite where nothing varies or is not finite."""
    lags, series = len(series) // 2 + 1, series[len(series) // 4 :]
    length = len(series)
    transformed = torch.fft.rfft(series - series.mean(1, keepdim=True), n=2 * length, dim=0)
    power = torch.fft.irfft(transformed.abs().square().sum(1), n=2 * length)[:lags]
    covariance = power / torch.arange(length, length - lags, -1)
    if not float(covariance[0]) > 0:
        return float("inf")
    sums = torch.cumsum(covariance / covariance[0], 0) - 0.5
    closed = torch.arange(len(sums)) >= WINDOW * sums
    closed[0] = False
    return float(sums[int(closed.int().argmax()) if closed.any() else -1].clamp(min=0.5))


def drift(series: Tensor) -> float:
    """Mean over the last quarter of (T, n) less that over the second one, in units of its error from n chains."""
    quarter = len(series) // 4
    if not quarter:
        return 0.0
    change = series[-quarter:].mean(0) - series[quarter : 2 * quarter].mean(0)
    error = change.std() / len(change) ** 0.5
    return float(change.mean() / error) if float(error) > 0 else 0.0
