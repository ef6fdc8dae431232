"""Configurations of every theory go out and come back; an independent reader reads what is written for other codes.

It follows the descriptions of the formats, byte by byte, and shares no code with the program.
"""

import json
import re
import struct
import threading
import zlib

import numpy as np
import pytest

from sqcli import open_ensemble
from sqcli.analysis.measure import measure
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.philox import Stream
from sqcli.runs.export import export
from sqcli.runs.generate import Request, generate
from sqcli.runs.import_ import ImportRequest, import_ensemble

THEORIES = [
    ("phi4", {"kappa": 0.2, "lambda": 0.1}, (4, 3), "field_squared"),
    ("phi4", {"kappa": 0.2, "lambda": 0.1}, (2, 3, 4), "field_squared"),
    ("free", {"mass2": 0.5}, (5,), "field_squared"),
    ("quartic", {"mu2": 1.0, "g": 1.0}, (1,), "moments"),
    ("u1", {"beta": 1.5}, (4, 3), "plaquette"),
    ("u1", {"beta": 1.0}, (2, 3, 2, 4), "plaquette"),
    ("un", {"n": 2, "beta": 2.0}, (3, 4), "plaquette"),
    ("sun", {"n": 2, "beta": 2.0}, (2, 3, 4), "plaquette"),
    ("sun", {"n": 3, "beta": 5.5}, (2, 3, 4, 5), "plaquette"),
]


def made(path, theory, parameters, extents, dtype="float64"):
    """Two chains of four draws."""
    request = Request(
        path, theory=theory, parameters=parameters, lattice=extents, algorithm="langevin", seed=3, chains=2, draws=4,
        algorithm_parameters={"step_size": 0.02}, warmup=2, dtype=dtype, workers=1,
    )  # fmt: skip
    generate(request, threading.Event(), lambda _: None)
    return path


@pytest.mark.parametrize("suffix", ["npz", "npy", "h5"])
@pytest.mark.parametrize(
    ("theory", "parameters", "extents", "observable"), THEORIES, ids=lambda v: str(v).replace(" ", "")
)
def test_every_theory_goes_out_and_comes_back(theory, parameters, extents, observable, suffix, tmp_path):
    path, file = made(tmp_path / "e", theory, parameters, extents), tmp_path / f"out.{suffix}"
    if suffix == "h5":
        with pytest.importorskip("h5py").File(file, "w") as written:
            written["configurations"] = np.stack([open_ensemble(path).fields(chain) for chain in range(2)])
    else:
        export(path, file)
    lattice = Lattice(extents)
    import_ensemble(ImportRequest((file,), tmp_path / "back", theory, parameters, lattice=extents))
    there, back = open_ensemble(path), open_ensemble(tmp_path / "back")
    assert back.chains == 2
    assert back.layout.site_dims == there.layout.site_dims
    for chain in range(2):
        np.testing.assert_allclose(back.fields(chain), there.fields(chain), rtol=0, atol=1e-15)
    assert (back.attrs["algorithm"], back.attrs["exactness"]["status"]) == ("imported", "unknown")
    assert back.attrs["lattice"] == list(lattice.extents)
    values = [[row["value"] for row in measure(p, [observable]).estimates] for p in (path, tmp_path / "back")]
    np.testing.assert_allclose(*values, rtol=1e-12)


def nersc(content):
    """Links (t, z, y, x, mu, row, column) and header of a NERSC file of 64 bits."""
    head, _, data = content.partition(b"END_HEADER\n")
    lines = head.decode("ascii").splitlines()
    assert lines[0] == "BEGIN_HEADER"
    header = dict(re.fullmatch(r"(\w+) = (.*)", line).groups() for line in lines[1:])
    assert header["DATATYPE"] == "4D_SU3_GAUGE_3x3"
    assert header["FLOATING_POINT"] == "IEEE64BIG"
    extents = [int(header[f"DIMENSION_{axis}"]) for axis in (1, 2, 3, 4)]
    words = struct.unpack(f">{len(data) // 4}I", data)
    assert sum(words) % 2**32 == int(header["CHECKSUM"], 16)
    return links_of(data, extents), header


def links_of(data, extents):
    """Links of big-endian pairs of doubles, x fastest: U[t, z, y, x, mu, row, column]."""
    x, y, z, t = extents
    numbers = struct.unpack(f">{len(data) // 8}d", data)
    assert len(numbers) == x * y * z * t * 4 * 9 * 2
    pairs = np.array(numbers).reshape(t, z, y, x, 4, 3, 3, 2)
    return pairs[..., 0] + 1j * pairs[..., 1]


