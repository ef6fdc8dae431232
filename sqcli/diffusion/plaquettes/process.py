"""Process of plaquettes: two-dimensional U(1) on a torus of V plaquettes, its charge drawn first.

In two dimensions plaquettes are independent but for their sum: the theory factorises, and the analytic start of the
network, a quadrature over one plaquette, does nearly all of the work. What is shown here is how far topology can be
taken out of the dynamics, not that a network has learnt a gauge theory; `diffusion/links` has no such advantage.

A configuration is (plaquettes θ with Σθ = 2πQ) × (two Polyakov phases) × (a gauge orbit), the last two Haar distributed
and drawn at the end. Plaquettes are lifted to the line (`lift.py`), K = Σy/2π is drawn, and y diffuses by white noise
on the plane Σy = 2πK, which is transverse noise of links with spectrum 1/k̂². With Haar measure of total 1 on each link

    Z = ∫ Π_{p<V} dθ_p/2π e^{−S} = Σ_K (2π)^{1−V} V^{−1/2} ∫ dy e^{−S(y)} Π_p W(y_p),

dy being the plane's own measure: of Π dy_p/2π · 2πδ(Σy − 2πK) the coordinate Σy/√V along the normal is integrated out.
So ⟨e^{−S − log q}⟩ = Z with log q = log P(K) + log q(y|K) − Σ log W(y_p) + (V − 1) log 2π + ½ log V, where q(y|K) is a
path's prior and reverse kernels over its forward kernels.
"""

import math
import threading
from dataclasses import dataclass, field, replace
from functools import cached_property

import torch
from torch import Generator, Tensor

from sqcli.diffusion.nets import PlaquetteContext, PlaquetteMoments, PlaquetteNet
from sqcli.diffusion.plaquettes import loss, paths
from sqcli.diffusion.plaquettes.charge import ChargeTable, charge_table
from sqcli.diffusion.plaquettes.fitting import PlaquetteStatistics
from sqcli.diffusion.plaquettes.kernel import ReverseKernel
from sqcli.diffusion.plaquettes.lift import TURN, Lift
from sqcli.diffusion.plaquettes.plane import component, log_white, project
from sqcli.diffusion.process.protocol import RandomNumbers
from sqcli.errors import Stopped, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.theories.u1 import U1

NARROWEST, WIDEST = 0.1, 4.0  # widths σ where annealing ends, and where ladders do
PHASES = ((1 << 27) + 1, (1 << 27) + 2)  # steps of the numbers that are Polyakov phases, beyond those of dynamics


