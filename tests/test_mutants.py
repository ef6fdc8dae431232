"""Every mutant is caught; the unchanged program is not. Minutes: each compiles its kernels anew."""

import shutil

import pytest
from mutants import MUTANTS, ROOT, run, verdict

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_is_caught(mutant, tmp_path):
    assert verdict(mutant, tmp_path) == "caught"


def test_the_unchanged_program_passes(tmp_path):
    shutil.copytree(ROOT / "sqcli", tmp_path / "sqcli", ignore=shutil.ignore_patterns("__pycache__"))
    for test in sorted({mutant.test for mutant in MUTANTS}):
        done = run(test, tmp_path)
        assert done.returncode == 0, done.stdout
