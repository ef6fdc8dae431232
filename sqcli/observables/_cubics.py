"""Curves through given points: on each interval the cubic through the two points on each of its sides."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from sqcli.observables._base import Array

POINTS = 4
HALVINGS = 60


@dataclass(frozen=True)
class Cubics:
    """Curves f(t) through points at increasing `nodes`, from their values there."""

    nodes: Array

    @cached_property
    def _pieces(self) -> list[tuple[slice, Array]]:
        """For each interval the points used, and what maps their values to powers of t − nodes[i], highest first."""
        firsts = [min(max(i - 1, 0), max(len(self.nodes) - POINTS, 0)) for i in range(len(self.nodes) - 1)]
        near = [slice(first, first + POINTS) for first in firsts]
        return [(part, np.linalg.inv(np.vander(self.nodes[part] - self.nodes[i]))) for i, part in enumerate(near)]

    def reaches(self, values: Array, target: float) -> float:
        """Find the smallest t with f(t) = `target`; not a number where there is none."""
        return self._first(values, target, _value)

    def slope_reaches(self, values: Array, target: float) -> float:
        """Find the smallest t with t f′(t) = `target`; not a number where there is none."""
        return self._first(values, target, _slope)

    def _first(self, values: Array, target: float, of: Callable[[Array, float, float], float]) -> float:
        for i, (near, powers) in enumerate(self._pieces):
            left, right = float(self.nodes[i]), float(self.nodes[i + 1])
            coefficients = powers @ values[near]
            if of(coefficients, left, left) >= target:  # it jumps there
                return left
            if of(coefficients, left, right) >= target:
                return _halved(partial(of, coefficients, left), target, left, right)
        return float("nan")


def _value(coefficients: Array, origin: float, t: float) -> float:
    return float(np.polyval(coefficients, t - origin))


def _slope(coefficients: Array, origin: float, t: float) -> float:
    return t * float(np.polyval(np.polyder(coefficients), t - origin))


def _halved(function: Callable[[float], float], target: float, low: float, high: float) -> float:
    """Find where a function that is below `target` at `low`, and not at `high`, reaches it."""
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if function(middle) < target else (low, middle)
    return (low + high) / 2
