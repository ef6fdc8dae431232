"""Model that a request to `train` describes, and its agreement with the model that is there."""

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from secrets import randbits
from typing import Any

from sqcli import parameters as params
from sqcli import registry
from sqcli.diffusion.models.design import FOLDERS, Choice, Design, lattice_of
from sqcli.diffusion.models.identity import identity_of
from sqcli.diffusion.models.settings import TrainingSettings
from sqcli.errors import DamageError, SqcliError, UsageError
from sqcli.lattice.complex_field import ComplexField
from sqcli.lattice.geometry import Lattice
from sqcli.runs.execution.agreement import difference, require_given
from sqcli.runs.execution.provenance import storable_parent
from sqcli.runs.training.data import Origin, couplings_that_differ
from sqcli.runs.training.request import DEFAULT_NETS, DEFAULTS, NET, OF_PAIRS, TrainRequest


def open_origins(request: TrainRequest, stored: Sequence[Mapping[str, Any]] = ()) -> list[Origin]:
    """Open the ensembles, with the draws to train on: those that `stored` parents name, or all there are now."""
    if not stored:
        return [Origin.open(path, request.skip or 0, request.max_draws) for path in request.ensembles]
    pairs = zip(request.ensembles, stored, strict=True)
    return [Origin.open(path, int(said["skip"]), int(said["draws"])) for path, said in pairs]


def new_document(request: TrainRequest, ranks: int, initial: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write the content of `model.yaml` for a training that has not begun.

    Raises:
        UsageError: something is missing or does not fit.
    """
    require_given(request)
    settings = TrainingSettings(**request.settings, ranks=ranks)
    origins = open_origins(request)
    design = design_for(request, [origin.theory for origin in origins], [origin.lattice for origin in origins])
    parents = [origin.parent() for origin in origins]
    if initial is not None:
        parents.append({"model": str(request.init), "identity": str(initial.get("identity"))})
    parents = [storable_parent(parent, request.path) for parent in parents]
    seed = randbits(63) if request.seed is None else request.seed
    stated = {**design.document(), "seed": seed, "training": params.to_mapping(settings), "parents": parents}
    return {
        "identity": identity_of(stated),
        **design.document(),
        "seed": seed,
        "normalisation": [],
        "parents": parents,
        "training": params.to_mapping(settings),
        "finished": False,
    }


def design_for(request: TrainRequest, theories: Sequence[Choice], lattices: Sequence[Lattice]) -> Design:
    """Design the model of `request` for ensembles of these theories on these lattices.

    Raises:
        UsageError: the parts do not fit together.
    """
    of_pairs = OF_PAIRS if isinstance(theories[0].value.manifold, ComplexField) else {}
    parts = {
        kind: Choice.build(kind, getattr(request, kind) or default, request.parameters_of(kind))
        for kind, default in (DEFAULTS | of_pairs).items()
        if kind != NET
    }
    names = couplings_that_differ([t.value for t in theories], [t.parameters for t in theories])
    if len({lattice.dimension for lattice in lattices}) > 1:
        raise UsageError("the ensembles differ in dimension; a model lives in one")
    design = Design(parts | {"theory": theories[0]}, lattices[0], names)
    named = request.net or of_pairs.get(NET)
    names_of_nets = DEFAULT_NETS if named is None else (named,)
    name = next((net for net in names_of_nets[:-1] if _serves(net, design)), names_of_nets[-1])
    net = Choice.build(NET, name, request.parameters_of(NET))
    design = replace(design, choices={NET: net, **design.choices})
    design.architecture.check(design.problem)
    return design


def _serves(net: str, design: Design) -> bool:
    """Tell whether a network can serve the theory and the lattice of the design."""
    found = replace(design, choices={NET: Choice.build(NET, net, {}), **design.choices})
    with contextlib.suppress(UsageError):
        found.architecture.check(found.problem)
        return True
    return False


def require_description(path: Path, stored: Mapping[str, Any]) -> None:
    """Raise DamageError where `model.yaml` does not describe a training of this sqcli."""
    try:
        Design.from_document(stored)
        settings_of(stored)
        whole = [
            stored["seed"],
            *(n for p in stored["parents"] if "ensemble" in p for n in (p["skip"], p["draws"], p["chains"])),
        ]
        if not all(type(number) is int and 0 <= number < 2**64 for number in whole):
            raise ValueError("seed, skip and draws must be whole numbers")
        texts = [stored["identity"], *(parent["identity"] for parent in stored["parents"])]
        if not stored["parents"] or not all(isinstance(text, str) for text in texts):
            raise ValueError("a model and its parents have identities")
        for parent in stored["parents"]:
            lattice_of(parent["lattice"] if "ensemble" in parent else [1])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, UsageError) as error:
        reason = str(error).partition("\n")[0]
        raise DamageError(f"{path}: model.yaml does not describe a training of this sqcli ({reason})") from None


def settings_of(stored: Mapping[str, Any]) -> TrainingSettings:
    """Read the settings that `model.yaml` states; what an earlier version did not state has its default."""
    own = {name: stored["training"][name] for name in params.fields(TrainingSettings) if name in stored["training"]}
    return params.build(TrainingSettings, own, "the training")


def require_agreement(request: TrainRequest, stored: Mapping[str, Any], ranks: int) -> None:
    """Compare every option given with what `model.yaml` says.

    Raises:
        SqcliError: an option differs; names it, the stored and the given value.
    """
    training = stored["training"]
    _require_parts(request, stored)
    for name, value in {**request.settings, "ranks": ranks}.items():
        public = name.replace("_", "-")
        _require(request, f"--{public}", training.get(public, training.get(name)), value)
    if request.seed is not None:
        _require(request, "--seed", stored["seed"], request.seed)
    parents = [parent for parent in stored["parents"] if "ensemble" in parent]
    _require(request, "the number of ensembles", len(parents), len(request.ensembles))
    for path, parent in zip(request.ensembles, parents, strict=True):
        origin = Origin.open(path, int(parent["skip"]), int(parent["draws"]))
        _require(request, f"the ensemble {path}", _short(parent["identity"]), _short(origin.identity))
        if origin.stop - origin.start < int(parent["draws"]):
            raise SqcliError(f"{path}: fewer draws than {request.path} was trained on ({parent['draws']})")
        if request.skip is not None:
            _require(request, "--skip", parent["skip"], request.skip)
        if request.max_draws is not None and request.max_draws < int(parent["draws"]):
            raise difference(request.path, "--max-draws", parent["draws"], request.max_draws)


def _require_parts(request: TrainRequest, stored: Mapping[str, Any]) -> None:
    """Compare net, schedule, objective and their parameters with those of the model."""
    for kind in DEFAULTS:
        given, name, values = getattr(request, kind), stored[kind], stored[f"{kind}_parameters"]
        if given is not None:
            _require(request, f"--{kind}", name, registry.resolve(FOLDERS[kind], given))
        wanted = Choice.build(kind, name, values | request.parameters_of(kind)).parameters
        for parameter in request.parameters_of(kind):
            _require(request, f"-a {kind}.{parameter}", values[parameter], wanted[parameter])


def _require(request: TrainRequest, what: str, stored: Any, given: Any) -> None:
    if stored != given:
        raise difference(request.path, what, stored, given)


def _short(name: object) -> str:
    return str(name)[:12]
