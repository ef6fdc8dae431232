"""Show what an ensemble or a model is: theory, lattice, how it was made, how much is there, where it comes from."""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sqcli.cli.options import TableOrJson
from sqcli.cli.rendering import as_json
from sqcli.text import printable, size_in_words

Target = Annotated[
    Path, typer.Argument(metavar="ENS|MODEL", help="Directory of an ensemble or a model.", show_default=False)
]


def command(path: Target, form: TableOrJson = "table") -> None:
    """Print the summary."""
    from sqcli.runs.show import summary

    found = summary(path)
    typer.echo(as_json(found) if form == "json" else "\n".join(_lines(found)))


def _lines(found: Mapping[str, Any]) -> list[str]:
    """Write one line per fact, with the draws of all chains summed up in one."""
    shown = dict(found)
    if "draws" in shown:
        shown["draws"] = _draws(shown.pop("draws"), shown.pop("target_draws"))
    shown["imported"] = _files(shown.get("imported"))
    shown["size"] = size_in_words(shown.pop("bytes"))
    provenance = shown.pop("provenance", None)
    facts = {**shown, **(provenance if isinstance(provenance, Mapping) else {})}
    if isinstance(facts.get("command_line"), list):
        facts["command_line"] = shlex.join(map(str, facts["command_line"]))
    if isinstance(facts.get("exactness"), Mapping):
        facts["exactness"] = ": ".join(map(str, facts["exactness"].values()))
    texts = {name: _text(value) for name, value in facts.items() if value not in (None, {}, [], "")}
    return [printable(f"{name.replace('_', ' '):<20}  {text}") for name, text in texts.items()]


def _files(imported: Any, most: int = 8) -> list[str]:
    """List the first files of an imported ensemble, and count the others; nothing where there are none."""
    files = imported.get("files") if isinstance(imported, Mapping) else None
    names = [str(file.get("file")) for file in files if isinstance(file, Mapping)] if isinstance(files, list) else []
    return names[:most] + ([f"and {len(names) - most} more"] if len(names) > most else [])


def _draws(draws: list[int], target: Any) -> str:
    least, most = min(draws, default=0), max(draws, default=0)
    each = f"{least}" if least == most else f"{least} to {most}"
    state = "finished" if target is not None and least >= target else f"of {target} asked for"
    return f"{each} per chain, {state}"


def _text(value: Any) -> str:
    """Write a value in words: a mapping as `a = 1, b = 2`, extents as `3 x 2`."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} = {_text(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        separator = " x " if all(isinstance(item, int) for item in value) else ", "
        return separator.join(map(_text, value))
    return str(value)
