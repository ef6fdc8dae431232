"""Parsers of options: the value of a text, or one clear line that says why it has none."""

import re
from collections.abc import Callable, Sequence

import typer

from sqcli.errors import UsageError
from sqcli.registry import suggestion

LARGEST = 10**12  # largest count; more is a slip of the finger
MOST_SITES = 2**31
MOST_DIMENSIONS = 8
PAIR = re.compile(r"([A-Za-z_][A-Za-z0-9_.-]*)=(.*\S.*)", re.DOTALL)


def whole(least: int, most: int = LARGEST) -> Callable[[str], int]:
    """Make a parser of whole numbers between `least` and `most`; it raises BadParameter for other texts."""

    def parse(text: str | int) -> int:
        digits = str(text).strip()
        if not (digits.isascii() and digits.isdigit() and len(digits) < 40):
            raise typer.BadParameter(f"{text!r} is not a whole number of at least {least}")
        if not least <= int(digits) <= most:
            raise typer.BadParameter(f"{digits} does not lie between {least} and {most}")
        return int(digits)

    return parse


def real(least: float, above: bool = False, below: float | None = None) -> Callable[[str], float]:
    """Make a parser of finite numbers within bounds; it raises BadParameter for other texts.

    Args:
        least: smallest number.
        above: whether `least` itself is too small.
        below: a bound that is itself too large.
    """
    said = f"{'above' if above else 'of at least'} {least:g}" + (f" and below {below:g}" if below is not None else "")

    def parse(text: str | float) -> float:
        try:
            number = float(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a number") from None
        if not (least < number < (below or float("inf")) or (number == least and not above)):
            raise typer.BadParameter(f"{text} must be a finite number {said}")
        return number

    return parse


def one_of(*names: str) -> Callable[[str], str]:
    """Make a parser of one of `names`; it raises BadParameter for other texts."""

    def parse(text: str) -> str:
        if text not in names:
            raise typer.BadParameter(f"{text!r} is not one of {', '.join(names)}{suggestion(text, names)}")
        return text

    return parse


def observable(text: str) -> str:
    """Read the name of one observable; BadParameter where a component, or several names, are given."""
    name, bracket, _ = text.partition("[")
    if bracket:
        raise typer.BadParameter(f"{text!r}: {name} comes with all its components; write --obs {name}")
    if "," in text:
        raise typer.BadParameter(f"{text!r}: repeat the option: {' '.join(f'--obs {x}' for x in text.split(',') if x)}")
    return text


def window_length(text: str) -> str:
    """Read the length of a window, `auto` or a whole number of draws; BadParameter for other texts."""
    return text if text == "auto" else str(whole(1)(text))


def lattice(text: str) -> tuple[int, ...]:
    """Read the extents of a lattice, `32x32` -> (32, 32); UsageError where it is malformed or too large."""
    parts = text.split("x")
    if not all(part.isascii() and part.isdigit() and 0 < len(part) < 12 for part in parts):
        raise UsageError(f"--lattice must look like 32x32 or 16x16x16x32, not {text!r}")
    extents, volume = tuple(map(int, parts)), 1
    for extent in extents:
        volume *= extent
    if volume == 0:
        raise UsageError(f"--lattice {text}: an extent must be at least 1")
    if volume > MOST_SITES or len(extents) > MOST_DIMENSIONS:
        raise UsageError(f"--lattice {text}: at most {MOST_SITES} sites in {MOST_DIMENSIONS} dimensions")
    return extents


def numbers(text: str) -> tuple[float, ...]:
    """Read numbers of at least 0, `0.1,0.5` -> (0.1, 0.5); BadParameter for other texts."""
    return tuple(map(real(0), text.split(",")))


def counts(text: str) -> tuple[int, ...]:
    """Read whole numbers of at least 1, `4,8` -> (4, 8); BadParameter for other texts."""
    return tuple(map(whole(1), text.split(",")))


def chain_range(text: str) -> tuple[int, int]:
    """Read a range of chains, `4:8` -> (4, 8), the chains 4, 5, 6, 7; UsageError for other texts."""
    match = re.fullmatch(r"([0-9]{1,12}):([0-9]{1,12})", text)
    if not match or int(match[1]) >= int(match[2]):
        raise UsageError(f"--chain-range must be a:b with a < b (chains a … b-1), not {text!r}")
    return int(match[1]), int(match[2])


def pairs(option: str, texts: Sequence[str] | None) -> dict[str, str]:
    """Read pairs, `["kappa=0.2", …]` -> {"kappa": "0.2"}; UsageError where one is malformed or contradicts another."""
    values: dict[str, str] = {}
    for text in texts or ():
        match = PAIR.fullmatch(text)
        if not match:
            raise UsageError(f"{option} takes NAME=VALUE, not {text!r}")
        name, value = match[1], match[2].strip()
        if values.setdefault(name, value) != value:
            raise UsageError(f"{option} {name} is given twice: {values[name]} and {value}")
    return values


def sizes(text: str) -> str:
    """Check the extents of loops, `1x1,2x2`, which the observable reads; UsageError where they are malformed."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}x[1-9][0-9]{0,5}(,[1-9][0-9]{0,5}x[1-9][0-9]{0,5})*", text):
        raise UsageError(f"--sizes must look like 1x1,2x2, not {text!r}")
    return text
