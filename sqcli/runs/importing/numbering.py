"""Numbers in the names of files, `cfg.0010`, `cfg.0020`, …: the order that they mean, and the gaps in it."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

NUMBER = re.compile(r"(.*?)([0-9]{1,18})(\D*)", re.DOTALL)
ENDING = re.compile(r"\.[A-Za-z]\w*")


def number_in(path: Path) -> tuple[tuple[str, str], int] | None:
    """Find the last number in a file's name, endings such as `.h5` left out, and the text around it; None: none."""
    name = path.name
    while (dot := name.rfind(".")) > 0 and ENDING.fullmatch(name[dot:]):
        name = name[:dot]
    head = NUMBER.fullmatch(name)
    return ((head[1], head[3]), int(head[2])) if head else None


def numbers_of(paths: Sequence[Path]) -> tuple[int, ...] | None:
    """Return the numbers of several files of one stream, whose names differ in them alone; None: they are no stream."""
    found = [number_in(path) for path in paths]
    around = {each[0] for each in found if each}
    if len(paths) < 2 or None in found or len(around) != 1:
        return None
    return tuple(each[1] for each in found if each)


def streams_of(paths: Sequence[Path], join: str) -> list[list[int]]:
    """Group files by what makes their chains, as their places in `paths`, in the order of the first of each group.

    With `join` "streams" these are the files of a folder whose names differ in their numbers alone; else all files
    are one group.
    """
    if join != "streams":
        return [list(range(len(paths)))]
    found: dict[tuple[Path, object], list[int]] = {}
    for index, path in enumerate(paths):
        number = number_in(path)
        found.setdefault((path.parent, number[0] if number else path.name), []).append(index)
    return list(found.values())


def gaps(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """List the neighbours between which numbers are missing, where they grow by steps that are otherwise equal."""
    steps = [b - a for a, b in pairwise(numbers)]
    if not steps or min(steps) < 1:
        return []
    return [(a, b) for a, b in pairwise(numbers) if b - a > min(steps)]


def warning(numbers: Sequence[int] | None) -> str | None:
    """Say what is odd about the numbers of files, in one line; None where nothing is."""
    if numbers is None:
        return None
    if any(b <= a for a, b in pairwise(numbers)):
        return "the files are taken in the order given, which is not that of the numbers in their names"
    found = gaps(numbers)
    if not found:
        return None
    first, last = found[0]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return (
        f"the numbering of the files has gaps (between {first} and {last}{more}), which the ensemble's attributes state"
    )
