"""Generate: make an ensemble, or go on with one, until every chain has its draws.

An ensemble that is finished is left alone: no byte changes and no lock is taken. Chains are independent, so array jobs
may each run a range of them; the result is the same as of one run.
"""

import contextlib
import threading
from collections.abc import Callable
from functools import partial

from sqcli import store
from sqcli.errors import SqcliError, Stopped, UsageError
from sqcli.runs._advance import GroupRun
from sqcli.runs._board import Board
from sqcli.runs._provenance import creation
from sqcli.runs._request import Request, new_spec, require_agreement
from sqcli.runs._spec import RunSpec
from sqcli.runs._workers import available_cores, run_all
from sqcli.runs.progress import Progress

__all__ = ["Progress", "Request", "generate"]


def generate(request: Request, stop: threading.Event, progress: Callable[[Progress], None]) -> None:
    """Carry out `request`.

    Args:
        request: the options.
        stop: set it (a signal, another thread) to commit and end early.
        progress: called a few times a second.

    Raises:
        UsageError: options that are malformed or do not fit together.
        SqcliError: the ensemble there is another run's, the disk is full, another process owns a chain, ….
        Stopped: ended early by `stop` or the time limit; all is committed and can be continued.
    """
    if request.device == "cuda":
        raise UsageError("generate runs on the CPU; leave --device out")
    ensemble, spec = _open_or_create(request)
    target = _target(request, ensemble)
    groups = _groups(request, ensemble)
    unfinished = [group for group in groups if _draws(ensemble, group) < target]
    if unfinished:
        _run(request, ensemble, spec, target, unfinished, stop, progress)


def _open_or_create(request: Request) -> tuple[store.Ensemble, RunSpec]:
    if not store.is_ensemble(request.path) or request.force:
        if request.resume or (request.extend is not None and not request.force):
            raise SqcliError(f"{request.path}: no ensemble to go on with")
        spec = new_spec(request)
        with contextlib.suppress(store.ExistsError):  # another job of the array was faster
            _create(request, spec)
            return store.open_ensemble(request.path), spec
    ensemble = store.open_ensemble(request.path)
    try:
        spec = RunSpec.from_attributes(ensemble.attrs, ensemble.chains, ensemble.layout.dtype)
    except SqcliError as error:
        raise SqcliError(f"{request.path}: {error}") from None
    require_agreement(request, spec)
    return ensemble, spec


def _create(request: Request, spec: RunSpec) -> None:
    parents = [spec.start.attribute()] if spec.start.ensemble else []
    attributes = spec.attributes() | {
        "identity": spec.identity,
        "exactness": vars(spec.algorithm_instance.exactness()),
        **creation(request.command_line, "cpu", parents),
    }
    layout = spec.layout(int(request.draws or 0))
    _check_range(request, layout)
    store.create(request.path, layout, attributes, force=request.force)


def _target(request: Request, ensemble: store.Ensemble) -> int:
    """Draws wanted of each chain, raising the ensemble's own target where that was asked for."""
    wanted = max(request.draws or 0, ensemble.target_draws)
    if request.extend is not None and ensemble.finished:
        wanted = max(wanted, ensemble.target_draws + request.extend)
    if wanted > ensemble.target_draws:
        store.extend(request.path, wanted)
    return wanted


def _check_range(request: Request, layout: store.Layout) -> None:
    if request.chain_range is None:
        return
    first, last = request.chain_range
    if not 0 <= first < last <= layout.chains:
        raise UsageError(f"--chain-range {first}:{last} does not lie within the {layout.chains} chains")
    size = layout.chain_group
    if first % size or (last % size and last != layout.chains):
        raise UsageError(f"--chain-range {first}:{last} cuts a group of {size} chains that share chunks; use multiples")


def _groups(request: Request, ensemble: store.Ensemble) -> range:
    _check_range(request, ensemble.layout)
    first, last = request.chain_range or (0, ensemble.chains)
    size = ensemble.layout.chain_group
    return range(first // size, -(-last // size))


def _draws(ensemble: store.Ensemble, group: int) -> int:
    return ensemble.committed(group * ensemble.layout.chain_group)


def _run(
    request: Request,
    ensemble: store.Ensemble,
    spec: RunSpec,
    target: int,
    groups: list[int],
    stop: threading.Event,
    progress: Callable[[Progress], None],
) -> None:
    size = ensemble.layout.chain_group
    standing = {
        group: (min(size, spec.chains - group * size), ensemble.warmup_done(group * size), _draws(ensemble, group))
        for group in groups
    }
    board = Board(spec, target, standing)
    tasks = [partial(_run_group, ensemble, spec, group, target, board, stop) for group in groups]
    workers = min(request.workers or available_cores(), len(tasks))
    with _time_limit(request.time_limit, stop):
        run_all(tasks, workers, stop, board, lambda: progress(board.progress()))
    now = board.progress()
    if now.draws < target:
        raise Stopped(f"{request.path}: stopped with {now.draws} of {target} draws committed; run again to go on")


def _run_group(
    ensemble: store.Ensemble, spec: RunSpec, group: int, target: int, board: Board, stop: threading.Event
) -> None:
    with store.Writer(ensemble, group) as writer:
        GroupRun(spec, writer, group, target, board, stop)()


@contextlib.contextmanager
def _time_limit(seconds: float | None, stop: threading.Event):  # type: ignore[no-untyped-def]
    timer = threading.Timer(max(0.0, seconds), stop.set) if seconds is not None else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        yield
    finally:
        if timer:
            timer.cancel()
