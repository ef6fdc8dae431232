"""The table of `compare` as text: one line per algorithm or sampler."""

from collections.abc import Mapping
from typing import Any

from sqcli.cli._numbers import NOTHING, parenthesis, short
from sqcli.cli.rendering import aligned, as_csv, as_json

COLUMNS = (
    "method", "exactness", "draws", "seconds", "draws_per_second", "acceptance", "tau_int", "tau_int_error",
    "weight_ess", "ess_per_second", "setup_seconds", "ess_per_second_all", "log_z", "log_z_error", "value", "error",
    "deviation", "flags",
)  # fmt: skip
HEADS = {
    "draws_per_second": "draws/s", "tau_int": "τ_int", "weight_ess": "weight ESS", "ess_per_second": "ESS/s",
    "setup_seconds": "set-up s", "ess_per_second_all": "ESS/s, all", "log_z": "log Z", "deviation": "σ",
}  # fmt: skip
PAIRED = {"tau_int": "tau_int_error", "log_z": "log_z_error", "value": "error"}


def render(envelope: Mapping[str, Any], form: str) -> str:
    """Render the comparison as `form`: "table", "json" or "csv"."""
    rows = envelope["rows"]
    if form == "json":
        return as_json(envelope)
    return as_csv(rows, COLUMNS) if form == "csv" else _table(envelope)


def _table(envelope: Mapping[str, Any]) -> str:
    """Write an aligned table, and below it the mean of the exact rows and the exact value."""
    names = [name for name in COLUMNS if name not in PAIRED.values()]
    heads = [HEADS.get(name, envelope["observable"] if name == "value" else name) for name in names]
    lines = [aligned(heads, [[_cell(row, name) for name in names] for row in envelope["rows"]])]
    mean, known = envelope["mean"], envelope["known"]
    if mean["value"] is not None:
        lines.append(f"mean of the exact rows: {parenthesis(mean['value'], mean['error'])}")
    if known is not None:
        lines.append(f"exactly: {known:.8g}")
    return "\n".join(lines)


def _cell(row: Mapping[str, Any], name: str) -> str:
    """Write the cell of a row in the column `name`."""
    value = row[name]
    if name in PAIRED:
        return parenthesis(value, row[PAIRED[name]])
    if name == "flags":
        return " ".join(value) or NOTHING
    if name == "deviation":
        return NOTHING if value is None else f"{value:+.1f}"
    return f"{value:.3g}" if isinstance(value, float) else short(value)
