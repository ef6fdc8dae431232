"""Damaged ensembles, models and recipes: one line or a right number, never a traceback, a hang or a trespass.

Every case copies sound files, harms one or two of them in a random way, and runs commands on the copy. What may happen:
a documented exit code with one line; or exit code 0 and the very numbers of the sound copy. Files outside the working
folder are compared byte for byte.
"""

import json
import os
import random
import shutil
import signal
from contextlib import contextmanager, suppress

import pytest

from sqcli.cli._main import run

PATIENCE, WORK = 10, 120  # seconds for one command, and for one that trains or samples where it may
CODES = {0, 1, 2, 3, 75}
MAKE = (
    "generate {w}/ens --theory phi4 --lattice 4x2 -p kappa=0.2 -p lambda=0.02 --algorithm hmc -a n_steps=2 --chains 2 "
    "--draws 40 --warmup 8 --seed 1",
    "generate {w}/part --theory phi4 --lattice 4x2 -p kappa=0.2 -p lambda=0.02 --algorithm hmc -a n_steps=2 --chains 2 "
    "--draws 40 --warmup 8 --seed 2 --chain-range 0:1",
    "measure {w}/ens --obs chi2 --obs action --obs acceptance",
    "train {w}/ens --out {w}/model --epochs 1 --batch-size 16 --seed 3 -a channels=4 -a blocks=1 --device cpu",
    "sample {w}/model {w}/drawn --method path -a n_steps=2 --draws 8 --seed 4 --device cpu --workers 1",
)
RECIPE = """name: damaged
description: A recipe to be damaged.
source: this test
defaults: {theory: free, lattice: 4x2, parameters: {mass2: 0.5}, chains: 2, draws: 8, warmup: 4, seed: 1}
steps:
  - {generate: one, algorithm: exact}
  - {generate: scan, algorithm: exact, scan: {mass2: [0.5, 1.0]}}
table:
  - {of: one, observable: chi2, reference: exact}
plots:
  - {plot: picture, kind: history, of: one, observable: action}
"""
MEASURE = "measure {w}/ens --obs chi2 --obs action --obs acceptance --format json --quiet"
COMMANDS = {
    "ens": (
        MEASURE,
        "check {w}/ens",
        "verify {w}/ens",
        "show {w}/ens",
        "autocorr {w}/ens --obs action --format json",
        "generate {w}/ens --extend 2",
        "export {w}/ens {w}/out.npz --force",
        "generate {w}/new --theory phi4 --lattice 4x2 -p kappa=0.2 -p lambda=0.02 --algorithm hmc -a n_steps=2 "
        "--draws 2 --warmup 8 --seed 1 --start {w}/ens",
        "train {w}/ens --out {w}/other --epochs 1 --batch-size 16 --seed 3 -a channels=4 -a blocks=1 --device cpu",
        "generate {w}/ens --theory free --lattice 4 -p mass2=1 --algorithm exact --draws 2 --force",
    ),
    "part": (
        "check {w}/part",
        "generate {w}/part --resume",
        "measure {w}/part --obs action",
        "export {w}/part {w}/x.npy",
    ),
    "drawn": (
        "measure {w}/drawn --obs action --obs log_z --format json",
        "check {w}/drawn",
        "sample {w}/model {w}/drawn --draws 10 --device cpu --workers 1",
        "export {w}/drawn {w}/x.csv",
    ),
    "model": (
        "show {w}/model",
        "sample {w}/model {w}/more --method dpm --draws 2 --seed 4 --device cpu --workers 1",
        "train {w}/ens --out {w}/model --device cpu",
        "check {w}/model",
    ),
    "recipe.yaml": ("run {w}/recipe.yaml --dry-run", "run {w}/recipe.yaml --out {w}/results"),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Everything once, undamaged."""
    folder = tmp_path_factory.mktemp("sound")
    for line in MAKE:
        assert run([*line.format(w=folder).split(), "--quiet"]) == 0
    (folder / "recipe.yaml").write_text(RECIPE)
    assert run(["run", str(folder / "recipe.yaml"), "--dry-run"]) == 0
    return folder


@contextmanager
def patience(seconds):
    """AssertionError where the block hangs."""

    def too_late(*_):
        raise AssertionError("it hangs")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def flip(file, clock, _):
    data = bytearray(file.read_bytes())
    for _ in range(clock.choice((1, 1, 1, 3))):
        data[clock.randrange(len(data))] ^= clock.choice((1, 2, 16, 128, 255))
    file.write_bytes(data)


def shorten(file, clock, _):
    os.truncate(file, clock.randrange(file.stat().st_size))


def lengthen(file, clock, _):
    file.write_bytes(file.read_bytes() + clock.randbytes(clock.choice((1, 8, 4096))))


def rubbish(file, clock, _):
    file.write_bytes(clock.choice((b"", b"{", b"[]", b"null", b"\0" * 64, b"{}", clock.randbytes(64), b"[" * 5000)))


def another(file, clock, _):
    """The content of some other file; chunks of one size are not told apart, their checksums know no place."""
    others = [f for f in file.parents[1].rglob("*") if f.is_file() and not f.is_symlink()]
    size = file.stat().st_size
    if contents := [data for f in others if len(data := f.read_bytes()) != size]:
        file.write_bytes(clock.choice(contents))


def digit(file, clock, _):
    """One digit of a text file changed."""
    data = bytearray(file.read_bytes())
    places = [i for i, byte in enumerate(data) if byte in b"0123456789"]
    if places:
        data[clock.choice(places)] = clock.choice(b"0123456789")
    file.write_bytes(data)


def value(file, clock, _):
    """One value of a JSON file replaced by one of another type."""
    with suppress(ValueError):
        document = json.loads(file.read_bytes())
        place = document
        while isinstance(place, dict) and place:
            key = clock.choice(sorted(place))
            if isinstance(place[key], dict) and place[key] and clock.random() < 0.8:
                place = place[key]
                continue
            place[key] = clock.choice((None, -1, 0, 10**30, 1e300, "x", [], {}, True, [[]], "\x1b[31m"))
            break
        file.write_text(json.dumps(document))


def remove(file, *_):
    file.unlink()


def folder(file, *_):
    file.unlink()
    file.mkdir()


def fifo(file, *_):
    file.unlink()
    os.mkfifo(file)


def device(file, *_):
    file.unlink()
    file.symlink_to("/dev/zero")


def huge(file, *_):
    os.truncate(file, 2**40)


def link(file, clock, outside):
    """A link to a file of somebody else's, where a file was."""
    file.unlink()
    file.symlink_to(clock.choice((outside / "precious", outside / "missing", outside)))


def hard_link(file, _, outside):
    file.unlink()
    os.link(outside / "precious", file)


def planted(file, clock, outside):
    """A link under a name that sqcli itself may write beside the file."""
    name = clock.choice((f"{file.name}.partial", "observables.lock", "extend.lock", "lock", "group-00000.lock"))
    with suppress(FileExistsError):
        (file.parent / name).symlink_to(outside / "precious")


def linked_folder(file, clock, outside):
    """The folder of the file moved out of the way, with a link to somebody else's in its place."""
    if file.parent.name not in ("ens", "part", "drawn", "model", "work"):
        shutil.rmtree(file.parent)
        file.parent.symlink_to(clock.choice((outside / "folder", outside)))


def unreadable(file, *_):
    file.chmod(0)


HARMS = (flip, flip, digit, value, shorten, lengthen, rubbish, another, remove, folder, fifo, device, huge)
HARMS += (link, hard_link, planted, linked_folder, unreadable)


def tree(folder):
    """Names, kinds and contents."""
    return {
        path.relative_to(folder): (path.lstat().st_mode, path.readlink() if path.is_symlink() else path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_symlink() or path.is_file()
    }


def numbers(text):
    """Estimates of a report, without what says where it is."""
    return [(row["observable"], row["component"], row["value"], row["error"]) for row in json.loads(text)["estimates"]]


def one_case(sound, place, number, capfd):
    """A copy, its damage, and what commands say."""
    clock = random.Random(number)
    work, outside = place / "work", place / "outside"
    shutil.copytree(sound, work)
    (outside / "folder").mkdir(parents=True)
    for name in ("precious", "folder/zarr.json", "folder/precious"):
        (outside / name).write_text("do not touch")
    target = clock.choice(list(COMMANDS))
    files = (
        [work / target] if (work / target).is_file() else sorted(f for f in (work / target).rglob("*") if f.is_file())
    )
    done = []
    for _ in range(clock.choice((1, 1, 2))):
        file, harm = clock.choice(files), clock.choice(HARMS)
        if file.is_file() and not file.is_symlink() and 0 < file.stat().st_size < 2**24:
            harm(file, clock, outside)
            done.append(f"{harm.__name__}({file.relative_to(work)})")
    before = tree(outside)
    lines = clock.sample(COMMANDS[target], min(3, len(COMMANDS[target])))
    for line in sorted(lines, key=lambda line: line != MEASURE):  # before the others may change the ensemble
        told = f"case {number}: {', '.join(done)}: {line}"
        capfd.readouterr()
        with patience(WORK if line.startswith(("train", "sample")) else PATIENCE):
            code = run(line.format(w=work).split())
        out, err = capfd.readouterr()
        assert code in CODES, told
        assert "internal error" not in err, f"{told}\n{err}"
        assert "Traceback" not in err, f"{told}\n{err}"
        assert tree(outside) == before, told
        assert code == 0 or err.count("\n") + out.count("\n") >= 1, told
        if line == MEASURE and code == 0:
            yield told, numbers(out)


def outcome(sound, place, cases, capfd):
    """Run the cases; the right numbers of the sound ensemble are compared with whatever was measured."""
    assert run(MEASURE.format(w=sound).split()) == 0
    right, wrong = numbers(capfd.readouterr().out), []
    for number in cases:
        folder = place / str(number)
        try:
            wrong += [told for told, found in one_case(sound, folder, number, capfd) if found != right]
        except AssertionError as error:
            wrong.append(str(error))
        shutil.rmtree(folder, ignore_errors=True)
    assert not wrong, "\n".join(wrong)


def test_damage_is_told(sound, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome(sound, tmp_path, range(60), capfd)


@pytest.mark.slow
def test_much_damage_is_told(sound, tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    outcome(sound, tmp_path, range(1000, 2200), capfd)
