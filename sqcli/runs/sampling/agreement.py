"""Run that a request to `sample` describes, and its agreement with the ensemble that is there."""

from collections.abc import Mapping
from secrets import randbits
from typing import Any

from sqcli import registry
from sqcli.diffusion.models.design import lattice_of
from sqcli.diffusion.models.files import read_document
from sqcli.errors import SqcliError, UsageError
from sqcli.mcmc import parse, split
from sqcli.runs.execution.agreement import compare, difference, require_given
from sqcli.runs.sampling.request import SampleRequest
from sqcli.runs.sampling.spec import FOLDER, INDEPENDENCE, NONE, SampleSpec

NOT_THERE = "{0} is not interleaved; add --interleave {0}"
WARMUP = 64  # proposals that are discarded first, where they are accepted or rejected


def new_spec(request: SampleRequest, document: Mapping[str, Any] | None = None) -> SampleSpec:
    """Build the run that `request` describes by itself, of its model or of one that `document` describes.

    Raises:
        UsageError: the method or the number of draws is missing, or options do not fit together.
        SqcliError: there is no such model.
    """
    require_given(request)
    document = read_document(request.model) if document is None else document
    chained = request.accept == INDEPENDENCE
    if not chained and (request.interleave or request.warmup or request.move):
        raise UsageError("--interleave, --move and --warmup are for --accept independence; add that, or leave them out")
    moves = parse(request.interleave, "--interleave")
    own, theirs = split(request.method_parameters, [name for name, _ in moves], NOT_THERE)
    try:
        theory, trained = str(document["theory"]), dict(document["parameters"])
        identity, lattice = str(document["identity"]), lattice_of(document["lattice"]).extents
    except (KeyError, TypeError, ValueError):
        raise SqcliError(f"{request.model}: model.yaml does not name a theory, a lattice and an identity") from None
    spec = SampleSpec.build(
        theory=theory,
        parameters=trained | dict(request.parameters),
        lattice=request.lattice or lattice,
        method=str(request.method),
        method_parameters=own,
        interleave=[{"algorithm": name, "updates": n, "parameters": theirs[name]} for name, n in moves],
        move=request.move,
        model=identity,
        accept=request.accept or NONE,
        chains=request.chains or 1,
        seed=randbits(63) if request.seed is None else request.seed,
        warmup=(WARMUP if request.warmup is None else request.warmup) if chained else 0,
    )
    _require_density(spec)
    return spec


def _require_density(spec: SampleSpec) -> None:
    """Raise UsageError where proposals need a density that the method does not give."""
    if spec.accept == NONE or spec.weighs:
        return
    if spec.complex_action:
        raise UsageError(f"--accept independence needs e^(-S) as a density, but the action of {spec.theory} is complex")
    able = [name for name in registry.names(FOLDER) if hasattr(registry.load(FOLDER, name), "log_density")]
    raise UsageError(
        f"--accept independence needs the density of proposals, which {spec.method} does not give"
        f"{' with these parameters' if spec.method in able else ''}; methods that do: {', '.join(able) or 'none'}"
    )


def require_agreement(request: SampleRequest, stored: SampleSpec) -> None:
    """Compare every option given with the ensemble's own.

    Raises:
        SqcliError: an option differs; names it, the stored and the given value.
        UsageError: an option is malformed whatever the ensemble is.
    """
    identity = str(read_document(request.model).get("identity"))
    if identity != stored.model:
        raise difference(request.path, f"the model's identity ({request.model})", stored.model[:12], identity[:12])
    given: dict[str, Any] = {name: getattr(request, name) for name in ("lattice", "chains", "seed", "warmup", "accept")}
    given["method"] = request.method and registry.resolve(FOLDER, request.method)
    for name, value in given.items():
        if value is not None and value != getattr(stored, name):
            raise difference(request.path, f"--{name}", getattr(stored, name), value)
    there = {move.name: move for move in stored.moves}
    moves = parse(request.interleave, "--interleave")
    if moves and moves != [(move.name, move.updates) for move in stored.moves]:
        said = ",".join(f"{move.name}:{move.updates}" for move in stored.moves) or "none"
        raise difference(request.path, "--interleave", said, ",".join(f"{name}:{n}" for name, n in moves))
    rungs = tuple(move.rungs for move in stored.partial_moves)
    if request.move and request.move != rungs:
        raise difference(
            request.path, "--move", *(",".join(map(str, each)) or "none" for each in (rungs, request.move))
        )
    own, theirs = split(request.method_parameters, list(there), NOT_THERE)
    compare(request.path, request.parameters, stored.theory_instance, "-p ", f"theory {stored.theory}")
    compare(request.path, own, stored.sampler, "-a ", f"method {stored.method}")
    for name, values in theirs.items():
        compare(request.path, values, there[name].algorithm, f"-a {name}.", f"algorithm {name}")
