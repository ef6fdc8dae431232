"""Run that a request to `generate` describes, and its agreement with the ensemble that is there."""

from collections.abc import Mapping
from secrets import randbits
from typing import Any

from sqcli import registry
from sqcli.runs.execution.agreement import compare, difference, require_given
from sqcli.runs.generation.request import Request
from sqcli.runs.generation.spec import RunSpec, Start

DEFAULTS: Mapping[str, Any] = {"chains": 1, "warmup": 500, "every": 1, "start": "hot", "dtype": "float64"}
# Everything in an ensemble that a later command may repeat but not change.
FIXED = ("theory", "lattice", "algorithm", "chains", "warmup", "every", "start", "seed", "dtype")


def new_spec(request: Request) -> RunSpec:
    """Build the run that `request` describes by itself.

    Raises:
        UsageError: theory, lattice, algorithm or the number of draws is missing, or a value is out of range.
    """
    for folder, name in (("theories", request.theory), ("mcmc", request.algorithm)):
        if name is not None:
            registry.resolve(folder, name)  # an unknown name is told before options that are left out
    require_given(request)
    given = {name: getattr(request, name) for name in DEFAULTS}
    values = {name: default if given[name] is None else given[name] for name, default in DEFAULTS.items()}
    return RunSpec.build(
        theory=str(request.theory),
        parameters=request.parameters,
        lattice=request.lattice or (),
        algorithm=str(request.algorithm),
        algorithm_parameters=request.algorithm_parameters,
        seed=randbits(63) if request.seed is None else request.seed,
        **values | {"start": Start.parse(values["start"])},
    )


def require_agreement(request: Request, stored: RunSpec) -> None:
    """Compare every option given with the ensemble's own.

    Raises:
        SqcliError: an option differs; names it, the stored and the given value.
        UsageError: an option is malformed whatever the ensemble is.
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
