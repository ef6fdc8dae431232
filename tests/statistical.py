"""How tests judge random numbers: by two independent samples, a fault only where both are improbable on the same side.

A test hands `Judge.check` a function of (seed, size) that draws a sample of `size` times the usual number of
independent values, and returns what was measured with what is expected. Each number becomes z, the Gaussian equivalent
of its Student's t. Where all |z| ≤ 3.5 the test passes. Otherwise a second sample is drawn, from another seed and four
times as large, and the test fails only where a number that was beyond 3.5 is now beyond 5 on the same side.

- A right program: P(|z| > 3.5) = 4.7e−4, P(z > 5) on one side = 2.9e−7, both together 1.3e−10. Student's t is exact for
  Gaussian values; for means of 24 values of skewness ½, 1 and 2 (a single exponential variable) both together were
  measured as 2e−9, 1e−8 and 6e−7. So values have to be means over enough draws to be hardly skewed; then 4000 numbers
  alarm falsely less than once in 10⁴ runs.
- A wrong program whose fault gives z = δ at first size gives 2δ at the second. It is caught with probability
  Φ(δ − 3.5) Φ(2δ − 5): 0.26 at δ = 3, 0.69 at 4, 0.93 at 5, 0.99 at 6; one sample and |z| < 4 would be 0.16, 0.5, 0.84,
  0.98.
- Components of an array are numbers of their own, but the probabilities that 3.5 and 5 stand for are divided by
  their count, so that an array alarms no more often than a single number.
- A claim that is no number (a verdict, a flag; an assertion within a sample, or `Judge.twice`) is tried again in the
  same way. One that fails by chance with probability p fails a test with p², so p must not be above 10⁻³, and is much
  less where margins are wide.
- What is not finite fails at once: chance does not make it.

A tolerance says how far a number may be off for reasons that are no chance (a discretisation, a tuning that stops
early); only what exceeds it counts. Tests that use the fixture `judge` carry the mark `statistical`.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from sqcli.stats import z_score

ALARM, FAULT, LARGER = 3.5, 5.0, 4


@dataclass(frozen=True)
class Measured:
    """Numbers, their statistical errors, and the band in which they are expected; arrays of one shape."""

    value: np.ndarray
    error: np.ndarray
    low: np.ndarray
    high: np.ndarray
    dof: float | None

    def z(self) -> np.ndarray:
        """How far each number is outside its band: the Gaussian z that is as improbable."""
        assert np.isfinite(self.value).all(), f"not finite: {self.value}"
        assert np.isfinite(self.error).all(), f"errors not finite: {self.error}"
        off = np.maximum(self.value - self.high, 0) + np.minimum(self.value - self.low, 0)
        scores = [z_score(float(x), float(e), self.dof) for x, e in zip(off.flat, self.error.flat, strict=True)]
        wrong = np.where(off > 0, np.inf, np.where(off < 0, -np.inf, 0.0))
        found = [sure if score is None else score for score, sure in zip(scores, wrong.flat, strict=True)]
        return np.array(found).reshape(off.shape)

    def told(self, index) -> str:
        """One number in words."""
        low, high = self.low[index], self.high[index]
        expected = f"{low:.8g}" if low == high else f"{low:.8g} … {high:.8g}"
        return f"{self.value[index]:.8g} ± {self.error[index]:.2g}, expected {expected}"


def estimate(value, error, expected=None, *, dof=None, tolerance=0.0, at_least=-np.inf, at_most=np.inf) -> Measured:
    """Numbers with their errors; `expected` ± `tolerance`, or a band open on one side."""
    low, high = (at_least, at_most) if expected is None else (expected - tolerance, expected + tolerance)
    return Measured(*np.broadcast_arrays(*(np.asarray(x, float) for x in (value, error, low, high))), dof)


def mean(values, expected=None, **band) -> Measured:
    """The mean over the first axis of independent values, one per chain or draw."""
    values = np.asarray(values, float)
    error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return estimate(values.mean(axis=0), error, expected, dof=len(values) - 1, **band)


def ratio(tops, bottoms, expected=None, **band) -> Measured:
    """The ratio of two means of independent pairs, a weighted mean for example."""
    tops, bottoms = np.asarray(tops, float), np.asarray(bottoms, float)
    value = tops.mean(axis=0) / bottoms.mean(axis=0)
    error = (tops - value * bottoms).std(axis=0, ddof=1) / np.abs(bottoms.mean(axis=0)) / np.sqrt(len(tops))
    return estimate(value, error, expected, dof=len(tops) - 1, **band)


def spread(values, expected=None, *, centre=None, **band) -> Measured:
    """The standard deviation of independent values, about `centre` where it is known; its error from their kurtosis."""
    values = np.asarray(values, float)
    squares = (values - (values.mean(axis=0) if centre is None else centre)) ** 2
    n = len(values)
    value = np.sqrt(squares.sum(axis=0) / (n - (centre is None)))
    return estimate(value, squares.std(axis=0, ddof=1) / np.sqrt(n) / (2 * value), expected, dof=n - 1, **band)


def difference(one: Measured, other: Measured, tolerance=0.0) -> Measured:
    """Two independent numbers that must be equal; degrees of freedom by Welch and Satterthwaite."""
    squares = np.asarray(one.error**2 + other.error**2)
    parts = [m.error**4 / m.dof for m in (one, other) if m.dof is not None]
    dof = float(np.min(squares**2 / np.maximum(sum(parts), 1e-300))) if parts else None
    return estimate(one.value - other.value, np.sqrt(squares), 0.0, dof=dof, tolerance=tolerance)


def correlation(a, b) -> Measured:
    """Pearson's r of two series of independent values, which must not be correlated; at least some dozens of them."""
    a, b = np.ravel(a), np.ravel(b)
    return estimate(np.corrcoef(a, b)[0, 1], 1 / np.sqrt(a.size), 0.0)


