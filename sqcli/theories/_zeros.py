"""Zeros of a holomorphic function in a rectangle: Newton's method from a grid, and the winding number as a check."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.errors import UsageError

Complex = NDArray[Any]
Function = Callable[[Complex], Complex]
SPACING = 0.2  # of the grid from which Newton's method starts
STEPS = 60
SAME = 1e-6  # distance at which two zeros are one
DENSITY = 200  # points per unit length of the boundary


def zeros(function: Function, derivative: Function, corner: complex) -> list[complex]:
    """Find the zeros with |Re z| ≤ Re corner and |Im z| ≤ Im corner, by |Re z|.

    Raises:
        UsageError: when they are not as many, all of them simple, as the phase along the boundary turns.
    """
    x, y = (np.linspace(-size, size, 2 * int(size / SPACING) + 3) for size in (corner.real, corner.imag))
    z = (x + 1j * y[:, None]).ravel()
    with np.errstate(all="ignore"):  # starts that run away are dropped
        for _ in range(STEPS):
            z = z - function(z) / derivative(z)
        settled = np.abs(function(z) / derivative(z)) < SAME
    inside = z[settled & (np.abs(z.real) <= corner.real) & (np.abs(z.imag) <= corner.imag)]
    found: list[complex] = []
    for value in inside[np.argsort(np.abs(inside.real))]:
        if all(abs(value - other) > SAME for other in found):
            found.append(complex(value))
    if len(found) != _winding(function, corner):
        raise UsageError("critical points of the action are too close to each other, or too far out, to be told apart")
    return found


def _winding(function: Function, corner: complex) -> int:
    """Count how often the phase of a function turns along the rectangle's boundary."""
    corners = np.array([corner, -corner.conjugate(), -corner, corner.conjugate(), corner])
    sides = [np.linspace(start, end, int(DENSITY * abs(end - start)) + 2) for start, end in pairwise(corners)]
    phase = np.unwrap(np.angle(function(np.concatenate(sides))))
    return round(float(phase[-1] - phase[0]) / (2 * np.pi))
