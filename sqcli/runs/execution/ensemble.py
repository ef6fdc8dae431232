"""Making of an ensemble until every chain has its draws, common to `generate` and `sample`.

An ensemble that is finished is left alone: no byte changes and no lock is taken. Chains are independent, so array jobs
may each run a range of them; the result is the same as of one run.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Generic, Protocol, TypeVar

from sqcli import store
from sqcli.errors import SqcliError
from sqcli.exactness import Exactness
from sqcli.runs.execution import memory
from sqcli.runs.execution.board import Board
from sqcli.runs.execution.progress import Progress
from sqcli.runs.execution.provenance import creation, storable_parent
from sqcli.runs.execution.request import EnsembleRequest
from sqcli.runs.execution.resume import (
    check_range,
    committed_draws,
    counts_of,
    groups_of,
    raised_target,
    require_complete,
    stoppable,
)
from sqcli.runs.execution.spec import EnsembleSpec
from sqcli.runs.execution.workers import run_all

S = TypeVar("S", bound=EnsembleSpec)
Task = Callable[[], None]


class Maker(Protocol, Generic[S]):
    """Steps in the making of an ensemble that `generate` and `sample` take each in its own way."""

    @property
    def request(self) -> EnsembleRequest:
        """Options of the command."""

    @property
    def stop(self) -> threading.Event:
        """Event that is set to commit and end early."""

    @property
    def device(self) -> str:
        """Name of the device that computes."""

    def new_spec(self) -> S:
        """Describe the run that the request asks for by itself."""

    def stored_spec(self, ensemble: store.Ensemble) -> S:
        """Read the run that wrote an ensemble; SqcliError where it is none of this command's."""

    def require_agreement(self, spec: S) -> None:
        """Raise SqcliError where the request differs from the run that is there."""

    def require_start(self, spec: S) -> None:
        """Raise SqcliError where the run cannot begin; called before anything is made."""

    def exactness(self, spec: S) -> Exactness:
        """Say how exact the draws will be, and why."""

    def parents(self, spec: S) -> list[dict[str, Any]]:
        """Name the ensembles and models that the ensemble is made from."""

    def workers(self, tasks: int) -> int:
        """Choose the number of threads that work on `tasks` tasks."""

    def bytes_held(self, spec: S, layout: store.Layout, workers: int) -> int:
        """Estimate the memory of a run from below, in bytes."""

    def share(self, groups: Sequence[int]) -> Sequence[int]:
        """Choose this process's chain groups among those that it was asked for."""

    def tasks(
        self, spec: S, ensemble: store.Ensemble, groups: Sequence[int], target: int, board: Board
    ) -> AbstractContextManager[Sequence[Task]]:
        """Make a context of the tasks that bring `groups` to `target` draws; its end commits all that was taken up."""


def carry_out(maker: Maker[S], progress: Callable[[Progress], None]) -> None:
    """Make the ensemble that the request asks for, or go on with it.

    Args:
        maker: steps of `generate` or of `sample`.
        progress: function that is called a few times a second.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: the ensemble there is another run's, the disk is full, another process owns a chain, ….
        Stopped: ended early; all is committed and can be continued.
    """
    ensemble, spec = _open_or_create(maker)
    target = raised_target(maker.request, ensemble)
    groups = maker.share(groups_of(maker.request, ensemble))
    unfinished = [group for group in groups if committed_draws(ensemble, group) < target]
    if unfinished:
        _run(maker, spec, ensemble, unfinished, target, progress)


def _open_or_create(maker: Maker[S]) -> tuple[store.Ensemble, S]:
    """Open the ensemble that is there, or create it; SqcliError where it is another run's."""
    request = maker.request
    if not store.is_ensemble(request.path) or request.force:
        if request.resume or (request.extend is not None and not request.force):
            raise SqcliError(f"{request.path}: no ensemble to go on with")
        spec = maker.new_spec()
        with contextlib.suppress(store.ExistsError):  # raised where another rank, or job of the array, was faster
            _create(maker, spec)
            return store.open_ensemble(request.path), spec
    ensemble = store.open_ensemble(request.path)
    try:
        spec = maker.stored_spec(ensemble)
    except SqcliError as error:
        raise SqcliError(f"{request.path}: {error}") from None
    maker.require_agreement(spec)
    return ensemble, spec


def _create(maker: Maker[S], spec: S) -> None:
    """Create the ensemble, once all has been checked that can be before."""
    request, layout = maker.request, spec.layout(int(maker.request.draws or 0))
    check_range(request, layout)
    _require_memory(maker, spec, layout, layout.groups)
    maker.require_start(spec)
    parents = [storable_parent(parent, request.path) for parent in maker.parents(spec)]
    attributes = spec.attributes() | {
        "identity": spec.identity,
        "exactness": vars(maker.exactness(spec)),
        **creation(request.command_line, maker.device, parents),
    }
    store.create(request.path, layout, attributes, force=request.force)


def _require_memory(maker: Maker[S], spec: S, layout: store.Layout, tasks: int) -> None:
    """Raise SqcliError where the run does not fit into memory, before anything is written."""
    workers = maker.workers(tasks)
    advice = "take --workers 1" if workers > 1 else "take a smaller lattice or a larger machine"
    memory.require(maker.request.path, maker.bytes_held(spec, layout, workers), advice)


def _run(
    maker: Maker[S],
    spec: S,
    ensemble: store.Ensemble,
    groups: Sequence[int],
    target: int,
    progress: Callable[[Progress], None],
) -> None:
    """Bring chain groups to `target` draws with all workers."""
    _require_memory(maker, spec, ensemble.layout, len(groups))
    board = Board(str(maker.request.path), spec, target, counts_of(ensemble, groups))
    with (
        stoppable(maker.request.time_limit, maker.stop),
        maker.tasks(spec, ensemble, groups, target, board) as tasks,
    ):
        run_all(tasks, maker.workers(len(tasks)), maker.stop, board, lambda: progress(board.progress()))
    progress(board.progress())
    require_complete(board.progress())