def count(hits, trials, probability) -> Measured:
    """How often something happened; probability · trials must not be small."""
    return estimate(hits / trials, np.sqrt(probability * (1 - probability) / trials), probability)


def reported(row: Mapping, expected=None, *, dof=None, **band) -> Measured:
    """A row of `measure`; the Γ-method knows its error half as well as τ_int, which stands for degrees of freedom."""
    if dof is None and row["tau_int_error"]:
        dof = 2 * (row["tau_int"] / row["tau_int_error"]) ** 2
    return estimate(row["value"], row["error"], expected, dof=dof, **band)


def time(value: float, error: float, expected: float) -> Measured:
    """An autocorrelation time, whose error is known as well as the time itself."""
    return estimate(value, error, expected, dof=(value / error) ** 2 / 2)


def limit(z: float, components: int) -> float:
    """The |z| that is as improbable as `z` when it is the largest of so many components."""
    return -NormalDist().inv_cdf(NormalDist().cdf(-z) / max(components, 1))


def seed_of(label: str, offset: int = 0) -> int:
    """56 bits from a name; every offset gives other ones."""
    text = f"{label}#{offset}" if offset else label
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "little")


Sample = Callable[[int, int], Mapping[str, Measured] | Measured]


@dataclass(frozen=True)
class Judge:
    """Judges samples; `seed` is that of the first, `again` that of the second."""

    seed: int
    again: int

    def check(self, sample: Sample) -> None:
        """Fail where two independent samples say together that a number is wrong, or both deny an assertion."""
        try:
            first = _named(sample(self.seed, 1))
        except AssertionError:
            first = None
        suspects = _suspects(first)
        if first is not None and not suspects:
            return
        second = _named(sample(self.again, LARGER))
        if first is None:
            first, suspects = second, {name: _beyond(m, FAULT) for name, m in second.items()}
        wrong = {name: suspects[name] * _beyond(second[name], FAULT) > 0 for name in suspects}
        told = [_told(name, first[name], second[name], wrong[name]) for name in wrong if wrong[name].any()]
        assert not told, "\n".join(told)

    def twice(self, claim: Callable[[int, int], None]) -> None:
        """Fail where a claim, a function with assertions that hardly ever fail by chance, is denied by two samples."""
        try:
            claim(self.seed, 1)
        except AssertionError:
            claim(self.again, LARGER)


def _named(found: Mapping[str, Measured] | Measured) -> Mapping[str, Measured]:
    return {"value": found} if isinstance(found, Measured) else found


def _suspects(found: Mapping[str, Measured] | None) -> dict[str, np.ndarray]:
    """The names of numbers that alarm, and on which side each component does."""
    sides = {name: _beyond(m, ALARM) for name, m in (found or {}).items()}
    return {name: side for name, side in sides.items() if side.any()}


def _beyond(m: Measured, z: float) -> np.ndarray:
    """−1, 0, 1: below the limit, within, above."""
    scores = m.z()
    return np.sign(scores) * (np.abs(scores) > limit(z, scores.size))


def _told(name: str, first: Measured, second: Measured, wrong: np.ndarray) -> str:
    index = tuple(np.argwhere(wrong)[0])
    return (
        f"{name}{[int(i) for i in index] or ''}: {first.told(index)} (z = {first.z()[index]:.2f}); "
        f"again, from {LARGER} times as much: {second.told(index)} (z = {second.z()[index]:.2f})"
    )
