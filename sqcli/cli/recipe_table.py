"""The table a recipe ends with, as text: published, ours, reference, and the deviations in σ."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqcli.cli._numbers import NOTHING, parenthesis
from sqcli.cli.rendering import aligned, name_of
from sqcli.text import printable

HEADS = ("quantity", "ensemble", "published", "ours", "σ", "reference", "σ", "flags")


def comparison(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the aligned table, and below it the sources of published and reference values."""
    lines = [aligned(HEADS, [_cells(row) for row in rows])]
    for name in ("published", "reference"):
        sources = dict.fromkeys(row[f"{name}_source"] for row in rows if row[f"{name}_source"])
        lines += [printable(f"{name}: {source}") for source in sources]
    return "\n".join(lines)


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Write the cells of a row, in the order of `HEADS`."""
    name = name_of(row)
    return (
        name if row["quantity"] == "value" else f"{row['quantity']}({name})",
        row["of"],
        _known(row, "published"),
        parenthesis(row["value"], row["error"]),
        _sigmas(row["published_deviation"]),
        _known(row, "reference"),
        _sigmas(row["reference_deviation"]),
        " ".join(row["flags"]) or NOTHING,
    )


def _known(row: Mapping[str, Any], name: str) -> str:
    return parenthesis(row[name], row[f"{name}_error"] or None)


def _sigmas(deviation: float | None) -> str:
    return NOTHING if deviation is None else f"{deviation:+.1f}"
