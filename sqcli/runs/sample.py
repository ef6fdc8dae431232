"""Sample an ensemble from a trained model, or more draws of one that is there; see `sqcli.runs.execution.ensemble`.

Draws are made in tiles of fixed size whose random numbers are keyed by (run, chain, draw), so that workers, ranks,
chain ranges, interruptions and extensions change no digit. Under torchrun each rank makes every WORLD_SIZE-th group.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from sqcli import store
from sqcli.diffusion.device import require_device, torch_threads
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.process.protocol import Process
from sqcli.errors import UsageError
from sqcli.exactness import Exactness
from sqcli.runs.execution.board import Board
from sqcli.runs.execution.ensemble import Task, carry_out
from sqcli.runs.execution.progress import Progress
from sqcli.runs.execution.resume import chains_of, rank
from sqcli.runs.execution.workers import available_cores
from sqcli.runs.sampling import agreement
from sqcli.runs.sampling.chain_group import GroupSampling
from sqcli.runs.sampling.request import SampleRequest
from sqcli.runs.sampling.spec import SampleSpec
from sqcli.runs.sampling.tiles import Proposals, numbers_of

__all__ = ["Progress", "SampleRequest", "sample"]

ON_DEVICE = 4  # workers that feed one accelerator
NUMBER_BYTES = 500  # least memory of a network at work, for each number of a tile


def sample(request: SampleRequest, stop: threading.Event, progress: Callable[[Progress], None]) -> None:
    """Sample the ensemble that `request` asks for, or go on with it.

    Args:
        request: the options of `sample`.
        stop: event, set by a signal or another thread to commit and end early.
        progress: function that is called a few times a second.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: no such model, the ensemble there is another run's, the disk is full, ….
        Stopped: ended early by `stop` or the time limit; all is committed and can be continued.
    """
    if request.force and rank()[1] > 1:
        raise UsageError("--force under several ranks would erase what others have begun; remove the ensemble first")
    carry_out(_Sampling(request, stop), progress)


@dataclass(frozen=True)
class _Sampling:
    """Maker of an ensemble by a sampler; see `sqcli.runs.execution.ensemble.Maker`."""

    request: SampleRequest
    stop: threading.Event

    @cached_property
    def device(self) -> str:
        return require_device(self.request.device)

    @cached_property
    def model(self) -> Model:
        """Trained model, whose weights are read and hashed once."""
        return Model.load(self.request.model, self.device)

    def new_spec(self) -> SampleSpec:
        return agreement.new_spec(self.request)

    def stored_spec(self, ensemble: store.Ensemble) -> SampleSpec:
        return SampleSpec.from_attributes(ensemble.attrs, ensemble.chains)

    def require_agreement(self, spec: SampleSpec) -> None:
        agreement.require_agreement(self.request, spec)

    def require_start(self, spec: SampleSpec) -> None:
        self._process(spec)

    def exactness(self, spec: SampleSpec) -> Exactness:
        with torch_threads(1):
            return spec.exactness(self._process(spec))

    def parents(self, spec: SampleSpec) -> list[dict[str, Any]]:
        return [{"model": str(self.request.model), "identity": spec.model}]

    def workers(self, tasks: int) -> int:
        cores = available_cores()
        return min(self.request.workers or (min(cores, ON_DEVICE) if self.device == "cuda" else cores), tasks)

    def bytes_held(self, spec: SampleSpec, layout: store.Layout, workers: int) -> int:
        """Count the bytes of a tile for each worker; an accelerator's memory is its own."""
        return (
            0
            if self.device == "cuda"
            else workers * spec.tile * numbers_of(spec.theory_instance, spec.system.lattice) * NUMBER_BYTES
        )

    def share(self, groups: Sequence[int]) -> Sequence[int]:
        here, world = rank()
        return groups[here::world]

    @contextlib.contextmanager
    def tasks(
        self, spec: SampleSpec, ensemble: store.Ensemble, groups: Sequence[int], target: int, board: Board
    ) -> Iterator[Sequence[Task]]:
        """Yield one task a tile, or one a group where chains must use up a tile before they need the next."""
        source = Proposals(self._process(spec), spec.sampler, spec.streams.key(), spec.tile)
        work = [GroupSampling(spec, source, ensemble, number, target, board, self.stop) for number in groups]
        with torch_threads(1), contextlib.ExitStack() as stack:
            for group in work:
                stack.callback(group.close)
            yield [task for group in work for task in _tasks(spec, ensemble, group)]

    def _process(self, spec: SampleSpec) -> Process:
        """Build the process of the run, which heeds `stop`; UsageError where the model cannot be sampled so."""
        process = self.model.process(spec.theory_instance, spec.system.lattice, self.device)
        spec.sampler.check(process)
        return process.stopped_by(self.stop)


def _tasks(spec: SampleSpec, ensemble: store.Ensemble, group: GroupSampling) -> list[Task]:
    tiles = group.tiles(chains_of(ensemble, group.number))
    if spec.moves or spec.partial_moves:
        return [partial(group.work_all, tiles)]
    return [partial(group.work, number) for number in tiles]
