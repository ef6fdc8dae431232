"""Two implementations timed in turns, because the clock of a shared machine drifts more than they differ."""

import math
import statistics
import time
from collections.abc import Callable


def interleaved(
    a: Callable[[], object], b: Callable[[], object], rounds: int = 21, seconds: float = 0.02
) -> tuple[float, float, float]:
    """Times a and b in turns, in CPU time of this process.

    Args:
        a: the one whose time is the numerator; called without arguments, like `b`.
        b: the denominator.
        rounds: turns of each; the first call of either, with whatever it compiles, is not counted.
        seconds: each turn repeats its call until about this long is measured.

    Returns:
        Median of the ratios of neighbouring turns, median seconds per call of a, and of b.
    """
    repeats = [_repeats(function, seconds) for function in (a, b)]
    turns = [(_time(a, repeats[0]), _time(b, repeats[1])) for _ in range(rounds)]
    ratio = statistics.median(x / y for x, y in turns)
    return ratio, statistics.median(x for x, _ in turns), statistics.median(y for _, y in turns)


def _time(function: Callable[[], object], repeats: int) -> float:
    start = time.process_time()
    for _ in range(repeats):
        function()
    return (time.process_time() - start) / repeats


def _repeats(function: Callable[[], object], seconds: float) -> int:
    function()
    start = time.perf_counter()
    function()
    return max(1, math.ceil(seconds / max(time.perf_counter() - start, 1e-9)))
