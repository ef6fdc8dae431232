"""Table of a recipe: our number beside the published and the right one, and how far apart they are in σ.

Deviation = (ours − theirs)/√(error² + their error²); errors of the two are taken as independent.
"""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqcli import store
from sqcli.analysis.autocorr import autocorr
from sqcli.analysis.ensemble import open_for_measuring
from sqcli.analysis.exact_values import exact_values
from sqcli.analysis.measure import measure
from sqcli.analysis.selection import components_for, observable
from sqcli.errors import UsageError
from sqcli.files import explained, replace_text
from sqcli.recipes._model import Measured, Recipe, Reference, Row
from sqcli.recipes._planned import Run
from sqcli.text import assignments, cell

COLUMNS = (
    "of", "observable", "options", "component", "quantity", "value", "error",
    "published", "published_error", "published_source", "published_deviation",
    "reference", "reference_error", "reference_source", "reference_deviation", "flags",
)  # fmt: skip
FILES = ("table.json", "table.csv")
EXACT = "exact, by the theory itself"
Entry = dict[str, Any]
Estimate = Mapping[str, Any]
Progress = Callable[[int, int], None]


def compare(rows: Sequence[Row], folders: Mapping[str, Path], progress: Progress) -> list[Entry]:
    """Make an entry of `COLUMNS` per row, `options` only where there are any; each ensemble is read once.

    Args:
        rows: rows of the recipe's table.
        folders: paths of the ensembles by name.
        progress: function that is called while configurations are read.
    """
    others = {number: row.model_copy(update={"of": row.reference.of})
              for number, row in enumerate(rows) if isinstance(row.reference, Measured)}  # fmt: skip
    found = _measured(dict(enumerate(rows)), folders, progress)
    right: dict[int, Reference | None] = {}
    for number, estimate in _measured(others, folders, progress).items():
        right[number] = _reference(estimate, others[number].of)
    for number, row in enumerate(rows):
        if not isinstance(row.reference, Measured):
            right[number] = _exact(row, folders[row.of]) if row.reference == "exact" else row.reference
    return [_entry(row, found[number], right[number]) for number, row in enumerate(rows)]


