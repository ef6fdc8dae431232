"""Effective action of a model: −log q(φ) against the action S(φ), which agree up to a constant where q = e^{−S}/Z.

The line is S_eff = S + c of slope one, c = ⟨S_eff − S⟩, R² = 1 − var(S_eff − S)/var(S) (2309.17082: R² = 0.960).
Densities of reverse paths have a noise of their own, which lowers R²; those of the probability flow have none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sqcli import parameters, registry
from sqcli.analysis.ensemble import LOG_WEIGHT
from sqcli.diffusion.samplers import Sampler, Weighted
from sqcli.errors import SqcliError, UsageError
from sqcli.figures._model_source import FORWARD, Subject
from sqcli.figures._style import COLOURS
from sqcli.runs.sampling.spec import FOLDER, density_known

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

DRAWS = 1024
METHOD = "path"
Array = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """S_eff = S + constant, and how well that holds; `slope` is that of the least-squares line with a free slope."""

    constant: float
    slope: float
    r2: float
    draws: int

    @classmethod
    def through(cls, action: Array, effective: Array) -> "Line":
        """Of pairs (n,), those that are not finite left out; SqcliError when fewer than two are, or S is constant."""
        good = np.isfinite(action) & np.isfinite(effective)
        x, y = action[good], effective[good]
        if len(x) < 2 or not np.var(x) > 0:
            raise SqcliError("fewer than two different actions with finite density: no line can be fitted")
        constant = float(np.mean(y - x))
        slope = float(np.mean((x - x.mean()) * (y - y.mean())) / np.var(x))
        return cls(constant, slope, float(1 - np.var(y - x) / np.var(x)), len(x))

    def __str__(self) -> str:
        return f"S_eff = S + {self.constant:.6g}, R^2 = {self.r2:.6g}, free slope {self.slope:.5g}, {self.draws} draws"


def actions(subject: Subject) -> tuple[Array, Array]:
    """(S, S_eff), (n,) each: of the draws of a sampled ensemble, of the given ensemble's, or of the model's own."""
    if not subject.is_model:
        return _recorded(subject)
    return _of_data(subject) if subject.opened is not None else _of_draws(subject)


def _recorded(subject: Subject) -> tuple[Array, Array]:
    """Of the weights that were recorded."""
    opened = subject.opened
    assert opened is not None
    if LOG_WEIGHT not in opened.ensemble.stat_names:
        raise UsageError(
            f"{subject.path} has no log weights: plot MODEL --with {subject.path}, or sample by path or ode"
        )
    action, log_w = (np.concatenate(opened.ensemble.stat(name)) for name in ("action", LOG_WEIGHT))
    return action, action + log_w


def sampler_of(subject: Subject) -> Sampler:
    """That which is asked for; UsageError when it gives no densities."""
    name = registry.resolve(FOLDER, subject.options.method or METHOD)
    built: Sampler = parameters.build(registry.load(FOLDER, name), subject.options.parameters, f"method {name}")
    if not density_known(built):
        raise UsageError(f"method {name} does not give the density of what it draws")
    built.check(subject.denoiser)
    return built


def _of_data(subject: Subject) -> tuple[Array, Array]:
    import torch

    fields = torch.from_numpy(np.concatenate(subject.data(subject.options.draws or DRAWS)))
    denoiser, sampler = subject.denoiser, sampler_of(subject)
    assert isinstance(sampler, Weighted)

    def part(first: int, count: int) -> tuple["Tensor", "Tensor"]:
        phi = fields[first : first + count].to(denoiser.device)
        return phi, sampler.log_density(denoiser, phi, subject.noise(FORWARD, first, count))

    return _collected(subject, len(fields), part)


def _of_draws(subject: Subject) -> tuple[Array, Array]:
    denoiser, sampler = subject.denoiser, sampler_of(subject)

    def part(first: int, count: int) -> tuple["Tensor", "Tensor"]:
        drawn = sampler.draw(denoiser, subject.noise(FORWARD, first, count))
        assert drawn.log_density is not None
        return drawn.fields, drawn.log_density

    return _collected(subject, subject.options.draws or DRAWS, part)


def _collected(
    subject: Subject, count: int, part: Callable[[int, int], tuple["Tensor", "Tensor"]]
) -> tuple[Array, Array]:
    found: list[tuple[Array, Array]] = []
    for first, number in subject.parts(count):
        phi, log_q = part(first, number)
        action = subject.denoiser.theory.action(phi, subject.denoiser.lattice)
        found.append((action.cpu().numpy(), -log_q.cpu().numpy()))
    action, effective = (np.concatenate(values) for values in zip(*found, strict=True))
    return action, effective


def draw(figure: "Figure", subject: Subject) -> Sequence[str]:
    """Points and line; what the line is."""
    action, effective = actions(subject)
    line = Line.through(action, effective)
    axes = figure.add_subplot()
    axes.plot(action, effective, ".", markersize=1.6, color=COLOURS[0], rasterized=True)
    ends = np.array([np.nanmin(action), np.nanmax(action)])
    sign = "+" if line.constant >= 0 else "-"
    label = rf"$S {sign} {abs(line.constant):.4g}$,  $R^2 = {line.r2:.4f}$"
    axes.plot(ends, ends + line.constant, color=COLOURS[1], linestyle="--", label=label)
    axes.set_xlabel(r"action $S$")
    axes.set_ylabel(r"effective action $-\log q$")
    axes.legend(loc="upper left")
    return [str(line)]
