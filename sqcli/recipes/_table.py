"""Table of a recipe: our number beside the published and the right one, and how far apart they are in σ.

Deviation = (ours − theirs)/√(error² + their error²), of complex numbers that of the part which deviates more; errors of
the two are taken as independent. Complex numbers are entered as {"re": …, "im": …}.
"""

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
from sqcli.recipes._model import Measured, Reference, Row
from sqcli.recipes._planned import Run
from sqcli.text import assignments

EXACT = "exact, by the theory itself"
Entry = dict[str, Any]
Estimate = Mapping[str, Any]
Number = float | complex
Progress = Callable[[int, int], None]
ROUNDING = 1e-12  # of a number that equals its reference in every draw


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
        "value": _plain(value),
        "error": _plain(error),
        **_against("published", row.published, value, error),
        **_against("reference", right, value, error),
        "flags": list(estimate["flags"]),
    }


def _against(name: str, other: Reference | None, value: Number | None, error: Number | None) -> Entry:
    """Compare a value with another number; all keys begin with `name`."""
    if other is None:
        return dict.fromkeys((name, f"{name}_error", f"{name}_source", f"{name}_deviation"))
    return {
        name: _plain(other.value),
        f"{name}_error": _plain(other.error),
        f"{name}_source": other.source,
        f"{name}_deviation": deviation(value, error, other),
    }


def _plain(number: Number | None) -> Any:
    """Return a real number as it is, a complex one as JSON holds it."""
    return {"re": number.real, "im": number.imag} if isinstance(number, complex) else number


def deviation(value: Number | None, error: Number | None, other: Reference) -> float | None:
    """Measure how far `value` lies from `other`, in standard errors of both; None without value or error.

    Of complex numbers it is the part that deviates more; a part that equals the other up to rounding does not deviate.
    """
    if value is None or error is None:
        return None
    off, ours, theirs = complex(value) - other.value, complex(error), complex(other.error)
    parts = [(off.real, math.hypot(ours.real, theirs.real))]
    if isinstance(value, complex) or isinstance(other.value, complex):
        parts.append((off.imag, math.hypot(ours.imag, theirs.imag)))
        parts = [part for part in parts if abs(part[0]) > ROUNDING * abs(other.value)] or [(0.0, 1.0)]
    if any(width == 0 for _, width in parts):
        return None
    return max((distance / width for distance, width in parts), key=abs)
