"""A theory, an algorithm, an observable, a figure are one new file each: seen in help, run, nothing else touched."""

import json

import numpy as np
import pytest
from plugins import program
from statistical import reported

from sqcli import open_ensemble

THEORY = '''"""Stiff: the free field again, with m² = 4 s."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.theories._scalar_fields import ScalarTheory


@dataclass(frozen=True)
class Stiff(ScalarTheory):
    """`stiffness` = s."""

    stiffness: float
    formula: ClassVar[str] = "S = 1/2 sum_x [ sum_mu (phi(x+mu) - phi(x))^2 + 4 stiffness phi(x)^2 ]"

    def terms(self, lattice):
        """(J, c2, c4)."""
        return 1.0, lattice.dimension + 2 * self.stiffness, 0.0
'''
ALGORITHM = '''"""Sign: flips the sign of the whole field in every update."""

from dataclasses import dataclass

import numpy as np

from sqcli.mcmc._base import Exactness, State, records, trace

ALIASES = ("flip",)


@dataclass(frozen=True)
class Sign:
    """`strength` multiplies the field as well."""

    strength: float = 1.0

    def check(self, system, warmup):
        """Always possible."""

    def exactness(self):
        """Not ergodic."""
        return Exactness("uncorrected", "for a test")

    def stats(self):
        """One number."""
        return ("size",)

    def init(self, system, field, warmup):
        """Nothing learnt."""
        return State(field, 0, np.zeros(0))

    def step(self, system, state, stream, updates, every, tune):
        """`updates` flips."""
        fields, stats = records(system, updates // every, 1)
        after = state.after(updates, state.field.copy())
        for update in range(1, updates + 1):
            after.field[...] *= -self.strength
            if update % every == 0:
                fields[update // every - 1] = after.field.reshape(-1)
        return after, trace(system, fields, self.stats(), stats)
'''
OBSERVABLE = '''"""Largest field: max_x |φ(x)|."""

from dataclasses import dataclass
from typing import ClassVar

from sqcli.observables._base import Observable, flat


@dataclass(frozen=True)
class Largest(Observable):
    """`scale` divides it."""

    scale: float = 1.0
    definition: ClassVar[str] = "max_x |phi(x)| / scale"
    needs: ClassVar[tuple[str, ...]] = ("observables/largest",)

    def series(self, fields, theory):
        """(n,)."""
        return abs(flat(fields)).max(axis=1) / self.scale
'''
FIGURE = '''"""Steps: the differences between neighbouring draws."""

from dataclasses import dataclass

import numpy as np

from sqcli.figures._base import EnsemblesFigure
from sqcli.figures._panels import real_per_draw
from sqcli.options import REQUIRED, option


@dataclass(frozen=True, kw_only=True)
class StepsFigure(EnsemblesFigure):
    """One panel."""

    lag: int = option("Draws between neighbours.", "N", default=REQUIRED, least=1)
    colours: tuple[str, ...] = option("Colours, in turn.", "C", default=("black",))
    width: float = 0.8

    def draw(self, figure, ensembles):
        """Draw the steps; the mean of their squares."""
        axes, lines = figure.add_subplot(), []
        for number, ensemble in enumerate(ensembles):
            values = real_per_draw(ensemble, self.quantity)[0]
            steps = values[self.lag :] - values[: -self.lag]
            axes.plot(steps, linewidth=self.width, color=self.colours[number % len(self.colours)])
            lines.append(f"{ensemble.label}: {np.mean(steps**2):.3f} at lag {self.lag} in {self.colours[0]}")
        return lines

    def __post_init__(self):
        if self.lag > 10**6:
            raise ValueError("lag is too long")
'''
FIGURE_RECIPE = """name: steps
description: for a test
source: none
steps:
  - {generate: a, theory: free, lattice: 4x4, parameters: {mass2: 1.0}, algorithm: exact, draws: 6, warmup: 0, seed: 1}
plots:
  - {plot: p, kind: steps, of: a, observable: action, lag: 2, colours: [green, red]}
"""


@pytest.fixture(scope="module")
def sq(tmp_path_factory):
    """sqcli from a copy of the package with four more files."""
    files = {
        "theories/stiff.py": THEORY,
        "mcmc/sign.py": ALGORITHM,
        "observables/largest.py": OBSERVABLE,
        "figures/steps.py": FIGURE,
    }
    return program(tmp_path_factory.mktemp("plugins"), files)


def test_new_files_are_listed_and_in_the_help(sq):
    assert "stiffness" in sq("list", "theories")
    assert "strength=1.0" in sq("list", "algorithms")
    assert "Largest field" in sq("list", "observables")
    text = sq("generate", "--help")
    assert "stiff" in text
    assert "strength" in text
    assert "Largest field" in sq("measure", "--help")
    assert "lag, colours=('black',), width=0.8" in sq("list", "figures")
    text = sq("plot", "--help")
    assert "--lag N" in text
    assert "differences between neighbouring draws" in text


