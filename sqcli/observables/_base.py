"""What an observable is: numbers per draw, and a function of their means.

An observable names the series it needs: `observables/<name>`, which the file `<name>` computes from configurations and
which is kept in the ensemble, or `sample_stats/<name>`, which the algorithm left there. Several share one series:
χ₂, the Binder cumulant and ⟨|M|⟩ all follow from M.
"""

from abc import ABC
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sqcli import parameters, registry
from sqcli.lattice.geometry import Lattice
from sqcli.stats import Combine, apart

Array = NDArray[Any]
SCALARS = ("phi", "x", "z")
LINKS = ("theta", "u")
COMPLEX = "z"
EVERY = (*SCALARS, *LINKS)


@dataclass(frozen=True)
class LatticeTheory:
    """A theory with its parameters on a lattice.

    Name and parameters are there at once; the theory itself, which may come with compiled kernels, when it is asked
    for: most observables can do without it.
    """

    name: str
    parameters: Mapping[str, Any] = field(hash=False)
    lattice: Lattice

    @classmethod
    def of(cls, theory: Any, lattice: Lattice) -> "LatticeTheory":
        """Describe `theory`, which is loaded already, on `lattice`."""
        described = cls(type(theory).__module__.rpartition(".")[2], parameters.to_mapping(theory), lattice)
        described.__dict__["loaded"] = theory
        return described

    @cached_property
    def loaded(self) -> Any:
        """The theory itself."""
        return parameters.build(registry.load("theories", self.name), self.parameters, f"theory {self.name}")


@dataclass(frozen=True)
class Observable(ABC):
    """Base of all observables; their dataclass fields are options, each with a default.

    The series that an observable computes itself is kept apart for each choice of its options; those of other
    observables that it needs are computed with their defaults, save for the options that it hands on.

    Attributes:
        definition: the formula in one line, stored with the series.
        needs: the series it is made of, "observables/<name>", "sample_stats/<name>", or "sample_stats/<a>|<b>": a, or b
            where a was not recorded.
        statistic: of `sample_stats`, where that spares computing the kept series from configurations.
        on: names of the fields it exists for.
        holomorphic: it is made of analytic functions of the field, without |φ| or φ*: only then is its mean over
            complex Langevin dynamics that under e^{−S}.
        one_component: it takes fields of one number per site; others pool all the numbers.
        separable: component k is made of column k of the first series and of all of the others, so that some
            components can be estimated without the rest.
        odd_moments_vanish: ⟨φ⟩ = 0 is assumed; the user is told where it is not so.
        reweighted: it is an expectation value under e^{−S}, to which weighted draws contribute with their weights.
        undefined: flag of what is no finite number, where that has a meaning of its own.
        weights: the one of `needs` that holds log weights whose exponentials it averages itself, reweighted or not.
    """

    definition: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]
    statistic: ClassVar[str | None] = None
    on: ClassVar[tuple[str, ...]] = SCALARS
    holomorphic: ClassVar[bool] = True
    one_component: ClassVar[bool] = False
    separable: ClassVar[bool] = False
    odd_moments_vanish: ClassVar[bool] = False
    reweighted: ClassVar[bool] = True
    undefined: ClassVar[str | None] = None
    weights: ClassVar[str | None] = None

    def defined(self) -> str:
        """`definition` as these options make it."""
        return self.definition

    def fits(self, field: str, theory: LatticeTheory) -> bool:
        """Whether it exists, with these options, for the field `field` of `theory`."""
        if field not in self.on or (field == COMPLEX and not self.holomorphic):
            return False
        return not self.one_component or field != COMPLEX or theory.loaded.manifold.count == 1

    def made_of(self, theory: LatticeTheory) -> tuple[str, ...]:
        """Name the series it is made of for `theory`: `needs`, unless they depend on the theory."""
        return self.needs

    def handed_on(self) -> Mapping[str, Any]:
        """Options, by public name, for the others whose series it needs, where they have them."""
        return {}

    def components(self, theory: LatticeTheory) -> tuple[str, ...] | None:
        """Names of what is estimated; None for one number. Also those of the kept series, where it has its own."""
        return None

    def series(self, fields: Array, theory: LatticeTheory) -> Array:
        """Kept numbers of each draw: (n, *site) in double precision -> (n,) or (n, m); each draw by itself."""
        raise NotImplementedError

    def from_statistic(self, values: Array, theory: LatticeTheory) -> Array:
        """Kept numbers of each draw from the recorded `statistic`, (n,) -> (n,); what `series` gives."""
        return values

    def primaries(self, series: Sequence[Array]) -> Array:
        """Numbers per draw whose means enter: the series of `needs` -> (n,) or (n, p); each draw by itself."""
        return series[0]

    def joint(self, chains: Sequence[Sequence[Array]]) -> list[Array]:
        """`primaries` of all chains, laid end to end; for an observable that needs a scale common to them."""
        whole = self.primaries([np.concatenate(part) for part in zip(*chains, strict=True)])
        return apart(whole, [series[0] for series in chains])

    def function(self, theory: LatticeTheory) -> Combine | None:
        """Map of the means (p,) of the primaries to the estimates; None where they are the estimates."""
        return None


def flat(fields: Array) -> Array:
    """Fields (n, *site) as (n, degrees of freedom)."""
    return fields.reshape(len(fields), -1)


def powers(values: Array, *exponents: int) -> Array:
    """Columns values^e, (n, len(exponents))."""
    return np.stack([values**e for e in exponents], axis=1)
