"""Rows of a comparison: algorithms and samplers, each with its settings."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import randbits
from typing import Any

from sqcli import parameters as params
from sqcli import registry
from sqcli.comparison._pace import TooSlowError, require_pace
from sqcli.comparison._timing import Entrant
from sqcli.comparison.request import CompareRequest
from sqcli.diffusion.device import require_device
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.process.protocol import Process
from sqcli.errors import UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.runs.execution.streams import spawned
from sqcli.runs.generate import generate
from sqcli.runs.generation.agreement import new_spec
from sqcli.runs.generation.request import Request
from sqcli.runs.sample import sample
from sqcli.runs.sampling.agreement import new_spec as new_sample_spec
from sqcli.runs.sampling.request import SampleRequest
from sqcli.runs.sampling.spec import FOLDER, INDEPENDENCE
from sqcli.runs.sampling.tiles import tile_size
from sqcli.theories import SectorMoves, Theory

ALGORITHMS = ("hmc", "fahmc", "wolff", "smc")
OF_LINKS = ("hmc", "composite", "exact")
METHODS = ("path", "ode", "maala", "dpm", "sde")
METHODS_OF_LINKS = ("path", "maala")
ACCEPTED = ("path",)  # proposals of a Markov chain; other weighted draws are reweighted
TUNED = {"step_size": "auto"}
SWEEPS = "heatbath:1,overrelaxation:1"  # of the row `composite`; with moves between sectors where there are any
SECTORS = "topological_susceptibility"
UNIT = 64  # draws at once, where the algorithm does not care
MOST_BYTES = 2**30
MOST_DRAWS = 10**6
LONGEST = 60.0  # seconds for a tile by a sampler that nobody asked for by name


@dataclass(frozen=True)
class Arena:
    """Theory and lattice that all rows sample, with the model, and the seed that theirs are spawned from."""

    request: CompareRequest
    seed: int
    model: Model
    theory: Theory
    lattice: Lattice
    process: Process

    @classmethod
    def open(cls, request: CompareRequest) -> "Arena":
        """Load the model; raises UsageError when theory parameters and lattice do not fit it."""
        model = Model.load(request.model)
        name = model.theory_name
        values = params.to_mapping(model.theory) | dict(request.parameters)
        theory: Theory = params.build(registry.load("theories", name), values, f"theory {name}")
        lattice = Lattice(request.lattice) if request.lattice else model.lattice
        process = model.process(theory, lattice, require_device(request.device))
        seed = randbits(63) if request.seed is None else request.seed
        return cls(request, seed, model, theory, lattice, process)

    def entrants(self) -> tuple[list[Entrant], list[str]]:
        """Rows, and a sentence on each that is left out.

        Raises:
            UsageError: a row that was asked for or given parameters does not fit, or none does.
        """
        algorithms = [registry.resolve("mcmc", name) for name in self.request.algorithms]
        methods = [registry.resolve(FOLDER, name) for name in self.request.methods]
        named = bool(algorithms or methods)
        flat = self.theory.manifold.flat
        rows = dict.fromkeys(algorithms if named else ALGORITHMS if flat else OF_LINKS, self._algorithm)
        rows |= dict.fromkeys(methods if named else METHODS if flat else METHODS_OF_LINKS, self._method)
        settings, found, notes = _by_row(self.request.settings, rows), [], []
        for name, make in rows.items():
            try:
                found.append(make(name, settings[name], named))
            except (UsageError, TooSlowError) as error:
                if named or (settings[name] and isinstance(error, UsageError)):
                    raise
                notes.append(f"{name} is left out: {error}")
        if not found:
            raise UsageError(notes[0])
        return found, notes

    @property
    def sectors(self) -> bool:
        """Tell whether the theory has topological sectors, and a move between them, on the lattice."""
        if not isinstance(self.theory, SectorMoves):
            return False
        with contextlib.suppress(UsageError):
            self.theory.require_sectors(self.lattice)
            return True
        return False

    @property
    def observable(self) -> str:
        """Name of the observable that counts; where none was asked for, one that is slow."""
        usual = "abs_magnetization" if self.theory.manifold.flat else SECTORS if self.sectors else "plaquette"
        return registry.resolve("observables", self.request.observable or usual)

    @property
    def _most(self) -> int:
        components = self.theory.manifold.components(self.lattice)
        return min(MOST_DRAWS, MOST_BYTES // (8 * components * self.lattice.volume))

    def _algorithm(self, name: str, given: Mapping[str, Any], named: bool) -> Entrant:
        chains = self.request.threads
        known = params.fields(registry.load("mcmc", name))
        usual = TUNED | {"updates": SWEEPS + (",instanton:1" if self.sectors else "")}
        request = Request(
            path=self.request.model,
            theory=self.model.theory_name,
            lattice=self.lattice.extents,
            parameters=params.to_mapping(self.theory),
            algorithm=name,
            algorithm_parameters={key: value for key, value in usual.items() if key in known} | dict(given),
            chains=chains,
            draws=1,
            warmup=self.request.warmup,
            seed=spawned(self.seed, name),
            workers=self.request.workers,
            command_line=self.request.command_line,
        )
        unit = int(getattr(new_spec(request).algorithm_instance, "particles", UNIT))
        return Entrant(name, generate, request, chains, unit, max(2 * unit, self._most // chains), True)

    def _method(self, name: str, given: Mapping[str, Any], named: bool) -> Entrant:
        tile = tile_size(self.theory, self.lattice, params.build(registry.load(FOLDER, name), given, f"method {name}"))
        request = SampleRequest(
            model=self.request.model,
            path=self.request.model,
            method=name,
            method_parameters=given,
            parameters=params.to_mapping(self.theory),
            lattice=self.lattice.extents,
            chains=1,
            draws=1,
            accept=INDEPENDENCE if name in ACCEPTED else None,
            warmup=tile if name in ACCEPTED else None,
            seed=spawned(self.seed, name),
            workers=self.request.workers,
            device=self.request.device,
            command_line=self.request.command_line,
        )
        sampler = new_sample_spec(request).sampler
        sampler.check(self.process)
        if not named:
            require_pace(name, self.process, sampler, max(LONGEST, 6 * self.request.seconds))
        unit = tile * self.request.threads
        return Entrant(name, sample, request, 1, unit, max(2 * unit, self._most), False)


def _by_row(settings: Mapping[str, Any], rows: Mapping[str, Callable[..., Entrant]]) -> dict[str, dict[str, Any]]:
    """Sort `{"path.n_steps": 10}` into {"path": {"n_steps": 10}, …}; UsageError for a name that is no row's."""
    found: dict[str, dict[str, Any]] = {name: {} for name in rows}
    for key, value in settings.items():
        row, dot, name = key.partition(".")
        if not dot or row not in found:
            raise UsageError(f"-a takes ROW.NAME=VALUE with a row of {', '.join(rows)}, not {key}={value}")
        found[row][name] = value
    return found
