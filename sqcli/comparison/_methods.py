"""The rows of a comparison: algorithms and samplers with settings under which each is at home."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqcli import parameters as params
from sqcli import registry
from sqcli.comparison._timing import Entrant
from sqcli.comparison.request import CompareRequest
from sqcli.diffusion.device import require_device
from sqcli.diffusion.models.model import Model
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.noise import Noise
from sqcli.diffusion.samplers import Sampler
from sqcli.errors import SqcliError, UsageError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.philox import Stream
from sqcli.runs.generate import generate
from sqcli.runs.generation import agreement as generating
from sqcli.runs.generation.request import Request
from sqcli.runs.sample import sample
from sqcli.runs.sampling import agreement as sampling
from sqcli.runs.sampling.request import SampleRequest
from sqcli.runs.sampling.spec import FOLDER, INDEPENDENCE
from sqcli.runs.sampling.tiles import tile_size
from sqcli.theories import Theory

ALGORITHMS = ("hmc", "fahmc", "wolff", "smc")
METHODS = ("path", "ode", "maala", "dpm", "sde")
ACCEPTED = ("path",)  # proposals of a Markov chain; other weighted draws are reweighted
TUNED = {"step_size": "auto"}
UNIT = 64  # draws at once, where the algorithm does not care
MOST_BYTES = 2**30
MOST_DRAWS = 10**6
FEW, SOME = 3, 8  # steps and draws by which a sampler's pace is judged
LONGEST = 60.0  # seconds for a tile by a sampler that nobody asked for by name


@dataclass(frozen=True)
class Arena:
    """What is sampled: theory and lattice, with the model."""

    request: CompareRequest
    model: Model
    theory: Theory
    lattice: Lattice
    denoiser: Denoiser

    @classmethod
    def open(cls, request: CompareRequest) -> "Arena":
        """UsageError when model, theory parameters and lattice do not fit together."""
        model = Model.load(request.model)
        name = model.theory_name
        values = params.to_mapping(model.theory) | dict(request.parameters)
        theory: Theory = params.build(registry.load("theories", name), values, f"theory {name}")
        lattice = Lattice(request.lattice) if request.lattice else model.lattice
        denoiser = model.denoiser(theory, lattice, require_device(request.device))
        return cls(request, model, theory, lattice, denoiser)

    def entrants(self) -> tuple[list[Entrant], list[str]]:
        """The rows, and a sentence on each that is left out.

        Raises:
            UsageError: a row that was asked for or given parameters does not fit, or none does.
        """
        algorithms = [registry.resolve("mcmc", name) for name in self.request.algorithms]
        methods = [registry.resolve(FOLDER, name) for name in self.request.methods]
        named = bool(algorithms or methods)
        rows = dict.fromkeys(algorithms if named else ALGORITHMS, self._algorithm)
        rows |= dict.fromkeys(methods if named else METHODS, self._method)
        settings, found, notes = _by_row(self.request.settings, rows), [], []
        for name, make in rows.items():
            try:
                found.append(make(name, settings[name], named))
            except (UsageError, _TooSlowError) as error:
                if named or (settings[name] and isinstance(error, UsageError)):
                    raise
                notes.append(f"{name} is left out: {error}")
        if not found:
            raise UsageError(notes[0])
        return found, notes

    @property
    def _most(self) -> int:
        return min(MOST_DRAWS, MOST_BYTES // (8 * self.lattice.volume))

    def _algorithm(self, name: str, given: Mapping[str, Any], named: bool) -> Entrant:
        chains = self.request.threads
        known = params.fields(registry.load("mcmc", name))
        request = Request(
            path=self.request.model,
            theory=self.model.theory_name,
            lattice=self.lattice.extents,
            parameters=params.to_mapping(self.theory),
            algorithm=name,
            algorithm_parameters={key: value for key, value in TUNED.items() if key in known} | dict(given),
            chains=chains,
            draws=1,
            warmup=self.request.warmup,
            seed=self.request.seed,
            workers=self.request.workers,
            command_line=self.request.command_line,
        )
        unit = int(getattr(generating.new_spec(request).algorithm_instance, "particles", UNIT))
        return Entrant(name, generate, request, chains, unit, max(2 * unit, self._most // chains), True)

    def _method(self, name: str, given: Mapping[str, Any], named: bool) -> Entrant:
        tile = tile_size(self.lattice, params.build(registry.load(FOLDER, name), given, f"method {name}"))
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
            seed=self.request.seed,
            workers=self.request.workers,
            device=self.request.device,
            command_line=self.request.command_line,
        )
        sampler = sampling.new_spec(request).sampler
        sampler.check(self.denoiser)
        if not named:
            _require_pace(name, self.denoiser, sampler, max(LONGEST, 6 * self.request.seconds))
        unit = tile * self.request.threads
        return Entrant(name, sample, request, 1, unit, max(2 * unit, self._most), False)


class _TooSlowError(SqcliError):
    """A sampler that nobody asked for would take more time than all other rows."""


def _by_row(settings: Mapping[str, Any], rows: Mapping[str, Callable[..., Entrant]]) -> dict[str, dict[str, Any]]:
    """`{"path.n_steps": 10}` -> {"path": {"n_steps": 10}, …}; UsageError for what belongs to no row."""
    found: dict[str, dict[str, Any]] = {name: {} for name in rows}
    for key, value in settings.items():
        row, dot, name = key.partition(".")
        if not dot or row not in found:
            raise UsageError(f"-a takes ROW.NAME=VALUE with a row of {', '.join(rows)}, not {key}={value}")
        found[row][name] = value
    return found


def _require_pace(name: str, denoiser: Denoiser, sampler: Sampler, limit: float) -> None:
    """_TooSlowError where a tile, judged by a few steps for a few draws, takes longer than `limit` seconds."""
    import torch

    threads, wanted = torch.get_num_threads(), int(getattr(sampler, "n_steps", FEW))
    torch.set_num_threads(1)  # as workers do
    try:
        expected = _tile_seconds(denoiser, sampler, wanted)
    finally:
        torch.set_num_threads(threads)
    if expected > limit:
        raise _TooSlowError(f"a tile of draws takes about {expected:.0f} s or more; --method {name} insists")


def _tile_seconds(denoiser: Denoiser, sampler: Sampler, wanted: int) -> float:
    """Of a tile in `wanted` steps: linear in steps and in draws."""
    _seconds(denoiser, sampler, 1, 1)  # the first call is slower
    rows: dict[int, float] = {}
    for draws in (1, SOME):
        short, long = (_seconds(denoiser, sampler, steps, draws) for steps in (1, FEW))
        rows[draws] = short + max(0.0, long - short) * (wanted - 1) / (FEW - 1)
    return rows[1] + max(0.0, rows[SOME] - rows[1]) * (tile_size(denoiser.lattice, sampler) - 1) / (SOME - 1)


def _seconds(denoiser: Denoiser, sampler: Any, steps: int, draws: int) -> float:
    """For so many steps of so many draws."""
    if hasattr(sampler, "n_steps"):
        sampler = replace(sampler, n_steps=steps)
    site = denoiser.theory.manifold.site(denoiser.lattice)
    began = time.perf_counter()
    sampler.draw(denoiser, Noise(Stream(0, 0), range(draws), site, str(denoiser.device)))
    return time.perf_counter() - began
