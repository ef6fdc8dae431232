"""Whatever is typed, the exit code is a documented one and no traceback is shown."""

import shlex
import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sqcli import registry
from sqcli.cli._group import COMMANDS
from sqcli.cli._main import run

VALID = [
    "generate {e} --theory phi4 --lattice 4x2 -p kappa=0.2 -p lambda=0.02 --algorithm hmc -a n_steps=2 --chains 2 "
    "--draws 2 --warmup 2 --every 1 --start hot --seed 1 --dtype float64 --workers 1 --device cpu --quiet",
    "generate {e} --extend 1 --time-limit 1:00:00 --chain-range 0:1 --resume --force",
    "measure {e} --obs magnetization --obs wilson_loop --sizes 1x1,2x2 --skip 1 --stride 2 --format json",
    "autocorr {e} --obs action --window auto --s 1.5 --tau-exp 2 --format csv",
    "verify {e} --skip 0 --format table",
    "check {e}",
    "show {e} --format json",
    "list theories --format table",
    "export {e} {e}/../out --format npz --force",
    "import {e}/../in.npy {e}/../in --theory free -p mass2=1 --lattice 4x2 --dataset phi --join draws",
    "plot {e} --kind rho --obs action --out {e}/../plot.png",
    "run {recipe} --out {e}/../results --dry-run --set seed=1",
]
TOKENS = [*registry.names(COMMANDS), *(token for line in VALID for token in shlex.split(line) if token[0] == "-")]
WORDS = ["", "-", "--", "=", "-1", "0", "1e9", "nan", "kappa=", "=1", "kappa=x", "lambda=-1", "n_steps=0", "0x0", "7:3"]
WORDS += ["9" * 30, "\u0663", "a\nb", "\x1b[31m", "💥", "\udc80", "{", "/dev/null", "/proc/self/mem", "{e}", "{recipe}"]
FILES = ["", "{", "[]", "null", "a: [", "a: 1\n", "\x00", "!!python/object/apply:os.system [id]", '{"zarr_format": 3}']
FILES += ['{"zarr_format":3,"node_type":"group","attributes":{"format":"sqcli-ensemble","format_version":1}}']

KINDS = ["absent", "file", "folder", "sound", "damaged"]

words = st.one_of(st.sampled_from(WORDS), st.sampled_from(TOKENS), st.text(max_size=8), st.integers().map(str))


@st.composite
def lines(draw):
    """A valid command line with a few tokens replaced, doubled or dropped."""
    tokens = shlex.split(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(tokens)))
        kept = draw(st.integers(0, 1))
        tokens[at : at + 1 - kept] = draw(st.lists(words, max_size=2))
    return tokens


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A sound ensemble to copy."""
    path = tmp_path_factory.mktemp("template") / "e"
    assert run(VALID[0].format(e=path).split()) == 0
    assert run(["measure", str(path), "--obs", "action", "--quiet"]) == 0
    return path


def damage(ensemble, content):
    """Overwrite one of its files."""
    files = sorted(file for file in ensemble.rglob("*") if file.is_file())
    files[FILES.index(content) * len(files) // len(FILES)].write_text(content)


def accept(arguments, kind, content, directory, template, capfd):
    """Run one line beside an odd file or folder; assert what is promised."""
    ensemble, recipe = directory / "e", directory / "r.yaml"
    recipe.write_text(content)
    if kind == "file":
        ensemble.write_text(content)
    elif kind == "folder":
        ensemble.mkdir()
        (ensemble / "zarr.json").write_text(content)
    elif kind != "absent":
        shutil.copytree(template, ensemble)
        if kind == "damaged":
            damage(ensemble, content)
    filled = [text.replace("{e}", str(ensemble)).replace("{recipe}", str(recipe)) for text in arguments]
    capfd.readouterr()
    code = run(filled)
    out, err = capfd.readouterr()
    assert code in (0, 1, 2, 3, 75), (filled, code)
    assert "Traceback" not in out + err, filled
    assert "internal error" not in err, (filled, err)
    if code == 2:
        assert len(err.splitlines()) == 2, (filled, err)
    if code == 1:
        assert err.strip(), filled


def harmless(arguments):
    """No number large enough to keep this machine busy."""
    numbers = [int(text) for text in arguments if text.isascii() and text.isdigit() and len(text) < 40]
    return not any(10 < number < 10**12 for number in numbers)


def fuzz(examples):
    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
    )
    @given(lines().filter(harmless), st.sampled_from(KINDS), st.sampled_from(FILES))
    def check(tmp_path_factory, template, monkeypatch, capfd, arguments, kind, content):
        directory = tmp_path_factory.mktemp("fuzz")
        monkeypatch.chdir(directory)
        accept(arguments, kind, content, directory, template, capfd)

    return check


test_a_hundred_and_fifty_odd_lines = fuzz(150)
test_two_thousand_odd_lines = pytest.mark.slow(fuzz(2000))
