"""Pace of a sampler, judged by a few steps for a few draws before it runs for long."""

import time
from dataclasses import replace
from typing import Any

from sqcli.diffusion.device import torch_threads
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.process.protocol import Process
from sqcli.diffusion.samplers import Sampler
from sqcli.errors import SqcliError
from sqcli.lattice.philox import Stream
from sqcli.runs.sampling.tiles import tile_size

FEW, SOME = 3, 8  # steps and draws by which the pace is judged


class TooSlowError(SqcliError):
    """A sampler that nobody asked for would take more time than all other rows."""


def require_pace(name: str, process: Process, sampler: Sampler, limit: float) -> None:
    """Raise TooSlowError where a tile of draws is expected to take longer than `limit` seconds."""
    with torch_threads(1):  # as workers do
        expected = _tile_seconds(process, sampler, int(getattr(sampler, "n_steps", FEW)))
    if expected > limit:
        raise TooSlowError(f"a tile of draws takes about {expected:.0f} s or more; --method {name} insists")


def _tile_seconds(process: Process, sampler: Sampler, wanted: int) -> float:
    """Expected seconds of a tile in `wanted` steps, linear in steps and in draws."""
    _seconds(process, sampler, 1, 1)  # the first call is slower
    rows: dict[int, float] = {}
    for draws in (1, SOME):
        short, long = (_seconds(process, sampler, steps, draws) for steps in (1, FEW))
        rows[draws] = short + max(0.0, long - short) * (wanted - 1) / (FEW - 1)
    return rows[1] + max(0.0, rows[SOME] - rows[1]) * (tile_size(process.theory, process.lattice, sampler) - 1) / (
        SOME - 1
    )


def _seconds(process: Process, sampler: Any, steps: int, draws: int) -> float:
    """Seconds that a sampler takes for so many steps of so many draws."""
    if hasattr(sampler, "n_steps"):
        sampler = replace(sampler, n_steps=steps)
    site = process.theory.manifold.site(process.lattice)
    began = time.perf_counter()
    sampler.draw(process, Noise(Stream(0, 0), range(draws), site, str(process.device)))
    return time.perf_counter() - began
