"""An ensemble made, or gone on with, until every chain has its draws: what `generate` and `sample` have in common.

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
from sqcli.runs.execution.provenance import creation, placed
from sqcli.runs.execution.request import EnsembleRequest
from sqcli.runs.execution.resume import check_range, drawn, groups_of, raised_target, require_all, standing, stoppable
from sqcli.runs.execution.spec import EnsembleSpec
from sqcli.runs.execution.workers import run_all

S = TypeVar("S", bound=EnsembleSpec)
Task = Callable[[], None]


class Maker(Protocol, Generic[S]):
    """What `generate` and `sample` each know of making an ensemble."""

    @property
    def request(self) -> EnsembleRequest:
        """The options."""

    @property
    def stop(self) -> threading.Event:
        """Set to commit and end early."""

    @property
    def device(self) -> str:
        """Where it computes."""

    def new_spec(self) -> S:
        """Describe the run that the request asks for by itself."""

    def stored_spec(self, ensemble: store.Ensemble) -> S:
        """Read the run that wrote an ensemble; SqcliError when it is none of this command's."""

    def require_agreement(self, spec: S) -> None:
        """SqcliError where the request differs from the run that is there."""

    def require_start(self, spec: S) -> None:
        """SqcliError where the run cannot begin; called before anything is made."""

    def exactness(self, spec: S) -> Exactness:
        """Say what the draws will be."""

    def parents(self, spec: S) -> list[dict[str, Any]]:
        """Name the ensembles and models that it is made from."""

    def workers(self, tasks: int) -> int:
        """Number of threads for so many tasks."""

    def bytes_held(self, spec: S, layout: store.Layout, workers: int) -> int:
        """Memory of a run, from below."""

    def share(self, groups: Sequence[int]) -> Sequence[int]:
        """The chain groups that are this process's among those that it was asked for."""

    def tasks(
        self, spec: S, ensemble: store.Ensemble, groups: Sequence[int], target: int, board: Board
    ) -> AbstractContextManager[Sequence[Task]]:
        """Within it the work on chain groups, up to `target` draws; at its end all that was taken up is committed."""


def carry_out(maker: Maker[S], progress: Callable[[Progress], None]) -> None:
    """Make the ensemble that the request asks for, or go on with it.

    Args:
        maker: of the ensemble.
        progress: called a few times a second.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: the ensemble there is another run's, the disk is full, another process owns a chain, ….
        Stopped: ended early; all is committed and can be continued.
    """
    ensemble, spec = _open_or_create(maker)
    target = raised_target(maker.request, ensemble)
    groups = maker.share(groups_of(maker.request, ensemble))
    unfinished = [group for group in groups if drawn(ensemble, group) < target]
    if unfinished:
        _run(maker, spec, ensemble, unfinished, target, progress)


def _open_or_create(maker: Maker[S]) -> tuple[store.Ensemble, S]:
    request = maker.request
    if not store.is_ensemble(request.path) or request.force:
        if request.resume or (request.extend is not None and not request.force):
            raise SqcliError(f"{request.path}: no ensemble to go on with")
        spec = maker.new_spec()
        with contextlib.suppress(store.ExistsError):  # another rank, or job of the array, was faster
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
    request, layout = maker.request, spec.layout(int(maker.request.draws or 0))
    check_range(request, layout)
    _require_memory(maker, spec, layout, layout.groups)
    maker.require_start(spec)
    parents = [placed(parent, request.path) for parent in maker.parents(spec)]
    attributes = spec.attributes() | {
        "identity": spec.identity,
        "exactness": vars(maker.exactness(spec)),
        **creation(request.command_line, maker.device, parents),
    }
    store.create(request.path, layout, attributes, force=request.force)


def _require_memory(maker: Maker[S], spec: S, layout: store.Layout, tasks: int) -> None:
    """SqcliError when the run cannot fit, before anything is written."""
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
    _require_memory(maker, spec, ensemble.layout, len(groups))
    board = Board(str(maker.request.path), spec, target, standing(ensemble, groups))
    with (
        stoppable(maker.request.time_limit, maker.stop),
        maker.tasks(spec, ensemble, groups, target, board) as tasks,
    ):
        run_all(tasks, maker.workers(len(tasks)), maker.stop, board, lambda: progress(board.progress()))
    progress(board.progress())
    require_all(board.progress())
