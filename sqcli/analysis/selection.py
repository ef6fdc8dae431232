"""The observables a user asked for by name, as instances that fit the ensemble."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqcli import parameters, registry
from sqcli.analysis.ensemble import Opened
from sqcli.errors import UsageError
from sqcli.observables import Observable

FOLDER = "observables"


def observable(name: str, options: Mapping[str, Any] | None = None) -> Observable:
    """The observable `name` with those of `options` that it has."""
    cls = registry.load(FOLDER, name)
    known = parameters.fields(cls)
    mine = {key: value for key, value in (options or {}).items() if key in known}
    built: Observable = parameters.build(cls, mine, f"observable {name}")
    return built


def choose(opened: Opened, names: Sequence[str], options: Mapping[str, Any]) -> dict[str, Observable]:
    """Name -> observable, in the order asked for.

    Raises:
        UsageError: an unknown name, an option that none of them has, one that the ensemble cannot give.
    """
    chosen = {registry.resolve(FOLDER, name): observable(name, options) for name in names}
    if not chosen:
        raise UsageError(f"no observable is asked for; there are: {', '.join(registry.names(FOLDER))}")
    for option in options:
        if not any(option in parameters.fields(type(instance)) for instance in chosen.values()):
            raise UsageError(f"none of {', '.join(chosen)} has the option {option!r}")
    for name, instance in chosen.items():
        if not opened.available(instance):
            raise UsageError(_unavailable(opened, name, instance))
    return chosen


def _unavailable(opened: Opened, name: str, instance: Observable) -> str:
    fitting = ", ".join(other for other in registry.names(FOLDER) if opened.available(observable(other)))
    if not instance.fits(opened.field, opened.lattice):
        return f"{name} does not exist for theory {opened.model.name} on {opened.lattice}; what does: {fitting}"
    missing = " and ".join(need for need in instance.needs if need.startswith("sample_stats/")).replace("|", " or ")
    return f"{name} needs {missing}, which this ensemble does not record; what it can give: {fitting}"
