"""What the user asked for, what an ensemble already is, and whether the two agree."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from secrets import randbits
from typing import Any

from sqcli import parameters as params
from sqcli import registry
from sqcli.errors import SqcliError, UsageError
from sqcli.runs.generation.spec import RunSpec, Start

DEFAULTS: Mapping[str, Any] = {"chains": 1, "warmup": 500, "every": 1, "start": "hot", "dtype": "float64"}
# Everything in an ensemble that a later command may repeat but not change.
FIXED = ("theory", "lattice", "algorithm", "chains", "warmup", "every", "start", "seed", "dtype")


@dataclass(frozen=True)
class Request:
    """The options of `generate`; None means "as stored", or the default for a new ensemble."""

    path: Path
    theory: str | None = None
    lattice: tuple[int, ...] | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    algorithm: str | None = None
    algorithm_parameters: Mapping[str, Any] = field(default_factory=dict)
    chains: int | None = None
    draws: int | None = None
    warmup: int | None = None
    every: int | None = None
    start: str | None = None
    seed: int | None = None
    dtype: str | None = None
    workers: int | None = None
    device: str | None = None
    time_limit: float | None = None
    chain_range: tuple[int, int] | None = None
    resume: bool = False
    extend: int | None = None
    force: bool = False
    command_line: tuple[str, ...] = ()


def new_spec(request: Request) -> RunSpec:
    """The run that `request` describes by itself.

    Raises:
        UsageError: when theory, lattice, algorithm or the number of draws is missing, or a value is out of range.
    """
    needed = {"theory": request.theory, "lattice": request.lattice, "algorithm": request.algorithm}
    _require(request, needed)
    given = {name: getattr(request, name) for name in DEFAULTS}
    values = {name: default if given[name] is None else given[name] for name, default in DEFAULTS.items()}
    spec = RunSpec.build(
        theory=str(request.theory),
        parameters=request.parameters,
        lattice=request.lattice or (),
        algorithm=str(request.algorithm),
        algorithm_parameters=request.algorithm_parameters,
        seed=randbits(63) if request.seed is None else request.seed,
        **values | {"start": Start.parse(values["start"])},
    )
    _require(request, {"draws": request.draws})
    return spec


def _require(request: Request, needed: Mapping[str, Any]) -> None:
    missing = [f"--{name}" for name, value in needed.items() if value is None]
    if missing:
        raise UsageError(f"{request.path} does not exist; to create it, give {', '.join(missing)}")


def require_agreement(request: Request, stored: RunSpec) -> None:
    """Compare every option given with the ensemble's own.

    Raises:
        SqcliError: naming the option, the stored and the given value.
        UsageError: for an option that is malformed whatever the ensemble is.
    """
    given: dict[str, Any] = {name: getattr(request, name) for name in FIXED}
    given["theory"] = request.theory and registry.resolve("theories", request.theory)
    given["algorithm"] = request.algorithm and registry.resolve("mcmc", request.algorithm)
    for name, value in given.items():
        same = Start.parse(value).same(stored.start) if name == "start" and value else value == getattr(stored, name)
        if value is not None and not same:
            raise difference(request.path, f"--{name}", getattr(stored, name), value)
    compare(request.path, request.parameters, stored.theory_instance, "-p ", f"theory {stored.theory}")
    compare(
        request.path, request.algorithm_parameters, stored.algorithm_instance, "-a ", f"algorithm {stored.algorithm}"
    )


def compare(path: Path, given: Mapping[str, Any], stored: Any, option: str, what: str) -> None:
    """Parameters given against those of the frozen dataclass `stored`."""
    mapping = params.to_mapping(stored)
    rebuilt = params.to_mapping(params.build(type(stored), mapping | dict(given), what))
    for name in given:
        if rebuilt[name] != mapping[name]:
            raise difference(path, f"{option}{name}", mapping[name], rebuilt[name])


def difference(path: Path, option: str, stored: Any, given: Any) -> SqcliError:
    """What to raise when an option differs from the ensemble's own."""
    show: Callable[[Any], str] = lambda v: "x".join(map(str, v)) if isinstance(v, tuple) else str(v)  # noqa: E731
    return SqcliError(
        f"{path}: {option} is {show(stored)} there, not {show(given)}; "
        "leave the option out to go on, choose another path, or --force to erase it"
    )
