"""A deterministic chain to write with, and processes to kill: what the tests of the store have in common."""

import contextlib
import json
import multiprocessing
import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np

from sqcli import store
from sqcli.errors import SqcliError
from sqcli.store._documents import replace_json

WARMUP = 5
MEAN = {"definition": "mean of φ", "code_version": "1"}
SQUARE = {"definition": "mean of φ²", "code_version": "1"}
STATS = {"accepted": "int8", "delta_h": "float64"}


def edit(path, file, *, sealed=True, **changes):
    """Change a metadata document as its writer would, with a checksum that holds, or without any."""
    document = json.loads((path / file).read_text())
    for key, value in changes.items():
        target = document if key in document else document["attributes"]
        if value is None:
            target.pop(key, None)
        else:
            target[key] = value
    replace_json(path / file, document, root=path, durable=False, sealed=sealed)


def unsealed(path):
    """The ensemble as it was made before metadata had checksums."""
    for file in path.rglob("zarr.json"):
        edit(path, file.relative_to(path), sealed=False, arrays=None)
    return path


class Toy:
    """φ → 0.9 φ + noise; its statistics follow from the same stream."""

    def __init__(self, chain, site):
        self.random = np.random.Generator(np.random.PCG64(chain))
        self.phi = np.zeros(site)

    def restore(self, phi, state):
        self.phi = phi.copy()
        self.random.bit_generator.state = json.loads(state)
        return self

    def state(self):
        return json.dumps(self.random.bit_generator.state).encode()

    def step(self):
        self.phi = 0.9 * self.phi + self.random.standard_normal(self.phi.shape)
        return self.phi, self.random.standard_normal()


def layout(chains=1, draws=24, site=(4, 4), group=1, stats=STATS):
    return store.Layout("phi", site, ("x", "y")[: len(site)], "float64", stats, chains, draws, group)


def reference(chain, draws, site):
    """The unbroken chain: φ (n, *site) and δH (n,)."""
    toy = Toy(chain, site)
    for _ in range(WARMUP):
        toy.step()
    steps = [toy.step() for _ in range(draws)]
    return np.array([phi for phi, _ in steps]).reshape(draws, *site), np.array([dh for _, dh in steps])


def run(path, group=0, block=4, durable=False, target=None):
    """Bring a chain group from wherever it stands to its target, committing blocks."""
    with store.Writer(path, group, durable=durable) as writer:
        toys = [Toy(chain, writer.layout.site) for chain in writer.chains]
        if writer.checkpoint is not None:
            for toy, phi, state in zip(toys, *writer.checkpoint, strict=True):
                toy.restore(phi, state)
        target = writer.layout.target_draws if target is None else target
        warmup = writer.warmup
        while warmup < WARMUP:
            for toy in toys:
                toy.step()
            warmup += 1
            commit(writer, toys, 0, warmup)
        while writer.draws < target:
            commit(writer, toys, min(block - writer.draws % block, target - writer.draws), warmup)


def commit(writer, toys, n, warmup):
    draws = np.empty((len(toys), n, *writer.layout.site))
    delta_h = np.empty((len(toys), n))
    for row, toy in enumerate(toys):
        for i in range(n):
            draws[row, i], delta_h[row, i] = toy.step()
    stats = {"accepted": (delta_h < 0.5).astype(np.int8), "delta_h": delta_h}
    fields = np.stack([toy.phi for toy in toys])
    writer.commit(draws, stats, fields, [toy.state() for toy in toys], warmup)


def assert_sound(path):
    """Every committed draw equals the unbroken chain's, `check` passes; the committed draws."""
    ensemble = store.open_ensemble(path)
    delta_h, accepted = ensemble.stat("delta_h"), ensemble.stat("accepted")
    for chain in range(ensemble.chains):
        phi, dh = reference(chain, ensemble.committed(chain), ensemble.layout.site)
        np.testing.assert_array_equal(ensemble.fields(chain), phi)
        np.testing.assert_array_equal(delta_h[chain], dh)
        np.testing.assert_array_equal(accepted[chain], dh < 0.5)
    assert store.check(path) == []
    return ensemble.draws


def build_and_run(path, *args, extend_to=None, **kwargs):
    """What a command does: create or open, run, perhaps extend and run on."""
    with contextlib.suppress(store.ExistsError):
        store.create(path, layout(draws=6, site=(2, 2)), {}, durable=False)
    run(path, *args, **kwargs)
    if extend_to is not None:
        store.extend(path, extend_to, durable=False)
        run(path, *args, **kwargs)


def series(path, power=1, start=0, stop=None):
    handle = store.open_ensemble(path)
    return [(handle.fields(c)[start:stop] ** power).mean(axis=(1, 2)) for c in range(handle.chains)]


def measure(path, *names):
    """Like a command: what is not yet kept of `names`, then of the series all share."""
    for name in (*names, "shared"):
        kept = store.read_observable(path, name)
        start = [len(x) for x in kept.values] if kept else [0] * store.open_ensemble(path).chains
        new = [x[n:] for x, n in zip(series(path), start, strict=True)]
        store.write_observable(path, name, new, start=start, attributes=MEAN, durable=False)


def measure_variously(path):
    """A series, another that makes the first one's array grow, and a redefinition."""
    short, power = series(path, stop=5), series(path, 2)
    store.write_observable(path, "a", short, attributes=MEAN, durable=False)
    store.write_observable(path, "b", power, attributes=SQUARE, durable=False)
    store.write_observable(path, "a", series(path, 2, stop=3), attributes=SQUARE, durable=False)
    store.write_observable(path, "a", series(path, 2, start=2), start=2, attributes=SQUARE, durable=False)


def limited_run(path, limit):
    """Run until a file would grow beyond `limit` bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    run(path, block=16)


def context():
    """Processes forked from a small server that has the imports done, so that hundreds of them cost little."""
    forkserver = multiprocessing.get_context("forkserver")
    forkserver.set_forkserver_preload(["sqcli.store"])
    return forkserver


def start(function, *args, **kwargs):
    process = context().Process(target=_quietly, args=(function, args, kwargs))
    process.start()
    return process


def _quietly(function, args, kwargs):
    """Exit code 1, no traceback, for the errors a user may meet."""
    try:
        function(*args, **kwargs)
    except SqcliError:
        sys.exit(1)


def finish(process, timeout=120):
    process.join(timeout)
    code = process.exitcode
    process.close()
    return code


def kill_before(mutation, base, function, *args, **kwargs):
    """Run `function`, dying by SIGKILL just before the given file system mutation below `base` (counted from 1).

    With mutation 0 nothing dies and the process exits with the number of mutations.
    """
    seen = 0

    def hook(event, arguments):
        nonlocal seen
        if not _mutates(event, arguments) or str(base) not in str(arguments[0]):
            return
        seen += 1
        if seen == mutation:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    function(*args, **kwargs)
    (Path(base) / "mutations").write_text(str(seen))


def _mutates(event, arguments):
    if event == "open":
        mode, flags = arguments[1], arguments[2] or 0
        return bool(set(str(mode or "")) & set("wax+")) or bool(flags & (os.O_WRONLY | os.O_RDWR))
    return event in ("os.rename", "os.mkdir", "os.remove", "os.truncate", "os.rmdir")