def ildg(content):
    """Links (t, z, y, x, mu, row, column) and records of a LIME file."""
    records, at, flags = {}, 0, []
    while at < len(content):
        magic, version, flag, length = struct.unpack(">IHHQ", content[at : at + 16])
        assert (magic, version) == (0x456789AB, 1)
        flags.append(flag)
        name = content[at + 16 : at + 144].rstrip(b"\0").decode("ascii")
        records[name] = content[at + 144 : at + 144 + length]
        at += 144 + length + (8 - length % 8) % 8
    assert at == len(content)
    assert [bool(flag & 0x8000) for flag in flags] == [True] + [False] * (len(flags) - 1)
    assert [bool(flag & 0x4000) for flag in flags] == [False] * (len(flags) - 1) + [True]
    described = records["ildg-format"].decode("utf-8")

    def tag(text, name):
        return re.search(f"<{name}>([^<]*)</{name}>", text)[1]

    assert (tag(described, "version"), tag(described, "field"), tag(described, "precision")) == (
        "1.0",
        "su3gauge",
        "64",
    )
    extents = [int(tag(described, name)) for name in ("lx", "ly", "lz", "lt")]
    data, suma, sumb = records["ildg-binary-data"], 0, 0
    site = 4 * 9 * 16
    for rank in range(len(data) // site):
        crc = zlib.crc32(data[rank * site : (rank + 1) * site])
        suma ^= ((crc << rank % 29) | (crc >> (32 - rank % 29))) & 0xFFFFFFFF
        sumb ^= ((crc << rank % 31) | (crc >> (32 - rank % 31))) & 0xFFFFFFFF
    sums = records["scidac-checksum"].decode("utf-8")
    assert (int(tag(sums, "suma"), 16), int(tag(sums, "sumb"), 16)) == (suma, sumb)
    return links_of(data, extents), records


def plaquette(links):
    """Mean of Re tr U_□/3 over links (t, z, y, x, mu, row, column); axis 3 − mu is that of direction mu."""
    found = []
    for mu in range(4):
        for nu in range(mu):
            a, b = links[..., mu, :, :], links[..., nu, :, :]
            loop = np.einsum("...ij,...jk,...lk,...ml->...im", a, np.roll(b, -1, 3 - mu),
                             np.roll(a, -1, 3 - nu).conj(), b.conj())  # fmt: skip
            found.append(np.trace(loop, axis1=-2, axis2=-1).real.mean() / 3)
    return np.mean(found)


@pytest.mark.parametrize("extents", [(2, 3, 4, 5), (4, 4, 4, 6), (5, 2, 3, 2)])
@pytest.mark.parametrize("reader", [nersc, ildg], ids=["nersc", "ildg"])
def test_an_independent_reader_reads_what_is_written(reader, extents, tmp_path):
    path = made(tmp_path / "e", "sun", {"n": 3, "beta": 5.5}, extents)
    export(path, tmp_path / "out", reader.__name__)
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 8
    there = np.concatenate([open_ensemble(path).fields(chain) for chain in range(2)])
    values = []
    for file, field in zip(files, there, strict=True):
        links, facts = reader(file.read_bytes())
        np.testing.assert_array_equal(links, field.transpose(4, 3, 2, 1, 0, 5, 6))
        values.append(plaquette(links))
        if reader is nersc:
            assert float(facts["PLAQUETTE"]) == pytest.approx(values[-1], abs=1e-12)
            trace = np.trace(links, axis1=-2, axis2=-1).real.mean() / 3
            assert float(facts["LINK_TRACE"]) == pytest.approx(trace, abs=1e-12)
    (row,) = measure(path, ["plaquette"]).estimates
    assert row["value"] == pytest.approx(np.mean(values), abs=1e-12)


def test_single_links_by_hand(tmp_path):
    """Number ((((t·Z + z)·Y + y)·X + x)·4 + mu)·18 + 6·row + 2·col of the data is the real part of U[row, col]."""
    extents, (x, y, z, t, mu) = (2, 3, 4, 5), (1, 2, 0, 3, 2)
    field = GroupLinks(3, True).hot(Lattice(extents), Stream(4, 0))
    np.save(tmp_path / "one.npy", field[None, None])
    said = {"n": 3, "beta": 6.0}
    import_ensemble(ImportRequest((tmp_path / "one.npy",), tmp_path / "e", "sun", said, lattice=extents))
    export(tmp_path / "e", tmp_path / "out", "nersc")
    (file,) = (tmp_path / "out").iterdir()
    data = file.read_bytes().partition(b"END_HEADER\n")[2]
    place = (((((t * 4 + z) * 3 + y) * 2 + x) * 4 + mu) * 18 + 6 * 1 + 2 * 2) * 8
    assert struct.unpack(">2d", data[place : place + 16]) == (
        field[mu, x, y, z, t, 1, 2].real, field[mu, x, y, z, t, 1, 2].imag,
    )  # fmt: skip


def test_a_stated_exactness_is_kept(tmp_path):
    path = made(tmp_path / "e", "u1", {"beta": 1.0}, (4, 3))
    export(path, tmp_path / "out.npz")
    said = {"exactness": "exact"}
    import_ensemble(ImportRequest((tmp_path / "out.npz",), tmp_path / "b", "u1", {"beta": 1.0}, lattice=(4, 3), **said))
    attributes = json.loads((tmp_path / "b" / "zarr.json").read_text())["attributes"]
    assert attributes["exactness"]["status"] == "exact"
    assert attributes["algorithm"] == "imported"
