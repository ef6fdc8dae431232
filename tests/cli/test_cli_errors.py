"""What a user sees when something is wrong: an exit code and one line."""

import os
import subprocess
import sys

import pytest

from sqcli import errors

SQCLI = [sys.executable, "-m", "sqcli"]


def raising(error):
    def function(*_, **__):
        raise error

    return function


USAGE = [
    ([], "Missing command"),
    (["nonsense"], "no command 'nonsense'"),
    (["mesure", "e"], "did you mean 'measure'?"),
    (["--nonsense"], "--nonsense"),
    (["list"], "Missing argument"),
    (["list", "nonsense"], "'nonsense' is not one of theories"),
    (["list", "nets", "--format", "xml"], "'xml' is not one of table, json"),
    (["show"], "ENS"),
    (["show", "a", "b"], "b"),
    (["measure", "e"], "--obs"),
    (["measure", "e", "--obs", "binder", "--skip", "-1"], "'-1' is not a whole number"),
    (["measure", "e", "--obs", "binder", "--stride", "0"], "0 does not lie between 1 and"),
    (["measure", "e", "--obs", "binder", "--sizes", "2x"], "--sizes must look like 1x1,2x2"),
    (["autocorr", "e", "--obs", "binder", "--s", "zero"], "'zero' is not a number"),
    (["autocorr", "e", "--obs", "binder", "--s", "nan"], "finite"),
    (["autocorr", "e", "--obs", "binder", "--window", "0"], "between 1 and"),
    (["generate", "e", "-p", "kappa"], "-p takes NAME=VALUE, not 'kappa'"),
    (["generate", "e", "-p", "k=1", "-p", "k=2"], "-p k is given twice: 1 and 2"),
    (["generate", "e", "-a", "=1"], "-a takes NAME=VALUE, not '=1'"),
    (["generate", "e", "--lattice", "8x"], "--lattice must look like 32x32"),
    (["generate", "e", "--lattice", "65536x65536"], "at most"),
    (["generate", "e", "--chains", "0"], "0 does not lie between 1 and"),
    (["generate", "e", "--draws", "1e3"], "'1e3' is not a whole number"),
    (["generate", "e", "--seed", str(2**64)], "does not lie between 0 and"),
    (["generate", "e", "--dtype", "f8"], "'f8' is not one of float64, float32"),
    (["generate", "e", "--time-limit", "soon"], "--time-limit must look like"),
    (["generate", "e", "--time-limit", "auto"], "SLURM_JOB_ID is not set"),
    (["generate", "e", "--chain-range", "2:1"], "--chain-range must be a:b"),
    (["generate"], "ENS"),
    (["export", "e"], "OUT"),
    (["export", "e", "o", "--format", "xls"], "'xls' is not one of"),
    (["run"], "RECIPE"),
    (
        ["generate", "e", "--theory", "phi4", "--lattice", "4", "--algorithm", "HMC"],
        "no algorithm 'HMC' (did you mean 'hmc'?)",
    ),
    (["generate", "e", "-p", "kappa", "0.2"], "-p kappa 0.2: write -p kappa=0.2"),
    (["generate", "e", "-a", "n_steps", "5"], "-a n_steps 5: write -a n_steps=5"),
    (["train", "e", "--out", "m", "-a", "channels", "-3"], "-a channels -3: write -a channels=-3"),
    (["measure", "e", "--obs", "a,b"], "repeat the option: --obs a --obs b"),
    (["autocorr", "e", "--obs", "a,b"], "repeat the option: --obs a --obs b"),
    (["measure", "e", "--obs", "correlator[3]"], "write --obs correlator"),
    (["measure", "", "--obs", "binder"], "an argument is empty"),
    (["measure", "e", "--obs", ""], "an argument is empty"),
    (["export", "e", ""], "an argument is empty"),
    (["list", "algorithm"], "did you mean 'algorithms'?"),
    (["plot", "e", "--kind", "Rho"], "did you mean 'rho'?"),
    (["measure", "e", "--ob", "binder"], "--obs"),
    (["generate", "e", "--thory", "phi4"], "--theory"),
    (["run", "r", "--set", "x"], "--set takes NAME=VALUE"),
]


@pytest.mark.parametrize(("arguments", "expected"), USAGE)
def test_wrong_usage_is_a_usage_line_and_one_line(arguments, expected, sq, monkeypatch):
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    monkeypatch.delenv("SLURM_JOB_END_TIME", raising=False)
    result = sq(*arguments)
    usage, line = result.err.splitlines()
    assert (result.code, result.out) == (2, "")
    assert usage.startswith("usage: sqcli")
    assert line.startswith("sqcli: ")
    assert expected in line


