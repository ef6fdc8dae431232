"""Reports as JSON, CSV or a table, each made from the mapping that the JSON form shows."""

import csv
import io
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqcli.cli._numbers import NOTHING, parenthesis, parts, short
from sqcli.text import assignments, cell, json_printable, printable

Row = Mapping[str, Any]
PAIRED = (
    "value",
    "error",
    "between_chains_error",
    "reference",
)  # columns that may be complex: in CSV each has an imaginary one beside it
HEADS = {"tau_int": "τ_int", "tau_int_trajectories": "τ_int (updates)", "tau_exp": "τ_exp", "ess": "ESS", "rhat": "R̂"}
_NAME = ("observable", "component")
_TAU = ("tau_int", "tau_int_error")
MEASURE = (*_NAME, "value", "error", *_TAU, "ess", "rhat", "error_method", "between_chains_error", "weighted", "flags")
AUTOCORR = (*_NAME, *_TAU, "tau_int_trajectories", "window", "s", "tau_exp", "ess", "rhat", "rho", "rho_error", "flags")
VERIFY = (*_NAME, "value", "error", "reference", "z", "passed", "reason", "flags")


def plain(value: Any) -> Any:
    """Convert `value` to types of JSON: no NaN or infinity (null), complex numbers as re and im, arrays as lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, complex):
        return {"re": plain(value.real), "im": plain(value.imag)}
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def as_json(value: Any) -> str:
    """Write `value` as one JSON document."""
    return json_printable(json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=1))


def as_csv(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """Write one line per row under fixed columns; numbers in full precision, nothing as an empty cell.

    A column `options` stands before the component where there are options that are not the default.
    """
    rows = list(rows)
    if any(row.get("options") for row in rows):
        columns = [each for name in columns for each in (("options", name) if name == "component" else (name,))]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([head for name in columns for head in ((name, f"{name}_im") if name in PAIRED else (name,))])
    for row in rows:
        writer.writerow([cell for name in columns for cell in _cells(name, plain(row.get(name)))])
    return text.getvalue().rstrip("\n")


def _cells(name: str, value: Any) -> Sequence[Any]:
    if name in PAIRED:
        return parts(value)
    if isinstance(value, Mapping):
        value = assignments(value)
    return [cell(" ".join(map(str, value)) if isinstance(value, list) else value)]


def aligned(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a table whose columns are as wide as they need to be; control characters are shown as escapes."""
    table = [tuple(map(printable, row)) for row in (heads, *rows)]
    widths = [max(_width(row[i]) for row in table) for i in range(len(heads))]
    lines = ["  ".join(cell + " " * (w - _width(cell)) for cell, w in zip(row, widths, strict=True)) for row in table]
    return "\n".join([emphasis(lines[0].rstrip()), *(line.rstrip() for line in lines[1:])])


def _width(text: str) -> int:
    """Count the columns that a text takes on the screen; the hat of R̂ takes none."""
    return sum(character != "\u0302" for character in text)


def emphasis(text: str) -> str:
    """Make a text bold where stdout is a terminal, unless NO_COLOR is set."""
    terminal = sys.stdout is not None and sys.stdout.isatty()  # None where the caller closed it
    wanted = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[1m{text}\x1b[0m" if wanted else text


def _value(row: Row) -> str:
    return parenthesis(row.get("value"), row.get("error"))


def _tau(row: Row) -> str:
    return parenthesis(row.get("tau_int"), row.get("tau_int_error"))


def name_of(row: Row) -> str:
    """Name what a row estimates: `wilson_loop[2x2]`, `correlator(axis=0)[3]`."""
    component, options = row.get("component"), row.get("options")
    said = f"({assignments(options)})" if options else ""
    return str(row.get("observable")) + said + ("" if component is None else f"[{component}]")


def _flags(row: Row) -> str:
    return " ".join(row.get("flags") or ()) or NOTHING


def _verdict(row: Row) -> str:
    return {True: "ok", False: "FAILED"}.get(row.get("passed"), "undecided")  # type: ignore[arg-type]


SHOWN: dict[str, Callable[[Row], str]] = {"observable": name_of, "value": _value, "tau_int": _tau, "flags": _flags}
SHOWN["passed"] = _verdict
HIDDEN = {"between_chains_error", "component", "error", "tau_int_error", "rho", "rho_error", "s", "weighted"}


def as_table(rows: Iterable[Row], columns: Sequence[str]) -> str:
    """Write one aligned line per row, errors in parentheses."""
    rows = [dict(row, **{k: plain(v) for k, v in row.items() if k != "flags"}) for row in rows]
    names = [name for name in columns if name not in HIDDEN and (not rows or any(name in row for row in rows))]
    cells = [[SHOWN[name](row) if name in SHOWN else short(row.get(name)) for name in names] for row in rows]
    return aligned([HEADS.get(name, name) for name in names], cells)


def explain_flags(rows: Iterable[Row], meanings: Mapping[str, str]) -> list[str]:
    """Write one line per flag that occurs in the rows, with its meaning."""
    raised = sorted({flag for row in rows for flag in row.get("flags") or ()})
    return [f"{flag}: {meanings[flag]}" if flag in meanings else flag for flag in raised]


def render(rows: Sequence[Row], columns: Sequence[str], envelope: Row, form: str) -> str:
    """Render a report as `form`: "table", "json" or "csv"."""
    if form == "json":
        return as_json(envelope)
    return as_csv(rows, columns) if form == "csv" else as_table(rows, columns)
