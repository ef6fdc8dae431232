"""NERSC and ILDG: files whose header and bytes were computed by hand are read, damaged ones refused."""

import contextlib
import json
import struct
import warnings
import zlib

import numpy as np
import pytest

from sqcli import open_ensemble, store
from sqcli.cli._main import run
from sqcli.errors import SqcliError
from sqcli.lattice.geometry import Lattice
from sqcli.lattice.group_links import GroupLinks
from sqcli.lattice.philox import Stream
from sqcli.runs.import_ import ImportRequest, import_ensemble
from sqcli.runs.importing.files import OpenFiles, find_source
from sqcli.runs.importing.formats import links_written

EXTENTS = (2, 3, 4, 5)  # x, y, z, t


@pytest.fixture(scope="module")
def links():
    """SU(3) links (mu, x, y, z, t, row, column)."""
    return GroupLinks(3, True).hot(Lattice(EXTENTS), Stream(3, 0))


def sites(links):
    """Sites as the files have them, x fastest, each (mu, row, column)."""
    for t in range(EXTENTS[3]):
        for z in range(EXTENTS[2]):
            for y in range(EXTENTS[1]):
                for x in range(EXTENTS[0]):
                    yield links[:, x, y, z, t]


def numbers(site, rows=3):
    """Real and imaginary parts of a site's links in the order of the files."""
    for matrix in site:
        for row in matrix[:rows]:
            for value in row:
                yield from (value.real, value.imag)


def averages(links):
    """Plaquette and link trace by loops over sites, divided by three."""
    plaquettes, traces = [], []
    for place in np.ndindex(EXTENTS):
        for mu in range(4):
            traces.append(np.trace(links[(mu, *place)]).real / 3)
            for nu in range(mu):
                ahead, up = (np.add(place, np.eye(4, dtype=int)[axis]) % EXTENTS for axis in (mu, nu))
                loop = links[(mu, *place)] @ links[(nu, *ahead)]
                loop = loop @ links[(mu, *up)].conj().T @ links[(nu, *place)].conj().T
                plaquettes.append(np.trace(loop).real / 3)
    return np.mean(plaquettes), np.mean(traces)


def nersc(links, kind="4D_SU3_GAUGE_3x3", floating="IEEE64BIG", **changes):
    letter = {"32": "f", "64": "d"}[floating[4:6]]
    order = "<" if floating.endswith(("LITTLE", "32", "64")) else ">"
    rows = 2 if kind == "4D_SU3_GAUGE" else 3
    data = b"".join(struct.pack(f"{order}{24 * rows}{letter}", *numbers(site, rows)) for site in sites(links))
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    plaquette, trace = averages(links)
    lines = {
        "HDR_VERSION": "1.0", "DATATYPE": kind, "STORAGE_FORMAT": "1.0",
        "DIMENSION_1": 2, "DIMENSION_2": 3, "DIMENSION_3": 4, "DIMENSION_4": 5,
        "LINK_TRACE": f"{trace:.10g}", "PLAQUETTE": f"{plaquette:.10g}",
        "CHECKSUM": f"{sum(words) % 2**32:x}", "ENSEMBLE_ID": "by hand = yes", "FLOATING_POINT": floating,
    } | changes  # fmt: skip
    text = "".join(f"{name} = {value}\n" for name, value in lines.items() if value is not None)
    return f"BEGIN_HEADER\n{text}END_HEADER\n".encode() + data


def lime(name, data, flags=0xC000):
    return struct.pack(">IHHQ128s", 0x456789AB, 1, flags, len(data), name.encode()) + data + b"\0" * (-len(data) % 8)


