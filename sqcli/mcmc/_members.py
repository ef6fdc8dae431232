"""Algorithms with numbers of updates, as one writes them: `hmc:2,wolff`, with parameters such as `hmc.step_size`."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqcli import parameters as params
from sqcli import registry
from sqcli.errors import UsageError
from sqcli.mcmc._base import Algorithm

FORM = re.compile(r"([a-z0-9_-]+)(?::([0-9]{1,6}))?")


@dataclass(frozen=True)
class Member:
    """Updates of one algorithm among those of others."""

    name: str
    algorithm: Algorithm
    updates: int

    @classmethod
    def build(cls, algorithm: str, updates: int, parameters: Mapping[str, Any]) -> Self:
        """Build a member from names and values; UsageError where they are not known."""
        name = registry.resolve("mcmc", algorithm)
        return cls(name, params.build(registry.load("mcmc", name), parameters, f"algorithm {name}"), int(updates))


def parse(texts: Sequence[str], option: str) -> list[tuple[str, int]]:
    """Read texts such as `["hmc:2,wolff"]` -> [("hmc", 2), ("wolff", 1)]; `option` names them in errors.

    Raises:
        UsageError: a text is malformed, an unknown algorithm, or one named twice.
    """
    found: list[tuple[str, int]] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        match = FORM.fullmatch(part)
        if not match or (match[2] is not None and int(match[2]) == 0):
            raise UsageError(f"{option} takes ALGORITHM:UPDATES such as hmc:2, not {part!r}")
        name = registry.resolve("mcmc", match[1])
        if name in dict(found):
            raise UsageError(f"{option} names {name} twice")
        found.append((name, int(match[2] or 1)))
    return found


def split(
    values: Mapping[str, Any], names: Sequence[str], otherwise: str
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Divide parameters into those without a dot and those of each of `names` (`hmc.step_size`).

    Raises:
        UsageError: parameters of another algorithm; `otherwise` with its name for `{}` says what to do.
    """
    own: dict[str, Any] = {}
    theirs: dict[str, dict[str, Any]] = {name: {} for name in names}
    for key, value in values.items():
        name, dot, rest = key.partition(".")
        if not dot:
            own[key] = value
        elif name in theirs:
            theirs[name][rest] = value
        else:
            raise UsageError(f"-a {key}: {otherwise.format(name)}")
    return own, theirs
