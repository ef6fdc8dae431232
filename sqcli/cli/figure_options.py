"""Options of all kinds of figures, read from the files' text: neither help nor parsing imports a figure."""

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_type_hints

from sqcli import registry
from sqcli.options import OPTION, REQUIRED, option

FOLDER = "figures"
NAMES = {"option": option, "REQUIRED": REQUIRED, "Mapping": Mapping, "Path": Path, "Any": Any}
Declared = tuple[str, Any, Any]


def all_options() -> type:
    """Make a dataclass of the options that figures have on the command line, those of many kinds first."""
    found: dict[str, list[Declared]] = {}
    for kind in registry.names(FOLDER):
        for declared in _declared(kind):
            found.setdefault(declared[0], []).append(declared)
    ordered = sorted(found.values(), key=lambda of_kinds: -len(of_kinds))
    return dataclasses.make_dataclass("FigureOptions", [same[0] for same in ordered], frozen=True, kw_only=True)


def _declared(kind: str) -> list[Declared]:
    """List name, type and field of each option of a kind; import its file where they need names of its own."""
    try:
        return list(_read(kind))
    except NameError:
        loaded = registry.load(FOLDER, kind)
        hints = get_type_hints(loaded)
        return [(field.name, hints[field.name], field) for field in dataclasses.fields(loaded) if _is_typed(field)]


def _read(kind: str) -> Iterator[Declared]:
    for name, (hint, value) in registry.declarations(FOLDER, kind).items():
        field = eval(value, NAMES) if value else None
        if _is_typed(field):
            yield name, eval(hint, NAMES), field


def _is_typed(field: Any) -> bool:
    """Tell whether a field is an option of the command line, not of recipes alone."""
    return isinstance(field, dataclasses.Field) and OPTION in field.metadata and field.metadata[OPTION].role != "recipe"