@pytest.mark.parametrize("arguments", [["mesure"], ["generate", "e", "-p", "kappa"], ["list", "nets", "--format", "x"]])
def test_the_same_from_the_shell(arguments):
    done = subprocess.run([*SQCLI, *arguments], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 2)


FAILURES = [
    (errors.SqcliError("e: no such thing"), 1, "sqcli: e: no such thing\n"),
    (errors.DamageError("e: broken"), 1, "sqcli: e: broken\n"),
    (errors.BusyError("e: busy"), 1, "sqcli: e: busy\n"),
    (errors.SqcliError("two\nlines\x1b[0m"), 1, "sqcli: two lines\\x1b[0m\n"),
    (errors.Stopped("stopped; run again"), 75, "sqcli: stopped; run again\n"),
    (KeyboardInterrupt(), 75, "sqcli: interrupted; run the same command again\n"),
    (FileNotFoundError(2, "No such file", "/x"), 1, "sqcli: /x: No such file\n"),
    (OSError("odd"), 1, "sqcli: odd\n"),
    (MemoryError(), 1, "sqcli: out of memory; take a smaller lattice, fewer chains or a larger machine\n"),
    (RuntimeError("oh"), 1, "sqcli: internal error: RuntimeError: oh; run with --debug for the traceback\n"),
    (RecursionError("deep"), 1, "sqcli: internal error: RecursionError: deep; run with --debug for the traceback\n"),
    (
        RuntimeError("can't start new thread"),
        1,
        "sqcli: the system lets no further thread start; take fewer --workers, or raise its limit (ulimit -u)\n",
    ),
    (
        ModuleNotFoundError("No module named 'torch'", name="torch"),
        1,
        f"sqcli: the package torch is missing here; install it: {sys.executable} -m pip install torch\n",
    ),
    (BrokenPipeError(32, "Broken pipe"), 0, ""),
]


@pytest.mark.parametrize(("error", "code", "text"), FAILURES)
def test_exit_codes_of_exceptions(error, code, text, sq, fake):
    fake("sqcli.runs.show", summary=raising(error))
    result = sq("show", "e")
    assert (result.code, result.out, result.err) == (code, "", text)


@pytest.mark.parametrize("arguments", [["--debug", "show", "e"], ["show", "e", "--debug"]])
def test_debug_shows_the_traceback(arguments, sq, fake):
    fake("sqcli.runs.show", summary=raising(RuntimeError("oh")))
    result = sq(*arguments)
    assert result.code == 1
    assert "Traceback" in result.err


@pytest.mark.parametrize("arguments", [["--quiet", "show", "e"], ["show", "e", "--quiet"]])
def test_quiet_still_tells_errors(arguments, sq, fake):
    fake("sqcli.runs.show", summary=raising(errors.SqcliError("no")))
    assert sq(*arguments).err == "sqcli: no\n"
    fake("sqcli.runs.show", summary=raising(errors.Stopped("stopped")))
    assert sq(*arguments).err == ""


@pytest.mark.parametrize("arguments", [["--verbose", "list", "nets"], ["list", "nets", "--verbose"]])
def test_verbose_tells_the_cost(arguments, sq):
    assert sq(*arguments).err.startswith("sqcli: used ")
    assert sq(*arguments, "--quiet").err == ""


def test_warnings_are_one_line_each(sq, fake):
    def summary(path):
        import warnings

        warnings.simplefilter("always")
        warnings.warn("careful", stacklevel=1)
        return {"draws": [1], "target_draws": 1, "bytes": 2048, "provenance": {}}

    fake("sqcli.runs.show", summary=summary)
    result = sq("show", "e")
    assert (result.code, result.err) == (0, "sqcli: warning: careful\n")


def test_a_reader_that_goes_away_is_no_fault():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*SQCLI, "list", "algorithms"], stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_stderr_changes_no_exit_code():
    done = subprocess.run(
        f"exec {sys.executable} -m sqcli nonsense 2>&-", shell=True, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(("redirection", "code"), [(">&-", 0), (">/dev/full", 1), (">&- 2>&-", 0)])
def test_a_stdout_that_takes_nothing(redirection, code):
    line = f"exec {sys.executable} -m sqcli list algorithms {redirection}"
    done = subprocess.run(line, shell=True, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr == ("sqcli: No space left on device\n" if code else "")
