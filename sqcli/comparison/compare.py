"""Compare: what an independent configuration costs by each algorithm and by each sampler of a model.

N_draws/(2 τ_int) of an observable are independent (of weighted draws, the share of them that Kish's size leaves); N of
them take the set-up plus N times what one takes, so that the rate with all counted is N/(setup + N/rate).
"""

import math
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli import parameters as params
from sqcli import stats
from sqcli.analysis.ensemble import LOG_WEIGHT, MeasuredEnsemble, open_for_measuring
from sqcli.analysis.exact_values import exact_values
from sqcli.analysis.measure import measure
from sqcli.analysis.selection import components_for, observable
from sqcli.comparison._methods import Arena
from sqcli.comparison._timing import Entrant, Timing, timed
from sqcli.comparison._training_cost import Preparation, preparation
from sqcli.comparison.request import CompareRequest
from sqcli.errors import SqcliError, Stopped, UsageError

__all__ = ["CompareRequest", "Comparison", "compare"]

TRUE = ("exact", "weighted")  # rows whose expectation values are those of the theory
BESIDE = ("acceptance", "log_z")
Row = dict[str, Any]
Report = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Comparison:
    """Result: `head` describes what was compared, `rows` each algorithm or sampler, `notes` what was left out."""

    head: Mapping[str, Any]
    rows: Sequence[Row]
    notes: Sequence[str]

    def envelope(self) -> dict[str, Any]:
        """Mapping that the JSON form shows."""
        return {**self.head, "rows": [dict(row) for row in self.rows], "notes": list(self.notes)}


def compare(request: CompareRequest, stop: threading.Event, progress: Report) -> Comparison:
    """Carry out `request`.

    Args:
        request: the options.
        stop: set it (a signal, another thread) to end early; nothing is printed then.
        progress: called with the name of a row, the rows done and all rows.

    Raises:
        UsageError: an unknown or unsuitable row, observable or parameter.
        SqcliError: no such model, a row asked for by name fails, `out` is in use.
        Stopped: ended early by `stop`.
    """
    try:
        return _compared(Arena.open(request), stop, progress)
    except Stopped:
        raise Stopped("compare was stopped before its table was complete; run it again") from None


def _compared(arena: Arena, stop: threading.Event, progress: Report) -> Comparison:
    _require_scalar(arena)
    request, rows = arena.request, list[Row]()
    entrants, notes = arena.entrants()
    with ExitStack() as stack:
        folder = _folder(request, stack)
        prepared = _prepared(request, entrants, stop)
        for number, entrant in enumerate(entrants):
            progress(entrant.name, number, len(entrants))
            try:
                rows.append(_row(entrant, folder, arena, prepared, stop))
            except SqcliError as error:
                if isinstance(error, Stopped) or request.methods or request.algorithms:
                    raise
                notes.append(f"{entrant.name} is left out: {error}")
    return Comparison(_head(arena, _agree(rows), prepared), rows, (*prepared.notes, *notes))


def _prepared(request: CompareRequest, entrants: Sequence[Entrant], stop: threading.Event) -> Preparation:
    """Preparation of the model; nothing where no row samples it."""
    if all(entrant.rehearsed for entrant in entrants):
        return Preparation()
    return preparation(request.model, request.threads, stop)


def _require_scalar(arena: Arena) -> None:
    name = arena.observable
    instance = observable(name)
    if components_for(instance, arena.theory, arena.lattice) != (None,) or not instance.reweighted:
        raise UsageError(
            f"--obs {name}: it must be one expectation value of the theory, such as abs_magnetization or plaquette"
        )


def _folder(request: CompareRequest, stack: ExitStack) -> Path:
    """Folder of the ensembles: `--out`, or a temporary one.

    Raises:
        SqcliError: there is something in `--out`.
    """
    if request.out is None:
        return Path(stack.enter_context(_aside()))
    if request.out.exists() and (not request.out.is_dir() or any(request.out.iterdir())):
        raise SqcliError(f"{request.out}: there is something already; choose another --out")
    request.out.mkdir(parents=True, exist_ok=True)
    return request.out


def _aside() -> tempfile.TemporaryDirectory[str]:
    """Temporary folder; a worker that was left behind may still write there while it is erased."""
    return tempfile.TemporaryDirectory(prefix="sqcli-compare-", ignore_cleanup_errors=True)


