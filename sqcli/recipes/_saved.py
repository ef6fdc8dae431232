"""Files of a recipe's table: `table.json`, and `table.csv`, where imaginary parts have columns of their own."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqcli.files import explained, replace_text
from sqcli.recipes._model import Recipe
from sqcli.text import assignments, cell

COLUMNS = (
    "of", "observable", "options", "component", "quantity", "value", "error",
    "published", "published_error", "published_source", "published_deviation",
    "reference", "reference_error", "reference_source", "reference_deviation", "flags",
)  # fmt: skip
FILES = ("table.json", "table.csv")
Entry = Mapping[str, Any]


def write(recipe: Recipe, entries: Sequence[Entry], folder: Path) -> list[Path]:
    """Write `table.json` and `table.csv` into `folder`, and return their paths.

    Raises:
        SqcliError: they cannot be written.
    """
    head = {"recipe": recipe.name, "description": recipe.description, "source": recipe.source}
    files = [folder / name for name in FILES]
    text = json.dumps({**head, "rows": list(entries)}, ensure_ascii=False, allow_nan=False, indent=1)
    with explained(folder):
        replace_text(files[0], text + "\n")
        replace_text(files[1], _csv(entries))
    return files


def _csv(entries: Sequence[Entry]) -> str:
    """Write one line per entry, under those of `COLUMNS` that are needed."""
    lines = [dict(_cells(entry)) for entry in entries]
    names = [name for column in COLUMNS for name in (column, f"{column}_im")
             if name in COLUMNS[:2] + COLUMNS[3:] or any(name in line for line in lines)]  # fmt: skip
    table = io.StringIO()
    writer = csv.DictWriter(table, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return table.getvalue()


def _cells(entry: Entry) -> Iterator[tuple[str, Any]]:
    """Yield the cells of an entry by column; those of a complex number are two."""
    flat = {**entry, "flags": " ".join(entry["flags"])}
    if "options" in entry:
        flat["options"] = assignments(entry["options"])
    for name, value in flat.items():
        if isinstance(value, Mapping):
            yield name, value["re"]
            yield f"{name}_im", value["im"]
        else:
            yield name, cell(value)
