"""Files are replaced as a whole, never through links, and nothing but regular files of sensible size is read."""

import errno
import os
import signal

import pytest

from sqcli import files
from sqcli.errors import BusyError, DamageError, SqcliError


def names(directory):
    return sorted(file.name for file in directory.iterdir())


def put_fifo(place):
    os.mkfifo(place)


def put_huge(place):
    with place.open("wb") as handle:
        handle.truncate(2**40)


ODD = {
    "pipe": put_fifo,
    "directory": lambda place: place.mkdir(),
    "device": lambda place: place.symlink_to("/dev/zero"),
    "huge": put_huge,
    "circle": lambda place: place.symlink_to(place),
}


@pytest.fixture
def no_hang():
    """Whatever takes longer than ten seconds waits for ever."""

    def give_up(*_):
        raise AssertionError("waits")

    previous = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_regular_file_is_refused_at_once(tmp_path, kind, no_hang):
    ODD[kind](tmp_path / "x")
    with pytest.raises(SqcliError, match=str(tmp_path / "x")):
        files.read_bytes(tmp_path / "x", 100)


def test_reading_is_bounded_and_absence_is_told_apart(tmp_path):
    (tmp_path / "x").write_bytes(b"12345")
    assert files.read_bytes(tmp_path / "x", 5) == b"12345"
    with pytest.raises(DamageError, match="5 bytes, 4 at most"):
        files.read_bytes(tmp_path / "x", 4)
    for absent in (tmp_path / "y", tmp_path / "x" / "y"):
        with pytest.raises(FileNotFoundError):
            files.read_bytes(absent, 5)


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
@pytest.mark.parametrize("place", ["x", "x.partial"])
def test_links_in_the_place_of_a_file_lose_their_name_and_their_target_nothing(tmp_path, link, place):
    (tmp_path / "target").write_bytes(b"precious")
    getattr(tmp_path / place, link)(tmp_path / "target")
    files.replace_bytes(tmp_path / "x", b"new")
    assert (tmp_path / "target").read_bytes() == b"precious"
    assert (tmp_path / "x").read_bytes() == b"new"
    assert names(tmp_path) == ["target", "x"]
    assert not (tmp_path / "x").is_symlink()


@pytest.mark.parametrize("where", ["a", "a/b"])
def test_linked_directories_are_refused_below_the_root(tmp_path, where):
    (tmp_path / "elsewhere" / "b").mkdir(parents=True)
    (tmp_path / "root").mkdir()
    if where == "a/b":
        (tmp_path / "root" / "a").mkdir()
    (tmp_path / "root" / where).symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    with pytest.raises(SqcliError, match="is a link; refused for writing"):
        files.replace_bytes(tmp_path / "root" / where / "x", b"new", root=tmp_path / "root")
    assert not list((tmp_path / "elsewhere").glob("x*"))
    files.require_own_directories(tmp_path / "root" / where, tmp_path / "root" / where)  # the root may be a link


@pytest.mark.parametrize("link", ["symlink_to", "hardlink_to"])
def test_lock_files_are_no_links(tmp_path, link):
    (tmp_path / "target").write_bytes(b"precious")
    getattr(tmp_path / "x.lock", link)(tmp_path / "target")
    with pytest.raises(SqcliError, match="refused for writing"):
        files.open_lock(tmp_path / "x.lock")
    (tmp_path / "dangling.lock").symlink_to(tmp_path / "made")
    with pytest.raises(SqcliError, match="is a link"):
        files.open_lock(tmp_path / "dangling.lock")
    os.mkfifo(tmp_path / "pipe.lock")
    with pytest.raises(SqcliError, match="no regular file"):
        files.open_lock(tmp_path / "pipe.lock")
    assert not (tmp_path / "made").exists()
    os.close(files.open_lock(tmp_path / "new.lock"))


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "x").write_bytes(b"old")

    def interrupted():
        with files.replacing(tmp_path / "x") as handle:
            handle.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (tmp_path / "x").read_bytes() == b"old"
    assert names(tmp_path) == ["x"]


def test_two_writers_of_one_file_do_not_publish_each_others_half(tmp_path):

    def first():
        with files.replacing(tmp_path / "x") as handle:
            handle.write(b"first")
            files.replace_bytes(tmp_path / "x", b"second")

    with pytest.raises(BusyError, match="another process"):
        first()
    assert (tmp_path / "x").read_bytes() == b"second"


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    for write in (
        lambda: files.replace_bytes(tmp_path / "x", b"1"),
        lambda: files.replace_files([(tmp_path / "x", [b"1"])], root=tmp_path),
    ):
        with pytest.raises(SqcliError, match=rf"{tmp_path / 'x'}\S*: no space left"), files.explained(tmp_path):
            write()
        assert names(tmp_path) == []
