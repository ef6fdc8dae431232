"""Extent of a run that writes an ensemble: its target, chain range, rank and time limit."""

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator

from sqcli import store
from sqcli.errors import Stopped, UsageError
from sqcli.runs.execution.progress import Progress
from sqcli.runs.execution.request import EnsembleRequest
from sqcli.stopping import polling


def raised_target(request: EnsembleRequest, ensemble: store.Ensemble) -> int:
    """Return the draws wanted of each chain; raise the ensemble's own target where that was asked for."""
    wanted = max(request.draws or 0, ensemble.target_draws)
    if request.extend is not None and ensemble.finished:
        wanted = max(wanted, ensemble.target_draws + request.extend)
    if wanted > ensemble.target_draws:
        store.extend(request.path, wanted)
    return wanted


def check_range(request: EnsembleRequest, layout: store.Layout) -> None:
    """Raise UsageError where the chains do not exist or share chunks with others."""
    if request.chain_range is None:
        return
    first, last = request.chain_range
    if not 0 <= first < last <= layout.chains:
        raise UsageError(f"--chain-range {first}:{last} does not lie within the {layout.chains} chains")
    size = layout.chain_group
    if first % size or (last % size and last != layout.chains):
        raise UsageError(f"--chain-range {first}:{last} cuts a group of {size} chains that share chunks; use multiples")


def groups_of(request: EnsembleRequest, ensemble: store.Ensemble) -> range:
    """Return the chain groups of this process; UsageError where its chain range makes no sense."""
    check_range(request, ensemble.layout)
    first, last = request.chain_range or (0, ensemble.chains)
    size = ensemble.layout.chain_group
    return range(first // size, -(-last // size))


def chains_of(ensemble: store.Ensemble, group: int) -> range:
    """Return the chains of a group."""
    size = ensemble.layout.chain_group
    return range(group * size, min((group + 1) * size, ensemble.chains))


def committed_draws(ensemble: store.Ensemble, group: int) -> int:
    """Count the committed draws of each chain of a group."""
    return ensemble.committed(group * ensemble.layout.chain_group)


def counts_of(ensemble: store.Ensemble, groups: Iterable[int]) -> dict[int, tuple[int, int, int]]:
    """Count, for each group, its chains, their committed updates of warm-up and their committed draws."""
    chains_by_group = {group: chains_of(ensemble, group) for group in groups}
    return {
        group: (len(chains), ensemble.warmup_done(chains.start), ensemble.committed(chains.start))
        for group, chains in chains_by_group.items()
    }


def require_complete(progress: Progress) -> None:
    """Raise Stopped where draws are missing at the end of a run."""
    if progress.draws < progress.target:
        wanted = progress.target * progress.chains
        told = f"stopped with {progress.held} of {wanted} draws committed; run again to go on"
        raise Stopped(f"{progress.name}: {told}")


def rank() -> tuple[int, int]:
    """Return the rank of this process and the number of ranks; (0, 1) where torchrun did not start it."""
    here, world = os.environ.get("RANK", ""), os.environ.get("WORLD_SIZE", "")
    if not (here.isdigit() and world.isdigit() and int(here) < int(world)):
        return 0, 1
    return int(here), int(world)


@contextlib.contextmanager
def stoppable(seconds: float | None, stop: threading.Event) -> Iterator[None]:
    """Set `stop`, while the context is open, on a signal and after `seconds`."""
    timer = threading.Timer(max(0.0, seconds), stop.set) if seconds is not None else None
    with polling(stop):
        if timer:
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            if timer:
                timer.cancel()