@dataclass(frozen=True)
class PlaquetteProcess:
    """A network of plaquettes at work on one torus, for one coupling. States are lifted plaquettes y (n, V).

    Attributes:
        net: in evaluation mode, on the device where fields are wanted.
        statistics: what is learnt beside the weights, on the same device.
        theory: U(1) with the inverse coupling that is wanted.
        lattice: the lattice of the configurations, of any extents.
        stop: once it is set every further evaluation raises Stopped.
        kernels: kernels made so far, by their two levels, each with the state of the weights.

    Raises:
        UsageError: another theory, not two dimensions, or β not positive.
    """

    net: PlaquetteNet
    statistics: PlaquetteStatistics
    theory: U1
    lattice: Lattice
    stop: threading.Event = field(default_factory=threading.Event, compare=False)
    kernels: dict[tuple[float, float], tuple[int, ReverseKernel]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        if not isinstance(self.theory, U1) or self.lattice.dimension != 2:
            raise UsageError(f"plaquettes diffuse in u1 on two-dimensional lattices, not on {self.lattice}")
        self.theory.check(self.lattice)
        Lift(self.theory.beta)

    def stopped_by(self, stop: threading.Event) -> "PlaquetteProcess":
        """Copy the process, with another event that stops it."""
        return replace(self, stop=stop)

    def raise_if_stopped(self) -> None:
        """Raise Stopped once the run is to end."""
        if self.stop.is_set():
            raise Stopped("stopped in the middle of a draw; run again to go on")

    @property
    def device(self) -> torch.device:
        """Device on which fields have to be."""
        return self.statistics.beta.device

    @cached_property
    def lift(self) -> Lift:
        """Lift of plaquettes to the line at the coupling that is wanted."""
        return Lift(self.theory.beta)

    @cached_property
    def charges(self) -> ChargeTable:
        """Probabilities of K."""
        return charge_table(self.theory.beta, self.lattice.volume).to(self.device)

    def from_field(self, field: Tensor) -> Tensor:
        """Return configurations as they are: angles are in radians."""
        return field

    def target_loss(self, x0: Tensor, generator: Generator) -> Tensor:
        """Compute the loss of target score matching, for mean and variance: (n,)."""
        return loss.target_loss(self, x0, generator)

    def denoising_loss(self, x0: Tensor, generator: Generator, single_shot: bool) -> Tensor:
        """Compute the loss of denoising score matching: (n,); noise of any size is one Gaussian step in any case."""
        return loss.denoising_loss(self, x0, generator)

    # states

    def start(self, numbers: RandomNumbers, level: Tensor) -> tuple[Tensor, Tensor]:
        """Draw K, and y as if plaquettes with noise of this level () were Gaussian; also log P(K) q(y|K): (n,)."""
        charge, log_q = self.charges.draw(numbers.uniform(0))
        variance = self.lift.variance + level**2
        noise = variance.sqrt() * self.kick(numbers.normal(0))
        return noise + TURN * charge[:, None] / self.lattice.volume, log_q + log_white(noise, variance)

    def moments(self, y: Tensor, level: Tensor) -> PlaquetteMoments:
        """Mean and variance of y₀ given y at levels () or (n,), each plaquette by itself.

        Raises:
            Stopped: the run is to end.
        """
        self.raise_if_stopped()
        context = PlaquetteContext(
            self.theory.beta, self.lift.width2, self.lift.log_density, float(self.statistics.beta)
        )
        found: PlaquetteMoments = self.net(y, level.expand(len(y)), context)
        return found

    def on_plane(self, moments: PlaquetteMoments, y: Tensor) -> Tensor:
        """Mean on the plane of y: what its sum is too much by goes in proportion to variances, by linear response."""
        mean, variance = moments
        return mean - variance * ((mean - y).sum(1) / variance.sum(1))[:, None]

    def denoise(self, y: Tensor, level: Tensor) -> Tensor:
        """Mean of y₀ given y at levels () or (n,), on the plane of y."""
        return self.on_plane(self.moments(y, level), y)

    def lifted(self, fields: Tensor, numbers: RandomNumbers) -> Tensor:
        """Lift the plaquettes of links at random."""
        uniform = torch.special.ndtr(component(numbers.normal(0), 1))
        return self.lift.draw(self.theory.plaquettes(fields, self.lattice).flatten(1), uniform)

    def links(self, y: Tensor, numbers: RandomNumbers) -> Tensor:
        """Make links (n, 2, *extents) whose plaquettes are y, their gauge and Polyakov phases at random."""
        gauge = torch.special.ndtr(component(numbers.normal(0), 1)[:, 1:])
        phases = torch.stack([numbers.uniform(step) for step in PHASES], 1)
        parts = [part.cpu().numpy() for part in (y[:, :-1], TURN * phases, TURN * gauge)]
        made = self.theory.with_plaquettes(parts[0], parts[1], parts[2], self.lattice)
        return torch.from_numpy(made).to(self.device)

    # dynamics

    def annealing(self, steps: int, low: float, high: float) -> Tensor:
        """Levels even in the logarithm from `high` (0: four) down to `low` (0: a tenth) widths σ of a plaquette."""
        return self.ladder(steps + 1, low or NARROWEST, high).flip(0)[:-1]

    def begin(self, numbers: RandomNumbers, level: Tensor) -> tuple["PlaquetteProcess", Tensor]:
        """Draw K, which dynamics keep, and noised plaquettes."""
        return self, self.start(numbers, level)[0]

    def pull(self, noised: Tensor, level: Tensor) -> Tensor:
        """Compute s² ∇ log p_s on the plane, D − y."""
        return self.denoise(noised, level) - noised

    def kick(self, normal: Tensor) -> Tensor:
        """White noise on the plane, (n, V), from the first number of each site."""
        return project(component(normal, 0))

    def shifted(self, noised: Tensor, *parts: Tensor) -> Tensor:
        """Add tangent vectors."""
        return noised + torch.stack(parts).sum(0)

    def returned(self, old: Tensor, new: Tensor, *parts: Tensor) -> Tensor:
        """Tangent vector from `new` to `old`."""
        return old - new

    def action(self, noised: Tensor) -> Tensor:
        """Minus the log density of lifted plaquettes, −Σ log p̃, (n,)."""
        return -self.lift.log_density(noised).sum(1)

    def finish(self, noised: Tensor, level: Tensor, numbers: RandomNumbers) -> Tensor:
        """Make links, after half of a denoising step."""
        if level > 0:
            noised = noised + self.pull(noised, level) / 2
        return self.links(noised, numbers)

    # paths

    def ladder(self, steps: int, low: float, high: float) -> Tensor:
        """Levels 0 = s₀ < … < s_N, even in the logarithm from `low` to `high` (0: four) widths σ of a plaquette."""
        top = max(high or WIDEST, 2 * low)
        levels = torch.linspace(math.log(low), math.log(top), steps, dtype=torch.float64).exp()
        zero = torch.zeros(1, dtype=torch.float64)
        return torch.cat([zero, self.lift.width2**0.5 * levels]).to(self.device)

    def descend(self, numbers: RandomNumbers, levels: Tensor) -> tuple[Tensor, Tensor]:
        """Draw paths by the reverse kernels: links, and log q over the forward kernels, (n,)."""
        top, log_q = self.start(numbers, levels[-1])
        y, log_down = paths.down(self, top, numbers, levels)
        return self.links(y, numbers), log_q + log_down + self._log_constant

    def log_density(self, fields: Tensor, numbers: RandomNumbers, levels: Tensor) -> Tensor:
        """Draw forward paths from given links: log q of these paths over the forward kernels, (n,)."""
        y, log_down = paths.up(self, self.lifted(fields, numbers), numbers, levels)
        charge = (y.sum(1) / TURN).round()
        noise = y - TURN * charge[:, None] / self.lattice.volume
        log_start = log_white(noise, self.lift.variance + levels[-1] ** 2)
        return self.charges.log_probability(charge) + log_start + log_down + self._log_constant

    def partial(self, fields: Tensor, numbers: RandomNumbers, levels: Tensor, rungs: int) -> tuple[Tensor, Tensor]:
        """Noise links up to levels[rungs] and come back: new links, and log q′ − log q of the two half paths, (n,).

        K stays, Q need not. The lift of the given links is part of the way up, as the gauge is of the way down.
        """
        levels, later = levels[: rungs + 1], paths.Later(numbers, rungs + 1)
        top, log_old = paths.up(self, self.lifted(fields, numbers), numbers, levels)
        y, log_new = paths.down(self, top, later, levels)
        return self.links(y, later), log_new - log_old

    @property
    def _log_constant(self) -> float:
        """(V − 1) log 2π + ½ log V."""
        return (self.lattice.volume - 1) * math.log(TURN) + math.log(self.lattice.volume) / 2
