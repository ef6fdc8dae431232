"""A folder is a registry: the stem of a public file is the name users type.

`sqcli/theories/phi4.py` is the theory `phi4`, and its one public class is what `load` returns. Names and
one-line summaries are read from the files' text, so that help texts cost no import.
"""

import ast
import difflib
import importlib
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sqcli.errors import UsageError

ROOT = Path(__file__).parent
SINGULAR = {"theories": "theory"}


@cache
def names(folder: str) -> tuple[str, ...]:
    """The names in `folder` ("theories", "diffusion/samplers", …), sorted."""
    return tuple(sorted(path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("_")))


@cache
def _tree(folder: str, name: str) -> ast.Module:
    return ast.parse((ROOT / folder / f"{name}.py").read_text(encoding="utf-8"))


def summary(folder: str, name: str) -> str:
    """First line of the file's docstring."""
    return (ast.get_docstring(_tree(folder, name)) or "").partition("\n")[0]


def _assigned_aliases(folder: str, name: str) -> Iterator[str]:
    for node in _tree(folder, name).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "ALIASES" for t in node.targets):
            yield from ast.literal_eval(node.value)


@cache
def aliases(folder: str) -> dict[str, str]:
    """Other spellings: alias -> name, from the module constants `ALIASES = ("…",)`."""
    return {alias: name for name in names(folder) for alias in _assigned_aliases(folder, name)}


def resolve(folder: str, name: str) -> str:
    """The name behind `name` (itself or an alias).

    Raises:
        UsageError: with the closest and all allowed names.
    """
    if name in names(folder):
        return name
    if name in aliases(folder):
        return aliases(folder)[name]
    kind = folder.rpartition("/")[2]
    near = difflib.get_close_matches(name, names(folder), n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    raise UsageError(f"no {SINGULAR.get(kind, kind[:-1])} {name!r}{hint}; there are: {', '.join(names(folder))}")


def load(folder: str, name: str) -> type:
    """The one public class of the file behind `name`."""
    module = importlib.import_module(f"sqcli.{folder.replace('/', '.')}.{resolve(folder, name)}")
    classes = [
        value
        for key, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not key.startswith("_")
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__name__} must define exactly one public class, not {len(classes)}")
    return classes[0]