def checksums(data, site):
    suma = sumb = 0
    for rank in range(len(data) // site):
        crc = zlib.crc32(data[rank * site : (rank + 1) * site])
        for bits in [rank % 29]:
            suma ^= ((crc << bits) | (crc >> (32 - bits))) % 2**32
        for bits in [rank % 31]:
            sumb ^= ((crc << bits) | (crc >> (32 - bits))) % 2**32
    return suma, sumb


def ildg(links, precision=64, *, checked=True, info=True, data=None, field="su3gauge", lt=5, before=b""):
    letter = {32: "f", 64: "d"}[precision]
    own = b"".join(struct.pack(f">72{letter}", *numbers(site)) for site in sites(links))
    suma, sumb = checksums(own, 9 * precision)
    form = (
        f"<?xml version='1.0'?>\n<ildgFormat>\n <version> 1.0 </version><field>{field}</field>"
        f"<precision>{precision}</precision><lx>2</lx><ly> 3 </ly><lz>4</lz><lt>{lt}</lt></ildgFormat>\0"
    )
    sums = f"<scidacChecksum><version>1.0</version><suma>{suma:x}</suma><sumb>{sumb:08x}</sumb></scidacChecksum>"
    plaquette, trace = averages(links)
    said = f"<usqcdInfo><plaq>{plaquette:.9f}</plaq><linktr>{trace:.9f}</linktr></usqcdInfo>"
    return b"".join(
        [
            lime("scidac-private-file-xml", b"<a/>"),
            lime("scidac-record-xml", said.encode()) if info else b"",
            before,
            lime("ildg-format", form.encode(), 0x8000),
            lime("ildg-binary-data", own if data is None else data, 0),
            lime("scidac-checksum", sums.encode(), 0x4000) if checked else b"",
        ]
    )


def read(path, content):
    path.write_bytes(content)
    with OpenFiles(path.parent) as files:
        return files.numbers(find_source(path, None, "u"))


@pytest.mark.parametrize("kind", ["4D_SU3_GAUGE_3x3", "4D_SU3_GAUGE"])
@pytest.mark.parametrize("floating", ["IEEE64BIG", "IEEE32BIG", "IEEE64LITTLE", "IEEE32LITTLE", "IEEE32", "IEEE64"])
def test_nersc_by_hand(tmp_path, links, kind, floating):
    found = read(tmp_path / "cfg.0010", nersc(links, kind, floating))
    double = "64" in floating
    assert found.dtype == ("c16" if double else "c8")
    rounding = 0 if kind.endswith("3x3") and double else 1e-14 if double else 2e-7
    np.testing.assert_allclose(found, links, rtol=0, atol=rounding)


def test_a_byte_order_that_is_not_said_follows_from_the_checksum(tmp_path, links):
    big = nersc(links).replace(b"IEEE64BIG", b"IEEE64")
    np.testing.assert_array_equal(read(tmp_path / "cfg", big), links)


@pytest.mark.parametrize("precision", [32, 64])
def test_ildg_by_hand(tmp_path, links, precision):
    found = read(tmp_path / "cfg.ildg", ildg(links, precision))
    assert found.dtype == {32: "c8", 64: "c16"}[precision]
    np.testing.assert_array_equal(found, links.astype(found.dtype))


def test_old_files_do_not_say_what_they_hold(tmp_path, links):
    content = ildg(links).replace(b"<field>su3gauge</field>", b" " * len("<field>su3gauge</field>"))
    np.testing.assert_array_equal(read(tmp_path / "cfg.ildg", content), links)


def altered(content, place=-5):
    changed = bytearray(content)
    changed[place] ^= 1
    return bytes(changed)


def middle(content):
    """One bit of the data of an ILDG file, which lie before the checksum's record."""
    return altered(content, content.index(b"ildg-binary-data") + 3000)


BAD = {
    "nersc, a bit": (lambda u: altered(nersc(u)), "checksum"),
    "nersc, a bit of a little one": (lambda u: altered(nersc(u, floating="IEEE64")), "checksum"),
    "nersc, cut": (lambda u: nersc(u)[:-1], "damaged"),
    "nersc, longer": (lambda u: nersc(u) + b"\0", "damaged"),
    "nersc, no end": (lambda u: nersc(u)[:200], "header"),
    "nersc, plaquette": (lambda u: nersc(u, PLAQUETTE="0.25"), "plaquette"),
    "nersc, trace": (lambda u: nersc(u, LINK_TRACE="0.25"), "link trace"),
    "nersc, not a number": (lambda u: nersc(u, LINK_TRACE="nan"), "link trace"),
    "nersc, no plaquette": (lambda u: nersc(u, PLAQUETTE="high"), "no number"),
    "nersc, checksum": (lambda u: nersc(u, CHECKSUM="xyz"), "hexadecimal"),
    "nersc, extents": (lambda u: nersc(u, DIMENSION_1=3, DIMENSION_2=2), "plaquette"),
    "nersc, no extent": (lambda u: nersc(u, DIMENSION_4=None), "DIMENSION_4"),
    "nersc, huge": (lambda u: nersc(u, DIMENSION_4=99999), "damaged"),
    "nersc, SU(2)": (lambda u: nersc(u, DATATYPE="4D_SU2_GAUGE"), "DATATYPE"),
    "nersc, floats": (lambda u: nersc(u, FLOATING_POINT="IEEE16"), "FLOATING_POINT"),
    "ildg, a bit": (lambda u: middle(ildg(u)), "checksum"),
    "ildg, cut": (lambda u: ildg(u)[:-200], "cut short"),
    "ildg, rubbish behind": (lambda u: ildg(u) + b"rubbish", "header"),
    "ildg, no data": (lambda u: lime("ildg-format", b"<a/>"), "no record ildg-binary-data"),
    "ildg, two": (lambda u: ildg(u) + ildg(u), "several"),
    "ildg, SU(2)": (lambda u: ildg(u, field="su2gauge"), "su2gauge"),
    "ildg, extents": (lambda u: ildg(u, lt=6), "damaged"),
    "ildg, no extent": (lambda u: ildg(u, lt=""), "lt is missing"),
    "ildg, no hexadecimal": (lambda u: ildg(u).replace(b"<sumb>", b"<sumc>"), "hexadecimal"),
    "ildg, long text": (lambda u: ildg(u, before=lime("scidac-record-xml", bytes(2**21)), info=False), "bytes"),
    "ildg, averages": (
        lambda u: ildg(u, info=False, before=lime("scidac-record-xml", b"<plaq>0.25</plaq>")), "plaquette"),
    "ildg, many records": (lambda u: lime("a", b"") * 10_001, "more than"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_damaged_files_are_refused_in_one_line(tmp_path, links, name):
    content, match = BAD[name]
    with pytest.raises(SqcliError, match=match) as caught:
        read(tmp_path / "cfg", content(links))
    assert str(caught.value).startswith(str(tmp_path / "cfg"))
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("content", [lambda u: nersc(u, CHECKSUM=None), lambda u: ildg(u, checked=False)])
def test_a_file_without_checksum_is_read_with_a_warning(tmp_path, links, content):
    with pytest.warns(UserWarning, match="no checksum"):
        np.testing.assert_array_equal(read(tmp_path / "cfg", content(links)), links)


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
@pytest.mark.parametrize("form", ["nersc", "ildg"])
def test_what_is_written_is_read_again(tmp_path, links, form, dtype):
    fields = links.astype(dtype)
    found = read(tmp_path / "cfg", links_written(form, fields, "cfg.10"))
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, fields)


def test_what_is_written_has_the_bytes_of_the_hand(links):
    data = b"".join(struct.pack(">72d", *numbers(site)) for site in sites(links))
    suma, sumb = checksums(data, 576)
    ours = links_written("ildg", links, "cfg.10")
    assert lime("ildg-binary-data", data, 0) in ours
    assert f"<suma>{suma:x}</suma><sumb>{sumb:x}</sumb>".encode() in ours
    assert lime("ildg-data-lfn", b"cfg.10", 0) in ours
    header, _, rest = links_written("nersc", links, "cfg.10").partition(b"END_HEADER\n")
    assert rest == data
    assert b"DIMENSION_1 = 2\nDIMENSION_2 = 3\nDIMENSION_3 = 4\nDIMENSION_4 = 5\n" in header
    assert f"CHECKSUM = {sum(struct.unpack(f'>{len(data) // 4}I', data)) % 2**32:x}\n".encode() in header
    plaquette, trace = averages(links)
    said = dict(line.split(" = ") for line in header.decode().splitlines()[1:])
    assert float(said["PLAQUETTE"]) == pytest.approx(plaquette, abs=1e-12)
    assert float(said["LINK_TRACE"]) == pytest.approx(trace, abs=1e-12)


@pytest.mark.parametrize("form", [nersc, ildg])
def test_any_damaged_byte_is_refused_or_changes_nothing(tmp_path, links, form, rng):
    content = form(links)
    ends = rng.integers(0, len(content), 40)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for place in [*range(0, 900, 17), *ends.tolist()]:
            with contextlib.suppress(SqcliError):
                np.testing.assert_array_equal(read(tmp_path / "cfg", altered(content, place)), links)


PARAMETERS = {"n": "3", "beta": "6"}


class TestEnsembles:
    """Files of a stream as an ensemble of a theory whose links they are."""

    @pytest.mark.parametrize("form", ["nersc", "ildg"])
    @pytest.mark.parametrize("extents", [(2, 3, 4, 5), (2, 2, 2, 4)])
    def test_draws_in_the_order_of_the_files(self, tmp_path, form, extents):
        fields = [GroupLinks(3, True).hot(Lattice(extents), Stream(7, chain)) for chain in range(3)]
        files = [tmp_path / f"cfg.{number}" for number in (10, 20, 40)]
        for file, field in zip(files, fields, strict=True):
            file.write_bytes(links_written(form, field, file.name))
        told = import_ensemble(ImportRequest(tuple(files), tmp_path / "e", "sun", PARAMETERS))
        ensemble = open_ensemble(tmp_path / "e")
        assert not store.check(tmp_path / "e")
        np.testing.assert_array_equal(ensemble.fields(0), fields)
        assert (ensemble.layout.field, ensemble.layout.dtype, ensemble.chains) == ("u", "complex128", 1)
        assert ensemble.layout.site_dims == ("mu", "x", "y", "z", "t", "row", "col")
        assert ensemble.attrs["imported"]["gaps"] == [[20, 40]]
        assert "u (chain, draw, mu, x, y, z, t, row, col), complex128" in told[0]

    def test_single_precision_stays_so(self, tmp_path, links):
        (tmp_path / "cfg").write_bytes(nersc(links, "4D_SU3_GAUGE", "IEEE32BIG"))
        import_ensemble(ImportRequest((tmp_path / "cfg",), tmp_path / "e", "sun", PARAMETERS))
        ensemble = open_ensemble(tmp_path / "e")
        assert ensemble.layout.dtype == "complex64"
        np.testing.assert_allclose(ensemble.fields(0)[0], links, atol=2e-7)

    def test_links_off_the_group_leave_nothing(self, tmp_path, links):
        (tmp_path / "cfg").write_bytes(links_written("ildg", 1.0001 * links, "cfg"))
        with pytest.raises(SqcliError, match=r"from SU\(3\)"):
            import_ensemble(ImportRequest((tmp_path / "cfg",), tmp_path / "e", "sun", PARAMETERS))
        assert [entry.name for entry in tmp_path.iterdir()] == ["cfg"]

    @pytest.mark.parametrize("content", [nersc, lambda u: nersc(u, "4D_SU3_GAUGE"), ildg])
    def test_a_file_by_hand_is_imported_and_measured_on_the_command_line(self, tmp_path, links, content, capsys):
        (tmp_path / "cfg").write_bytes(content(links))
        words = ["import", tmp_path / "cfg", tmp_path / "e", "--theory", "sun", "-p", "n=3", "-p", "beta=6"]
        assert run([str(word) for word in words]) == 0
        assert "1 chain of 1 draw on 2x3x4x5" in capsys.readouterr().err
        assert run(["measure", str(tmp_path / "e"), "--obs", "plaquette", "--format", "json"]) == 0
        (estimate,) = json.loads(capsys.readouterr().out)["estimates"]
        assert estimate["value"] == pytest.approx(averages(links)[0], abs=1e-12)

    def test_another_group_is_refused_on_the_command_line(self, tmp_path, links, capsys):
        (tmp_path / "cfg").write_bytes(nersc(links))
        words = ["import", tmp_path / "cfg", tmp_path / "e", "--theory", "sun", "-p", "n=2", "-p", "beta=6"]
        assert run([str(word) for word in words]) == 1
        assert str(tmp_path / "cfg") in capsys.readouterr().err
        assert [entry.name for entry in tmp_path.iterdir()] == ["cfg"]
