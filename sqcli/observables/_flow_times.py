"""Flow times, named by a text: `0.5,1` names two, `auto` stands for twenty equally spaced ones.

The last of those is about L²/32, L the shortest extent: there the flow smooths over √(8t) = L/2.
"""

import re

from sqcli.lattice.geometry import Lattice

AUTO = "auto"
COUNT = 20  # of the times that `auto` stands for
LONGEST = 1000.0
MOST = 1000  # times in a list
TIME = re.compile(r"([0-9]+\.?[0-9]*|\.[0-9]+)(e-?[0-9]{1,2})?")
ROUND = (8, 6, 5, 4, 3, 2.5, 2, 1.5, 1.2, 1)


def check_times(text: str) -> None:
    """Raise ValueError where `text` names no flow times."""
    times = text.split(",")
    if text == AUTO:
        return
    if not all(map(TIME.fullmatch, times)) or max(map(float, times)) > LONGEST or len(times) > MOST:
        raise ValueError(f"flow times must look like 0.5,1 and be from 0 to {LONGEST:g}, or be {AUTO}, not {text!r}")


def listed(text: str) -> tuple[str, ...]:
    """Read a list of flow times, each once, in the order of the text."""
    return tuple(dict.fromkeys(text.split(",")))


def flow_times(text: str, lattice: Lattice) -> tuple[str, ...]:
    """Name the flow times that `text` stands for, as they are written there."""
    if text != AUTO:
        return listed(text)
    wanted = min(lattice.extents) ** 2 / 32 / COUNT
    power = 1.0
    while power > wanted:
        power /= 10
    while 10 * power <= wanted:
        power *= 10
    step = next(figure * power for figure in ROUND if figure * power <= wanted * (1 + 1e-9))
    return tuple(f"{number * step:.6g}" for number in range(1, COUNT + 1))
