"""Metropolis–Hastings with proposals that do not depend on the state: accept with min(1, w′/w), w = e^{−S}/q.

Independence sampler: Tierney, Ann. Stat. 22 (1994) 1701; for proposals from flows Albergo et al., 1904.12072. Other
updates that keep e^{−S} may stand between proposals; they change the field, so its weight is computed anew. Where
log q is itself random (paths), it is drawn given the field, which keeps the joint distribution of field and path.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sqcli.diffusion.process.noise import Noise
from sqcli.errors import SqcliError
from sqcli.mcmc import State
from sqcli.runs.sampling.spec import PARTIAL, SampleSpec
from sqcli.runs.sampling.tiles import RENEWALS, Proposals, Tile

DECISION = 0x3FFF  # step that keys the uniform number of a decision; samplers use small ones
Row = dict[str, float]


@dataclass(frozen=True)
class Walk:
    """Chain between two proposals.

    Attributes:
        field: configuration of the chain, (*site).
        proposals: number of proposals that it has seen, those of the warm-up included.
        log_weight: −S − log q of `field`; −∞ before the first proposal.
        action: S of `field`.
        moves: state of each interleaved algorithm; their fields are not used.
    """

    field: NDArray[Any]
    proposals: int
    log_weight: float
    action: float
    moves: tuple[State, ...]

    def saved(self) -> bytes:
        """Write all but the field, for the checkpoint."""
        moves = [[state.update, state.tuning.tolist()] for state in self.moves]
        return json.dumps([self.proposals, self.log_weight, self.action, moves]).encode()

    @classmethod
    def restored(cls, field: NDArray[Any], saved: bytes) -> "Walk":
        """Read a chain from its field and from what `saved` wrote."""
        proposals, log_weight, action, moves = json.loads(saved)
        states = tuple(State(field, int(update), np.array(tuning, np.float64)) for update, tuning in moves)
        return cls(field, int(proposals), float(log_weight), float(action), states)

    @classmethod
    def first(cls, spec: SampleSpec, chain: int) -> "Walk":
        """Make a chain before its first proposal, which is accepted whatever it is."""
        field = spec.theory_instance.manifold.hot(spec.system.lattice, spec.streams.chain(chain))
        moves = tuple(move.first(spec.system, field, spec.warmup) for move in spec.moves)
        return cls(field, 0, -np.inf, float("nan"), moves)


def decisions(spec: SampleSpec, chain: int, first: int, count: int) -> NDArray[np.float64]:
    """Draw the uniform numbers that decide over proposals first … first + count − 1."""
    noise = Noise(spec.streams.chain(chain), range(RENEWALS + first, RENEWALS + first + count), (1,))
    return noise.uniform(DECISION).numpy()


def step(spec: SampleSpec, source: Proposals, chain: int, walk: Walk, tile: Tile, uniform: float) -> tuple[Walk, Row]:
    """Make one proposal and the updates that follow it.

    Raises:
        SqcliError: the warm-up is over, and no proposal has had a finite weight.
    """
    assert tile.log_weight is not None
    row = walk.proposals % source.size
    proposed = float(tile.log_weight[row])
    accepted = proposed > -np.inf and uniform < np.exp(min(0.0, proposed - walk.log_weight))
    if accepted:
        walk = replace(walk, field=tile.fields[row], log_weight=proposed, action=float(tile.action[row]))
    walk, rates = _moved(spec, source, chain, walk)
    if walk.log_weight == -np.inf and walk.proposals >= spec.warmup:
        raise SqcliError(
            f"chain {chain} has seen no proposal of finite weight in {walk.proposals + 1}; train the model longer"
        )
    said = {"accepted": float(accepted), "acceptance_rate": float(accepted), "action": walk.action}
    said |= {"log_weight": walk.log_weight, "proposal_log_weight": proposed, **rates}
    return replace(walk, proposals=walk.proposals + 1), said


def _moved(spec: SampleSpec, source: Proposals, chain: int, walk: Walk) -> tuple[Walk, Row]:
    """Make the moves of partial noise and the interleaved updates; the field that they leave is weighted anew."""
    if not spec.moves and not spec.partial_moves:
        return walk, {}
    field = walk.field
    partly, accepted = _partially(spec, source, chain, walk)
    walk, rates = _interleaved(spec, source, chain, replace(walk, field=partly))
    if walk.field is not field:
        log_weight = source.log_weight(chain, walk.proposals, walk.field)
        action = float(spec.theory_instance.action(walk.field[None], spec.system.lattice)[0])
        walk = replace(walk, log_weight=log_weight, action=action)
    return walk, accepted | rates


def _partially(spec: SampleSpec, source: Proposals, chain: int, walk: Walk) -> tuple[NDArray[Any], Row]:
    """Make the moves of partial noise: the field after them, and the share accepted."""
    field, accepted = walk.field, []
    for index, move in enumerate(spec.partial_moves):
        stream = spec.streams.chain(chain, "partial", index)
        field, moved = move(source.process, field, stream, walk.proposals)
        accepted.append(moved)
    return field, {PARTIAL: float(np.mean(accepted))} if accepted else {}


def _interleaved(spec: SampleSpec, source: Proposals, chain: int, walk: Walk) -> tuple[Walk, Row]:
    """Make the interleaved updates, which tune themselves in the first three quarters of the warm-up."""
    if not spec.moves:
        return walk, {}
    tune = walk.proposals < 3 * spec.warmup // 4
    field, states, rates = walk.field, [], {}
    for index, (move, state) in enumerate(zip(spec.moves, walk.moves, strict=True)):
        source.process.raise_if_stopped()
        stream = spec.streams.chain(chain, "moves", index)
        state, trace = move(spec.system, state, np.ascontiguousarray(field), stream, tune)
        field, rate = state.field, trace.stats.get("acceptance_rate")
        states.append(state)
        rates[move.statistic] = float("nan") if rate is None else float(rate[-1])
    return replace(walk, field=field, moves=tuple(states)), rates
