"""An ensemble opened to be measured: its committed draws, and the theory that they are of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqcli import registry, store
from sqcli.errors import DamageError, SqcliError, UsageError
from sqcli.exactness import status_of
from sqcli.lattice.geometry import Lattice
from sqcli.observables import LatticeTheory, Observable

LOG_WEIGHT = "log_weight"


@dataclass(frozen=True)
class MeasuredEnsemble:
    """An ensemble with its theory on its lattice; nothing compiled is loaded yet."""

    ensemble: store.Ensemble
    theory: LatticeTheory

    @property
    def lattice(self) -> Lattice:
        """Lattice on which the field lives."""
        return self.theory.lattice

    @property
    def field(self) -> str:
        """Name of the field."""
        return self.ensemble.layout.field

    @property
    def weighted(self) -> bool:
        """Whether the draws count with their log weights."""
        return carries_weights(self.ensemble)

    @property
    def exactness(self) -> str | None:
        """Exactness of the draws: exact, asymptotic, weighted or uncorrected."""
        return status_of(self.ensemble.attrs)

    def statistic(self, need: str) -> str | None:
        """Recorded statistic behind "sample_stats/a" or "sample_stats/a|b" (the first there is); None: none."""
        names = need.partition("/")[2].split("|")
        return next((name for name in names if name in self.ensemble.stat_names), None)

    def available(self, observable: Observable) -> bool:
        """Whether the observable exists for this field and its statistics were recorded."""
        found = all(self.statistic(need) for need in observable.needs if need.startswith("sample_stats/"))
        return found and observable.fits(self.field, self.theory)

    def head(self) -> dict[str, Any]:
        """Head of every report; `draws` counts those of the shortest chain that has begun."""
        return {
            "ensemble": str(self.ensemble.path),
            "theory": self.theory.name,
            "parameters": dict(self.theory.parameters),
            "lattice": list(self.lattice.extents),
            "chains": self.ensemble.chains,
            "draws": min(int(n) for n in self.ensemble.draws if n),
        }


def carries_weights(ensemble: store.Ensemble) -> bool:
    """Whether the draws count with weights, as the ensemble says of itself.

    Raises:
        DamageError: they do, and the weights are gone.
    """
    weighted = status_of(ensemble.attrs) == "weighted"
    if weighted and LOG_WEIGHT not in ensemble.stat_names:
        raise DamageError(
            f"{ensemble.path}: its draws carry weights, but sample_stats/{LOG_WEIGHT} is missing; "
            "without them it is no sample of the theory: sample again"
        )
    return weighted


def require_draws(ensemble: store.Ensemble, skip: int) -> None:
    """Raise SqcliError where a chain that has begun would be left without a draw."""
    chain, draws = min(((c, int(n)) for c, n in enumerate(ensemble.draws) if n), key=lambda pair: pair[1])
    if skip >= draws:
        raise SqcliError(
            f"{ensemble.path}: --skip {skip} leaves no draw of chain {chain}, which has {draws}; skip fewer"
        )


def open_for_measuring(path: str | Path, skip: int = 0) -> MeasuredEnsemble:
    """Open an ensemble of which `skip` draws of each chain are to be left out.

    Raises:
        SqcliError: no readable ensemble, nothing committed yet or left, or attributes that do not name a theory.
        DamageError: weighted draws without their weights.
    """
    ensemble = store.open_ensemble(path)
    carries_weights(ensemble)
    if not ensemble.draws.any():
        raise SqcliError(f"{path}: no draw is committed yet; generate some, or wait for the run's first commit")
    require_draws(ensemble, skip)
    attrs = ensemble.attrs
    try:
        name = registry.resolve("theories", str(attrs["theory"]))
        theory = LatticeTheory(name, dict(attrs["parameters"]), Lattice(tuple(int(n) for n in attrs["lattice"])))
    except (KeyError, TypeError, ValueError, UsageError) as error:
        raise SqcliError(f"{path}: its attributes do not describe a theory on a lattice: {error}") from None
    return MeasuredEnsemble(ensemble, theory)
