"""What commands cost before they do anything: CPU time of whole processes, beside an interpreter that does nothing."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from _process import BARE, SQCLI, Cost, cost, medians

ROUNDS = 7
RUN = ("--theory", "phi4", "--lattice", "8x8", "-p", "kappa=0.27", "-p", "lambda=0.022", "--algorithm", "hmc")
RUN += ("-a", "step_size=0.1", "--warmup", "10", "--draws", "100", "--seed", "1")

GAUGE = ("--theory", "sun", "--lattice", "4x4x4x4", "-p", "n=3", "-p", "beta=5.5", "--algorithm", "hmc")
GAUGE += ("-a", "step_size=0.1", "--warmup", "100", "--draws", "1000", "--seed", "1")


@pytest.fixture(scope="module")
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished ensemble, |M| and its powers measured; the kernels' cache is warm from here on."""
    path = tmp_path_factory.mktemp("startup") / "finished"
    cost([*SQCLI, "generate", str(path), *RUN])
    cost([*SQCLI, "measure", str(path), "--obs", "binder"])
    return path


def report(benchmark: Any, what: str, run: Callable[[], Cost]) -> None:
    used, bare = medians(run, lambda: cost(BARE), ROUNDS)
    benchmark.extra_info.update(cpu_ms=1e3 * used.cpu, python_cpu_ms=1e3 * bare.cpu, peak_mib=used.peak)
    print(f"{what}: {1e3 * used.cpu:.0f} ms CPU, python -c pass {1e3 * bare.cpu:.0f} ms, peak {used.peak:.0f} MiB")  # noqa: T201
    benchmark.pedantic(run, rounds=1)


@pytest.mark.parametrize("arguments", [("--help",), ("list", "theories")], ids=" ".join)
def test_words(benchmark: Any, arguments: tuple[str, ...]) -> None:
    report(benchmark, " ".join(("sqcli", *arguments)), lambda: cost([*SQCLI, *arguments]))


def test_measure_on_the_stored_series(benchmark: Any, ensemble: Path) -> None:
    report(benchmark, "measure, stored series", lambda: cost([*SQCLI, "measure", str(ensemble), "--obs", "binder"]))


def test_generate_on_a_finished_ensemble(benchmark: Any, ensemble: Path) -> None:
    report(benchmark, "generate, finished", lambda: cost([*SQCLI, "generate", str(ensemble), *RUN]))


def test_generate_a_small_ensemble(benchmark: Any, ensemble: Path) -> None:
    """With kernels from the cache: 110 trajectories on 8×8."""
    report(benchmark, "generate, new", anew(ensemble.with_name("fresh"), RUN))


def test_generate_a_gauge_ensemble(benchmark: Any, tmp_path: Path) -> None:
    """1100 trajectories of 10 steps of SU(3) on 4⁴, of which 1000 are stored, with kernels from the cache."""
    run = anew(tmp_path / "fresh", GAUGE)
    run()
    report(benchmark, "generate, SU(3)", run)


def anew(path: Path, options: tuple[str, ...]) -> Callable[[], Cost]:
    """Make a function that generates an ensemble from nothing."""

    def run() -> Cost:
        shutil.rmtree(path, ignore_errors=True)
        return cost([*SQCLI, "generate", str(path), *options])

    return run
