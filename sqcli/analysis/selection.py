"""Observables that a user asks for by name and options, as instances that fit the ensemble."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqcli import parameters, registry
from sqcli.analysis.ensemble import MeasuredEnsemble
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.observables import COMPLEX, LatticeTheory, Observable, name_of, options_of, series_key
from sqcli.registry import suggestion
from sqcli.text import assignments

FOLDER = "observables"


def observable(name: str, options: Mapping[str, Any] | None = None) -> Observable:
    """Build the observable `name` with `options`, by public name.

    Raises:
        UsageError: an unknown name, or an option that it does not have or that cannot be so.
    """
    _require_options([name], options or {})
    built: Observable = parameters.build(registry.load(FOLDER, name), options or {}, f"observable {name}")
    return built


def choose(opened: MeasuredEnsemble, names: Sequence[str], options: Mapping[str, Any]) -> dict[str, Observable]:
    """Build the observables asked for, by name, each with those of `options` that it has.

    Raises:
        UsageError: an unknown name, an option that none of them has, one that the ensemble cannot give.
    """
    found = list(dict.fromkeys(registry.resolve(FOLDER, name) for name in names))
    if not found:
        raise UsageError(f"no observable is asked for; there are: {', '.join(registry.names(FOLDER))}")
    chosen = with_options(found, options)
    for name, instance in chosen.items():
        if not opened.available(instance):
            raise UsageError(_unavailable(opened, name, instance))
    return chosen


def with_options(names: Sequence[str], options: Mapping[str, Any]) -> dict[str, Observable]:
    """Build the observables `names`, each with those of `options` that it has.

    Raises:
        UsageError: an unknown name, an option that none of them has, a value that cannot be so.
    """
    _require_options(names, options)
    return {name: observable(name, {o: options[o] for o in _options(name) if o in options}) for name in names}


def sources(instance: Observable, theory: LatticeTheory) -> list[tuple[str, Observable | None]]:
    """Series that `instance` is made of for `theory`, in the order of `made_of`.

    Returns:
        The name of each in the ensemble ("observables/correlator.axis-0", "sample_stats/delta_h"), and the observable
        that computes it, with its options; None for what the run recorded.
    """
    found: list[tuple[str, Observable | None]] = []
    for need in instance.made_of(theory):
        group, _, name = need.partition("/")
        computes = _computing(instance, name) if group == FOLDER else None
        found.append((need if computes is None else f"{FOLDER}/{series_key(computes)}", computes))
    return found


def _computing(instance: Observable, name: str) -> Observable:
    if name == name_of(instance):
        return instance
    known = _options(name)
    return observable(name, {option: value for option, value in instance.handed_on().items() if option in known})


def components_for(instance: Observable, theory: Any, lattice: Lattice) -> tuple[str | None, ...]:
    """Names of what is estimated for the loaded `theory` on `lattice`: (None,) for one number, () where it has none."""
    described = LatticeTheory.of(theory, lattice)
    if not instance.fits(theory.manifold.field, described):
        return ()
    return instance.components(described) or (None,)


def _options(name: str) -> tuple[str, ...]:
    return tuple(parameters.fields(registry.load(FOLDER, name)))


def _require_options(names: Sequence[str], options: Iterable[str]) -> None:
    """Refuse an option that none of the observables `names` has, and say which options each has."""
    known = {name: _options(name) for name in names}
    every = [option for each in known.values() for option in each]
    for option in options:
        if option not in every:
            listed = "; ".join(f"{name} has {', '.join(each) or 'no options'}" for name, each in known.items())
            raise UsageError(f"no such option of an observable: {option!r}{suggestion(option, every)}; {listed}")


def _unavailable(opened: MeasuredEnsemble, name: str, instance: Observable) -> str:
    fitting = ", ".join(other for other in registry.names(FOLDER) if opened.available(observable(other)))
    if opened.field == COMPLEX and not instance.holomorphic:
        reason = "is no analytic function of the field, and complex Langevin says nothing of it"
        return f"{name} {reason}; what there is: {fitting}"
    if not instance.fits(opened.field, opened.theory):
        options, where = options_of(instance), f"does not exist for theory {opened.theory.name} on {opened.lattice}"
        return f"{name} with {assignments(options)} {where}" if options else f"{name} {where}; what does: {fitting}"
    missing = " and ".join(need for need in instance.needs if need.startswith("sample_stats/")).replace("|", " or ")
    return f"{name} needs {missing}, which this ensemble does not record; what it can give: {fitting}"
