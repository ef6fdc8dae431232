"""Effective action −log q(φ) and action S(φ), which agree up to a constant where q = e^{−S}/Z.

The line is S_eff = S + c of slope one, c = ⟨S_eff − S⟩, R² = 1 − var(S_eff − S)/var(S) (2309.17082: R² = 0.960).
Densities of reverse paths have a noise of their own, which lowers R²; those of the probability flow have none.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sqcli import parameters, registry
from sqcli.analysis.ensemble import LOG_WEIGHT
from sqcli.diffusion.samplers import Sampler, Weighted
from sqcli.errors import SqcliError, UsageError
from sqcli.figures._model_source import FORWARD, ModelSource
from sqcli.runs.sampling.spec import FOLDER, density_known

Array = NDArray[np.float64]


@dataclass(frozen=True)
class ActionLine:
    """S_eff = S + constant, and how well that holds; `slope` is that of the least-squares line with a free slope."""

    constant: float
    slope: float
    r2: float
    draws: int

    @classmethod
    def through(cls, action: Array, effective: Array) -> "ActionLine":
        """Fit pairs (n,), those that are not finite left out; SqcliError when fewer than two are, or S is constant."""
        good = np.isfinite(action) & np.isfinite(effective)
        x, y = action[good], effective[good]
        if len(x) < 2 or not np.var(x) > 0:
            raise SqcliError("fewer than two different actions with finite density: no line can be fitted")
        constant = float(np.mean(y - x))
        slope = float(np.mean((x - x.mean()) * (y - y.mean())) / np.var(x))
        return cls(constant, slope, float(1 - np.var(y - x) / np.var(x)), len(x))

    def __str__(self) -> str:
        return f"S_eff = S + {self.constant:.6g}, R^2 = {self.r2:.6g}, free slope {self.slope:.5g}, {self.draws} draws"


def actions(source: ModelSource, sampler: Sampler, draws: int) -> tuple[Array, Array]:
    """Compute (S, S_eff), (n,) each, of the given ensemble's draws, or of the model's own."""
    return _of_data(source, sampler, draws) if source.opened is not None else _of_samples(source, sampler, draws)


def recorded(source: ModelSource) -> tuple[Array, Array]:
    """Read (S, S_eff), (n,) each, from the weights that were recorded when the ensemble was sampled."""
    opened = source.opened
    assert opened is not None
    if LOG_WEIGHT not in opened.ensemble.stat_names:
        raise UsageError(f"{source.path} has no log weights: plot MODEL --with {source.path}, or sample by path or ode")
    action, log_w = (np.concatenate(opened.ensemble.stat(name)) for name in ("action", LOG_WEIGHT))
    return action, action + log_w


def sampler_of(source: ModelSource, method: str, given: Mapping[str, Any]) -> Sampler:
    """Build the sampler `method` with the parameters `given`; UsageError when it gives no densities."""
    name = registry.resolve(FOLDER, method)
    built: Sampler = parameters.build(registry.load(FOLDER, name), given, f"method {name}")
    if not density_known(built):
        raise UsageError(f"method {name} does not give the density of what it draws")
    built.check(source.denoiser)
    return built


def _of_data(source: ModelSource, sampler: Sampler, draws: int) -> tuple[Array, Array]:
    fields = torch.from_numpy(np.concatenate(source.data(draws)))
    denoiser = source.denoiser
    assert isinstance(sampler, Weighted)

    def part(first: int, count: int) -> tuple[Tensor, Tensor]:
        phi = fields[first : first + count].to(denoiser.device)
        return phi, sampler.log_density(denoiser, phi, source.noise(FORWARD, first, count))

    return _collected(source, len(fields), part)


def _of_samples(source: ModelSource, sampler: Sampler, draws: int) -> tuple[Array, Array]:
    denoiser = source.denoiser

    def part(first: int, count: int) -> tuple[Tensor, Tensor]:
        drawn = sampler.draw(denoiser, source.noise(FORWARD, first, count))
        assert drawn.log_density is not None
        return drawn.fields, drawn.log_density

    return _collected(source, draws, part)


def _collected(
    source: ModelSource, count: int, part: Callable[[int, int], tuple[Tensor, Tensor]]
) -> tuple[Array, Array]:
    found: list[tuple[Array, Array]] = []
    for first, number in source.parts(count):
        phi, log_q = part(first, number)
        action = source.denoiser.theory.action(phi, source.denoiser.lattice)
        found.append((action.cpu().numpy(), -log_q.cpu().numpy()))
    action, effective = (np.concatenate(values) for values in zip(*found, strict=True))
    return action, effective