def _row(entrant: Entrant, folder: Path, arena: Arena, prepared: Preparation, stop: threading.Event) -> Row:
    """Measure one line of the table; its ensemble is erased unless it is to be kept."""
    path, request = folder / entrant.name, arena.request
    with _aside() as aside:
        timing = timed(entrant, path, Path(aside, entrant.name), request.seconds, stop)
    opened = open_for_measuring(path)
    setup = timing.setup + (0.0 if entrant.rehearsed else prepared.seconds)
    row = {"method": entrant.name, "exactness": opened.exactness, **_pace(timing)}
    row |= _measured(opened, arena.observable) | {"setup_seconds": setup}
    per_draw = row.pop("independent") / int(opened.ensemble.draws.sum())
    rate = per_draw * timing.rate if math.isfinite(per_draw) else None
    count = request.configurations
    row |= {"ess_per_second": rate, "ess_per_second_all": count / (setup + count / rate) if rate else None}
    if request.out is None:
        shutil.rmtree(path)
    return row


def _pace(timing: Timing) -> Row:
    return {"draws": timing.draws, "seconds": timing.seconds, "draws_per_second": timing.rate}


def _measured(opened: MeasuredEnsemble, name: str) -> Row:
    """Entries of a row that come from its draws."""
    beside = [other for other in BESIDE if other != name and opened.available(observable(other))]
    found = {row["observable"]: row for row in measure(opened.ensemble.path, [name, *beside]).estimates}
    own, accepted = found[name], found.get("acceptance", {})
    log_z = found.get("log_z", {}) if opened.exactness in TRUE else {}
    draws, share = int(opened.ensemble.draws.sum()), _share(opened)
    tau = own["tau_int"]
    independent = own["ess"] if opened.weighted else draws / (2 * tau) if tau else None
    return {
        "acceptance": accepted.get("value"),
        "tau_int": tau,
        "tau_int_error": own["tau_int_error"],
        "weight_ess": share,
        "independent": math.nan if independent is None else independent,
        "log_z": log_z.get("value"),
        "log_z_error": log_z.get("error"),
        "value": own["value"],
        "error": own["error"],
        "flags": own["flags"],
    }


def _share(opened: MeasuredEnsemble) -> float | None:
    """Effective size (Kish) of weighted draws, as a fraction of them; None without weights."""
    if not opened.weighted:
        return None
    weights = stats.relative_weights(opened.ensemble.stat(LOG_WEIGHT))
    return stats.kish_ess(weights) / int(opened.ensemble.draws.sum())


def _agree(rows: Sequence[Row]) -> Row:
    """Average the rows that are exact, and set `deviation` of every row from that mean, in σ.

    A row that entered the mean is correlated with it: the variance of its deviation is σ² − σ_mean².
    """
    sound = [row for row in rows if row["exactness"] in TRUE and row["error"] and "low_weight_ess" not in row["flags"]]
    weights = [row["error"] ** -2 for row in sound]
    value = sum(w * row["value"] for w, row in zip(weights, sound, strict=True)) / sum(weights) if sound else None
    variance = 1 / sum(weights) if sound else None
    for row in rows:
        row["deviation"] = None
        if value is None or variance is None or not row["error"]:
            continue
        own = row["error"] ** 2
        spread = own - variance if any(row is other for other in sound) else own + variance
        if spread > 1e-9 * own:
            row["deviation"] = (row["value"] - value) / math.sqrt(spread)
    return {"value": value, "error": None if variance is None else math.sqrt(variance)}


def _head(arena: Arena, mean: Row, prepared: Preparation) -> Row:
    request, name = arena.request, arena.observable
    return {
        "model": str(request.model),
        "identity": arena.model.identity,
        "theory": arena.model.theory_name,
        "parameters": params.to_mapping(arena.theory),
        "lattice": list(arena.lattice.extents),
        "observable": name,
        "configurations": request.configurations,
        "workers": request.threads,
        "seed": arena.seed,
        "training_seconds": prepared.training,
        "data_seconds": prepared.data,
        "mean": mean,
        "known": exact_values(arena.theory, arena.lattice).get((name, None)),
    }