def _measured(rows: Mapping[int, Row], folders: Mapping[str, Path], progress: Progress) -> dict[int, Estimate]:
    """Estimate what each row asks for; rows of one ensemble that are measured alike are measured together."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for number, row in rows.items():
        options = tuple(sorted(row.options.items()))
        groups.setdefault((row.of, row.quantity, row.window, row.skip, options), []).append(number)
    found: dict[int, Estimate] = {}
    for numbers in groups.values():
        chosen = [rows[number] for number in numbers]
        estimates = _estimates(folders[chosen[0].of], chosen, progress)
        found |= {number: _pick(row, estimates) for number, row in zip(numbers, chosen, strict=True)}
    return found


def _reference(estimate: Estimate, name: str) -> Reference | None:
    """Make a reference of the estimate of another ensemble; None where there is no estimate."""
    if estimate["value"] is None:
        return None
    return Reference(value=estimate["value"], error=estimate["error"] or 0.0, source=f"ensemble {name}")


def _exact(row: Row, path: Path) -> Reference:
    opened = open_for_measuring(path)
    there = exact_values(opened.theory.loaded, opened.lattice)
    return Reference(value=there[row.observable, row.component], source=EXACT)


def require_sense(rows: Sequence[Row], planned: Mapping[str, Run]) -> None:
    """Check, before anything runs, that the runs will make what the rows ask for.

    Args:
        rows: rows of the recipe's table.
        planned: runs that make the ensembles, by the names of these.

    Raises:
        UsageError: a row asks for what will not be there; names the row, and what there is.
    """
    for row in rows:
        run = planned[row.of]
        draws, theory, lattice = run.request.draws, run.facts.theory_instance, run.facts.system.lattice
        if draws is not None and row.skip >= draws:
            raise UsageError(f"table.{row.index}.skip: {row.skip} draws of {row.of} left out, there are {draws}")
        components = _components(row, theory, lattice)
        if row.quantity != "tau_int":
            _require_component(row, [str(each) for each in components])
        if row.reference == "exact":
            _require_exact(row, exact_values(theory, lattice))


def _components(row: Row, theory: Any, lattice: Any) -> tuple[str | None, ...]:
    """Name the components that the observable of a row has; UsageError where the theory has none of them."""
    found = components_for(observable(row.observable, row.options), theory, lattice)
    if not found:
        said = f" with {assignments(row.options)}" if row.options else ""
        raise UsageError(f"table.{row.index}.observable: {row.of}, {lattice}, has no {row.observable}{said}")
    return found


def _require_exact(row: Row, there: Mapping[tuple[str, str | None], float]) -> None:
    """Raise UsageError where the theory does not know what the row asks for."""
    if row.options:
        raise UsageError(f"table.{row.index}.reference: exact is for an observable as it is, without options")
    if row.quantity != "value" or (row.observable, row.component) not in there:
        names = ", ".join(dict.fromkeys(n if c is None else f"{n}[{c}]" for n, c in there)) or "nothing"
        raise UsageError(f"table.{row.index}.reference: not known exactly; of {row.of} is known: {names}")


def _require_component(row: Row, there: Sequence[str]) -> None:
    """Raise UsageError where the observable lacks the component of the row."""
    if str(row.component) not in there and not (row.component is None and len(there) == 1):
        allowed = ", ".join(there[:12]) + (", …" if len(there) > 12 else "")
        raise UsageError(
            f"table.{row.index}.component: {row.observable} has no {row.component!r}; there are: {allowed}"
        )


def _estimates(path: Path, rows: Sequence[Row], progress: Progress) -> Sequence[Estimate]:
    """Measure all observables of rows that are of one ensemble and measured alike."""
    names, first = list(dict.fromkeys(row.observable for row in rows)), rows[0]
    if first.quantity != "tau_int":
        measured = measure(path, names, skip=first.skip, options=first.options, progress=progress)
        return (
            measured.estimates
            if first.quantity == "value"
            else [_ess(row, measured.head) for row in measured.estimates]
        )
    report = autocorr(path, names, window=first.window, skip=first.skip, options=first.options)
    draws = report.head["chains"] * (report.head["draws"] - first.skip)
    every = int(store.open_ensemble(path).attrs.get("every", 1))
    found = [_tau(row, first.window, draws) for row in report.estimates]
    numbers = [{key: None if number is None else number * every for key, number in tau.items()} for tau in found]
    return [{**row, **updates} for row, updates in zip(report.estimates, numbers, strict=True)]


def _ess(row: Estimate, head: Estimate) -> Entry:
    """Turn an estimate into effective independent draws per draw, of memory and weights."""
    share = None if row["ess"] is None else row["ess"] / (head["chains"] * head["draws"])
    return {**row, "value": share, "error": None}


def _tau(row: Estimate, window: int | str, draws: int) -> Entry:
    """Return τ_int and its error in draws.

    A window that is given is summed over whatever it hides, to compare with numbers that were made that way: the
    flags say so, and the error is that of Madras and Sokal, τ √((4W + 2)/N).
    """
    if row["tau_int"] is not None or window == "auto":
        return {"value": row["tau_int"], "error": row["tau_int_error"]}
    tau = 0.5 + sum(row["rho"][1 : int(window) + 1])
    return {"value": tau, "error": tau * math.sqrt((4 * int(window) + 2) / draws)}


def _pick(row: Row, estimates: Sequence[Estimate]) -> Estimate:
    """Pick the estimate of the row's observable and component."""
    mine = {str(e["component"]): e for e in estimates if e["observable"] == row.observable}
    if row.component is None and len(mine) == 1:
        return next(iter(mine.values()))
    _require_component(row, list(mine))
    return mine[str(row.component)]


def _entry(row: Row, estimate: Estimate, right: Reference | None) -> Entry:
    """Make the entry of the table for a row."""
    value, error = estimate["value"], estimate["error"]
    return {
        **{key: getattr(row, key) for key in ("of", "observable", "component", "quantity")},
        **({"options": row.options} if row.options else {}),
        "value": value,
        "error": error,
        **_against("published", row.published, value, error),
        **_against("reference", right, value, error),
        "flags": list(estimate["flags"]),
    }


def _against(name: str, other: Reference | None, value: float | None, error: float | None) -> Entry:
    """Compare a value with another number; all keys begin with `name`."""
    if other is None:
        return dict.fromkeys((name, f"{name}_error", f"{name}_source", f"{name}_deviation"))
    return {
        name: other.value,
        f"{name}_error": other.error,
        f"{name}_source": other.source,
        f"{name}_deviation": deviation(value, error, other),
    }


def deviation(value: float | None, error: float | None, other: Reference) -> float | None:
    """Measure how far `value` lies from `other`, in standard errors of both; None without value or error."""
    if value is None or error is None:
        return None
    width = math.hypot(error, other.error)
    return (value - other.value) / width if width > 0 else None


def write(recipe: Recipe, entries: Sequence[Entry], folder: Path) -> list[Path]:
    """Write `table.json` and `table.csv` into `folder`, and return their paths.

    Raises:
        SqcliError: they cannot be written.
    """
    head = {"recipe": recipe.name, "description": recipe.description, "source": recipe.source}
    files = [folder / name for name in FILES]
    table = io.StringIO()
    names = [name for name in COLUMNS if name != "options" or any(name in entry for entry in entries)]
    writer = csv.DictWriter(table, names, lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        flat = {**entry, "flags": " ".join(entry["flags"]), "options": assignments(entry.get("options", {}))}
        writer.writerow({name: cell(flat[name]) for name in names})
    text = json.dumps({**head, "rows": list(entries)}, ensure_ascii=False, allow_nan=False, indent=1)
    with explained(folder):
        replace_text(files[0], text + "\n")
        replace_text(files[1], table.getvalue())
    return files
