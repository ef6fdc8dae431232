"""Generate an ensemble by an algorithm, or more draws of one that is there; see `sqcli.runs.execution.ensemble`."""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqcli import store
from sqcli.errors import SqcliError, UsageError
from sqcli.exactness import Exactness
from sqcli.runs.execution.board import Board
from sqcli.runs.execution.ensemble import Task, carry_out
from sqcli.runs.execution.progress import Progress
from sqcli.runs.execution.workers import available_cores
from sqcli.runs.generation import agreement
from sqcli.runs.generation.chain import require_start
from sqcli.runs.generation.chain_group import GroupRun, bytes_held
from sqcli.runs.generation.request import Request
from sqcli.runs.generation.spec import RunSpec

__all__ = ["Progress", "Request", "generate"]


def generate(request: Request, stop: threading.Event, progress: Callable[[Progress], None]) -> None:
    """Generate the ensemble that `request` asks for, or go on with it.

    Args:
        request: the options of `generate`.
        stop: event, set by a signal or another thread to commit and end early.
        progress: function that is called a few times a second.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: the ensemble there is another run's, the disk is full, another process owns a chain, ….
        Stopped: ended early by `stop` or the time limit; all is committed and can be continued.
    """
    if request.device == "cuda":
        raise SqcliError("generate runs on the CPU; take --device cpu or leave it out")
    carry_out(_Generation(request, stop), progress)


@dataclass(frozen=True)
class _Generation:
    """Maker of an ensemble by an algorithm; see `sqcli.runs.execution.ensemble.Maker`."""

    request: Request
    stop: threading.Event
    device: str = "cpu"

    def new_spec(self) -> RunSpec:
        return agreement.new_spec(self.request)

    def stored_spec(self, ensemble: store.Ensemble) -> RunSpec:
        return RunSpec.from_attributes(ensemble.attrs, ensemble.chains, ensemble.layout.dtype)

    def require_agreement(self, spec: RunSpec) -> None:
        agreement.require_agreement(self.request, spec)

    def require_start(self, spec: RunSpec) -> None:
        source = spec.start.ensemble
        if source is not None and Path(source).resolve() == self.request.path.resolve():
            raise UsageError(f"--start {source}: is the ensemble that --force would erase")
        require_start(spec)

    def exactness(self, spec: RunSpec) -> Exactness:
        return spec.algorithm_instance.exactness()

    def parents(self, spec: RunSpec) -> list[dict[str, Any]]:
        return [spec.start.attribute()] if spec.start.ensemble else []

    def workers(self, tasks: int) -> int:
        return min(self.request.workers or available_cores(), tasks)

    def bytes_held(self, spec: RunSpec, layout: store.Layout, workers: int) -> int:
        return bytes_held(spec, layout, workers)

    def share(self, groups: Sequence[int]) -> Sequence[int]:
        return groups

    @contextlib.contextmanager
    def tasks(
        self, spec: RunSpec, ensemble: store.Ensemble, groups: Sequence[int], target: int, board: Board
    ) -> Iterator[Sequence[Task]]:
        """Yield one task a group; each commits by itself."""
        yield [partial(self._work, spec, ensemble, group, target, board) for group in groups]

    def _work(self, spec: RunSpec, ensemble: store.Ensemble, group: int, target: int, board: Board) -> None:
        with store.Writer(ensemble, group) as writer:
            GroupRun(spec, writer, group, target, board, self.stop)()
