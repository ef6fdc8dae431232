"""Annealed importance sampling along a ladder of explicit energies (cond-mat/9707325; Neal, physics/9803008).

Fields begin in a known density, e^{−E₀} next, then e^{−E₁}, …, at last e^{−S}; at each level Metropolis-adjusted
Langevin steps keep e^{−E_i}. With y_i where E_{i−1} gives way to E_i, log w = Σ_i [E_{i−1}(y_i) − E_i(y_i)], and
⟨w⟩ = Z exactly, however short the phases are and whatever the energies are worth. The way back through the same steps,
which are reversible, from a configuration that e^{−S} gave has the law that the weight of that configuration needs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from sqcli.diffusion.process.protocol import Energetic, Process, RandomNumbers
from sqcli.diffusion.samplers._adjusted import Chains, Proposed, Stage
from sqcli.errors import UsageError


@dataclass(frozen=True)
class AtLevel(Proposed):
    """Target of a process at one level: e^{−E} of its energy there, with its score as the drift."""

    process: Energetic

    def at(self, fields: Tensor) -> Chains:
        """Evaluate energy and score."""
        pull = self.process.pull(fields, self.level)
        return Chains(fields, self.process.energy(fields, self.level), pull / self.level**2)


def anneal(
    process: Energetic, fields: Tensor, stages: Sequence[Stage], numbers: RandomNumbers
) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Take fields from the start to e^{−S}: new fields, log w, and the acceptance of each stage, (n,)."""
    log_weight, shares = -process.log_begin(fields), []
    for stage in stages:
        chains = stage.target.at(fields)
        log_weight = log_weight - chains.action
        chains, share = stage.run(chains, process, numbers)
        log_weight, fields = log_weight + chains.action, chains.fields
        shares.append(share)
    return fields, log_weight - process.action(fields), shares


def unanneal(process: Energetic, fields: Tensor, stages: Sequence[Stage], numbers: RandomNumbers) -> Tensor:
    """Take fields of e^{−S} back to the start: log w of the path, (n,)."""
    log_weight = -process.action(fields)
    for stage in reversed(stages):
        chains = stage.target.at(fields)
        log_weight = log_weight + chains.action
        chains, _ = stage.run(chains, process, numbers)
        log_weight, fields = log_weight - chains.action, chains.fields
    return log_weight - process.log_begin(fields)


def energetic_of(process: Process) -> Energetic:
    """Return the process as one whose network has an energy; UsageError where it has none."""
    if not isinstance(process, Energetic):
        raise UsageError("weights=jarzynski needs a network with an energy, such as lcnn with head=energy, of links")
    process.require_energy()
    return process
