"""Registry of a folder: the stem of a public file is the name users type.

`sqcli/theories/phi4.py` is the theory `phi4`, and its one public class is what `load` returns. Names and
one-line summaries are read from the files' text, so that help texts cost no import.
"""

import ast
import difflib
import importlib
import inspect
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

from sqcli.errors import UsageError

ROOT = Path(__file__).parent
MAKERS = ("field", "option")  # functions that make fields
NOTHING = ("None", "()", "{}", "REQUIRED")  # defaults that say nothing of an option
SINGULAR = {"theories": "theory", "mcmc": "algorithm", "figures": "kind of plot"}


@cache
def names(folder: str) -> tuple[str, ...]:
    """List the names in `folder` ("theories", "diffusion/samplers", …), sorted."""
    return tuple(sorted(path.stem for path in (ROOT / folder).glob("*.py") if not path.stem.startswith("_")))


@cache
def _tree(folder: str, name: str) -> ast.Module:
    return ast.parse((ROOT / folder / f"{name}.py").read_text(encoding="utf-8"))


def summary(folder: str, name: str) -> str:
    """Read the first line of the docstring of the file behind `name`."""
    return (ast.get_docstring(_tree(folder, name)) or "").partition("\n")[0]


def _assigned_aliases(folder: str, name: str) -> Iterator[str]:
    for node in _tree(folder, name).body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "ALIASES" for t in node.targets):
            yield from ast.literal_eval(node.value)


@cache
def aliases(folder: str) -> dict[str, str]:
    """Map other spellings to names, from the module constants `ALIASES = ("…",)`."""
    return {alias: name for name in names(folder) for alias in _assigned_aliases(folder, name)}


def resolve(folder: str, name: str) -> str:
    """Resolve `name`, which may be an alias.

    Raises:
        UsageError: with the closest and all allowed names.
    """
    if name in names(folder):
        return name
    if name in aliases(folder):
        return aliases(folder)[name]
    kind = folder.rpartition("/")[2]
    hint = suggestion(name, (*names(folder), *aliases(folder)))
    raise UsageError(f"no {SINGULAR.get(kind, kind[:-1])} {name!r}{hint}; there are: {', '.join(names(folder))}")


def suggestion(name: str, known: Sequence[str]) -> str:
    """Suggest a known name: ` (did you mean 'hmc'?)` for `HMC`, nothing where none is like it."""
    spellings = {other.lower().replace("_", "-"): other for other in reversed(known)}
    near = difflib.get_close_matches(name.lower().replace("_", "-"), spellings, n=1)
    return f" (did you mean {spellings[near[0]]!r}?)" if near else ""


def parameters(folder: str, name: str) -> dict[str, str | None]:
    """Map public parameter names to defaults as text, None where there is none, read from the file's text."""
    return dict(map(_public_field, _fields(folder, name)))


def declarations(folder: str, name: str) -> dict[str, tuple[str, str]]:
    """Map names of fields to what stands behind them in the file's text: their type, and their value or nothing."""
    return {
        ast.unparse(field.target): (ast.unparse(field.annotation), ast.unparse(field.value) if field.value else "")
        for field in _fields(folder, name)
    }


def _fields(folder: str, name: str) -> Iterable[ast.AnnAssign]:
    """Read the fields of the one public class of the file behind `name`."""
    tree = _tree(folder, name)
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and not node.name.startswith("_")]
    return _class_fields(tree, classes[0].name).values() if classes else ()


def _class_fields(tree: ast.Module, name: str) -> dict[str, ast.AnnAssign]:
    """Read the fields of the dataclass `name` of `tree`, those of its bases first, as dataclasses order them."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            bases = [_base_fields(tree, ast.unparse(base)) for base in reversed(node.bases)]
            return {key: field for part in (*bases, dict(_own_fields(node))) for key, field in part.items()}
    return {}


def _base_fields(tree: ast.Module, base: str) -> dict[str, ast.AnnAssign]:
    """Read the fields of the class written as `base` in `tree`: defined there, or imported from a file of ours."""
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    head, dot, rest = base.partition(".")
    module, _, name = (imported.get(head, "") + dot + rest).rpartition(".")
    return _class_fields(_source(module), name) if module.startswith("sqcli.") else _class_fields(tree, base)


@cache
def _source(module: str) -> ast.Module:
    path = ROOT.parent / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def _own_fields(node: ast.ClassDef) -> Iterator[tuple[str, ast.AnnAssign]]:
    for item in node.body:
        if not (isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)):
            continue
        if item.target.id.startswith("_") or "ClassVar" in ast.unparse(item.annotation):
            continue
        yield item.target.id, item


def _public_field(field: ast.AnnAssign) -> tuple[str, str | None]:
    """Read name and default of a field, looking into `field(default=…, metadata={"name": …})` and `option(…)`."""
    name, value = ast.unparse(field.target), field.value
    called = ast.unparse(value.func).rpartition(".")[2] if isinstance(value, ast.Call) else ""
    if not (isinstance(value, ast.Call) and called in MAKERS):
        return name, None if value is None else _text(value)
    said = {keyword.arg: keyword.value for keyword in value.keywords}
    if "metadata" in said:
        name = ast.literal_eval(said["metadata"]).get("name", name)
    if "flags" in said:
        name = ast.literal_eval(said["flags"])[-1].lstrip("-")
    default = said.get("default", said.get("default_factory"))
    text = None if default is None else _text(default)
    return name, None if called == "option" and text in NOTHING else text


def _text(node: ast.expr) -> str:
    return str(node.value) if isinstance(node, ast.Constant) else ast.unparse(node)


def load(folder: str, name: str) -> type:
    """Import the one public class of the file behind `name`."""
    module = importlib.import_module(f"sqcli.{folder.replace('/', '.')}.{resolve(folder, name)}")
    classes = [
        value
        for key, value in vars(module).items()
        if inspect.isclass(value) and value.__module__ == module.__name__ and not key.startswith("_")
    ]
    if len(classes) != 1:
        raise TypeError(f"{module.__name__} must define exactly one public class, not {len(classes)}")
    return classes[0]