def test_a_new_theory_runs_with_every_algorithm_that_fits(sq, tmp_path, judge):
    def sample(seed, size):
        path = tmp_path / str(size)
        sq("generate", path, "--theory", "stiff", "--lattice", "4x4", "-p", "stiffness=0.5", "--algorithm", "hmc",
           "-a", "step_size=0.3", "--chains", 4, "--draws", 400 * size, "--warmup", 50, "--seed", seed)  # fmt: skip
        measured = json.loads(sq("measure", path, "--obs", "action", "--obs", "largest", "--format", "json"))
        action, largest = measured["estimates"]
        assert largest["value"] > 0
        return reported(action, 0.5)  # equipartition

    judge.check(sample)


def test_a_new_algorithm_runs_on_an_old_theory(sq, tmp_path):
    path = tmp_path / "sign"
    sq("generate", path, "--theory", "phi4", "--lattice", "4x4", "-p", "kappa=0.2", "-p", "lambda=0.02",
       "--algorithm", "flip", "-a", "strength=0.5", "--draws", 5, "--warmup", 0, "--seed", 4)  # fmt: skip
    (row,) = json.loads(sq("measure", path, "--obs", "magnetization", "--format", "json"))["estimates"]
    assert "uncorrected" in row["flags"]
    draws = open_ensemble(path)["phi"][0]
    assert np.array_equal(draws[1:], -0.5 * draws[:-1])


RECIPE = """
name: scaled
description: one observable with three values of its option
source: exact
defaults: {theory: free, lattice: 4x4, parameters: {mass2: 1.0}, chains: 2, draws: 40}
steps: [{generate: a, algorithm: metropolis, seed: 1, warmup: 50}]
table:
  - {of: a, observable: largest}
  - {of: a, observable: largest, options: {scale: 2}}
  - {of: a, observable: largest, options: {scale: 4.0}, quantity: tau_int}
plots: [{plot: h, kind: overview, of: [a], observable: largest, options: {scale: 8}}]
"""


def test_the_options_of_a_new_observable_reach_reports_series_and_recipes(sq, tmp_path):
    recipe, results = tmp_path / "recipe.yaml", tmp_path / "results"
    recipe.write_text(RECIPE, encoding="utf-8")
    sq("run", recipe, "--out", results)
    rows = json.loads((results / "table.json").read_text(encoding="utf-8"))["rows"]
    assert rows[0]["value"] == pytest.approx(2 * rows[1]["value"])
    path = results / "ensembles" / "a"
    kept = sorted(folder.name for folder in (path / "observables").iterdir() if folder.is_dir())
    assert kept == ["largest", *(f"largest.scale-{scale}.0" for scale in (2, 4, 8))]
    assert (results / "h.png").stat().st_size > 1000
    for command, key in (("measure", "value"), ("autocorr", "tau_int")):
        given = (command, path, "--obs", "largest", "--obs", "action", "--format", "json")
        (plain, _), (scaled, action) = (
            json.loads(sq(*given, *more))["estimates"] for more in ((), ("-o", "scale=0.25"))
        )
        assert scaled["options"] == {"scale": 0.25}
        assert "options" not in plain | action
        if plain[key] is not None:
            assert scaled[key] == pytest.approx(plain[key] * (4 if key == "value" else 1))
    assert "largest.scale-0.25" in sq("export", path, tmp_path / "series.csv") + (tmp_path / "series.csv").read_text()
    sq("plot", path, "--obs", "largest", "-o", "scale=16", "--out", tmp_path / "x.svg")
    assert "scale=16" in (tmp_path / "x.svg").read_text(encoding="utf-8")
    sq("check", path)


def test_a_new_figure_is_drawn_by_command_and_recipe(sq, tmp_path):
    recipe = tmp_path / "steps.yaml"
    recipe.write_text(FIGURE_RECIPE, encoding="utf-8")
    wrong = sq("run", recipe, "--set", "plots.p.lag=2000000", "--out", tmp_path / "out", code=2)
    assert "plots.0: steps: lag is too long" in wrong
    said = sq("run", recipe, "--out", tmp_path / "out")
    assert "p: a: " in said
    assert "at lag 2 in green" in said
    assert (tmp_path / "out" / "p.png").stat().st_size > 1000
    ensemble, image = tmp_path / "out" / "ensembles" / "a", tmp_path / "x.svg"
    said = sq("plot", ensemble, "--kind", "steps", "--colours", "blue", "--lag", 3, "--out", image)
    assert "at lag 3 in blue" in said
    assert image.exists()
    assert "steps needs --lag" in sq("plot", ensemble, "--kind", "steps", code=2)
    assert "steps: lag is too long" in sq("plot", ensemble, "--kind", "steps", "--lag", 10**7, code=2)
    assert "--lag: history of an ensemble takes --obs, -o" in sq("plot", ensemble, "--lag", 1, code=2)
