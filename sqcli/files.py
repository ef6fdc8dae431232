"""Files that are either old or new, never in between, and that survive a power cut once told to.

A file is written beside its place, synced, and renamed over it. The name of the part-written file follows from
the file's own: its one owner replaces what a killed predecessor left, so that nothing has to be cleaned up.

Directories may come from somebody else. So nothing is written through a link, neither a symbolic nor a hard one, and
nothing but regular files of sensible size is read: a pipe or a device in a file's place would be waited for for ever.
"""

import errno
import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import IO, Any

from sqcli.errors import BusyError, DamageError, SqcliError

Content = tuple[Path, Sequence[Any]]
_THREADS = 16
_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC


class ReadOnlyError(SqcliError):
    """Place that may be read but not written; what was computed can still be reported."""


_ADVICE = {
    errno.ENOSPC: "no space left; what was committed is safe: free some space and run again",
    errno.EDQUOT: "disk quota exceeded; what was committed is safe: free some space and run again",
    errno.ENOENT: "is no longer there; was it removed or renamed meanwhile?",
    errno.EFBIG: "file size limit reached (ulimit -f); what was committed is safe: raise it and run again",
}


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an `OSError` met while writing below `path` into one line that says where it was and what to do."""
    try:
        yield
    except OSError as error:
        where = path if error.filename is None else error.filename
        reason = error.strerror or str(error)
        if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
            raise ReadOnlyError(f"{where}: cannot be written ({reason})") from error
        raise SqcliError(f"{where}: {_ADVICE.get(error.errno or 0, reason)}") from error


@contextmanager
def open_regular(file: Path) -> Iterator[IO[bytes]]:
    """Open a regular file to read parts of it; never wait for a pipe or a device.

    Raises:
        FileNotFoundError: there is no such file.
        DamageError: it is no regular file.
        SqcliError: it cannot be read.
    """
    try:
        descriptor = os.open(file, _READ)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise DamageError(f"{file}: not a regular file")
            yield os.fdopen(descriptor, "rb", closefd=False)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(file)) from error
    except OSError as error:
        raise SqcliError(f"{file}: cannot be read ({error.strerror or error})") from error


def read_bytes(file: Path, most: int) -> bytes:
    """Read all bytes of a file as `open_regular` opens it; DamageError where it has more than `most`."""
    with open_regular(file) as handle:
        size = os.fstat(handle.fileno()).st_size
        if size > most:
            raise DamageError(f"{file}: {size} bytes, {most} at most are expected")
        return handle.read(size)


def resolved(path: Path) -> Path:
    """Follow `path` where it is a link. Done once, so that a link swapped later changes nothing."""
    return Path(os.path.realpath(path)) if path.is_symlink() else path


def require_own_directories(root: Path, directory: Path) -> None:
    """Refuse to write where a directory below `root`, on the way to `directory`, is a link or no directory.

    What does not exist yet is not refused; `root` itself may be reached through links.
    """
    way = root
    for name in directory.relative_to(root).parts:
        way = way / name
        try:
            mode = os.lstat(way).st_mode
        except FileNotFoundError:
            return
        if not stat.S_ISDIR(mode):
            what = "is a link" if stat.S_ISLNK(mode) else "is no directory"
            raise SqcliError(f"{way}: {what}; refused for writing")


def open_lock(file: Path) -> int:
    """Open the lock file `file`, made where it is missing, as a descriptor; it has this one name and is no link.

    Raises:
        SqcliError: a link or something else is in its place.
        OSError: it cannot be opened for writing.
    """
    try:
        descriptor = os.open(file, _LOCK, 0o666)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise SqcliError(f"{file}: is a link; refused for writing") from None
        raise
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_nlink <= 1:
        return descriptor
    os.close(descriptor)
    what = "has another name too" if stat.S_ISREG(status.st_mode) else "is no regular file"
    raise SqcliError(f"{file}: {what}; refused for writing")


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems sync names on their own
            raise
    finally:
        os.close(descriptor)


def replace_files(*stages: Sequence[Content], root: Path, durable: bool = True, scratch: Path | None = None) -> None:
    """Write every (file, buffers), each atomically; a later stage appears only when the earlier one is there for good.

    Durable: the bytes of all stages are synced first, then, stage by stage, the names. Syncs that may happen at the
    same time do, in threads, because the file system puts them into one transaction; the threads end before this
    returns (a process may fork between commits). On `OSError` no file of a later stage has appeared.

    All files lie below `root`, no directory between is a link, and nobody else writes them meanwhile. `scratch` holds
    the part-written files where they must not lie beside their places: foreign files inside a Zarr group draw a
    warning from every reader, those inside an array's directory do not.
    """
    contents = [content for stage in stages for content in stage]
    partials = {file: _partial((scratch or file.parent) / file.name) for file, _ in contents}
    for directory in {path.parent for path in (*partials, *partials.values())}:
        require_own_directories(root, directory)
    try:
        with ThreadPoolExecutor(_THREADS) as pool:
            at_once = pool.map if durable and len(contents) > 1 else map
            list(at_once(lambda content: _write(partials[content[0]], content[1], durable), contents))
            for stage in stages:
                for file, _ in stage:
                    partials[file].replace(file)
                if durable:
                    list(at_once(sync_directory, dict.fromkeys(file.parent for file, _ in stage)))
    except BaseException:  # here no thread writes any more
        for partial in partials.values():
            partial.unlink(missing_ok=True)
        raise


def _create(partial: Path) -> int:
    """Open a new file to write, as a descriptor; what a killed predecessor left, or a link, loses its name."""
    try:
        return os.open(partial, _CREATE, 0o666)
    except FileExistsError:
        partial.unlink()
        return os.open(partial, _CREATE, 0o666)


def _write(partial: Path, buffers: Sequence[Any], durable: bool) -> None:
    with _written_aside(partial, durable=durable) as handle:
        for buffer in buffers:
            handle.write(buffer)


@contextmanager
def _written_aside(partial: Path, *, durable: bool = True, file: Path | None = None) -> Iterator[IO[bytes]]:
    """Hand out a new file to write, which vanishes where the block fails, and else takes the name `file`, if any.

    It does so while it is open: only then is it known whether another process has put one of its own in its place.
    """
    try:
        with BufferedWriter(FileIO(_create(partial), "w")) as handle:
            try:
                yield handle
                handle.flush()
                if durable:
                    os.fsync(handle.fileno())
                if file and not _is_ours(handle, partial):
                    raise BusyError(f"{file}: another process writes it too")
                if file:
                    partial.replace(file)
            except BaseException:
                if _is_ours(handle, partial):
                    partial.unlink()
                raise
    except OSError as error:
        error.filename = error.filename or str(partial)  # the system leaves it out of errors of writing
        raise


@contextmanager
def replacing(file: Path, *, root: Path | None = None) -> Iterator[IO[bytes]]:
    """Hand out a file to write that takes the name `file` once the block ends, for good, and vanishes where it fails.

    Directories between `root` (else the file's own) and the file must not be links; a link in the file's own place
    is replaced, its target is left alone.

    Raises:
        BusyError: another process writes the same file.
    """
    require_own_directories(root or file.parent, file.parent)
    with _written_aside(_partial(file), file=file) as handle:
        yield handle
    sync_directory(file.parent)


def _is_ours(handle: IO[bytes], partial: Path) -> bool:
    """Tell whether the file `partial` is the one behind `handle`, not one that another process has put there."""
    try:
        return os.path.samestat(os.fstat(handle.fileno()), partial.lstat())
    except FileNotFoundError:
        return False


def _partial(file: Path) -> Path:
    return file.with_name(f"{file.name}.partial")


def replace_bytes(file: Path, data: bytes, *, root: Path | None = None) -> None:
    """Replace a small file as `replacing` does; its directory must exist."""
    with replacing(file, root=root) as handle:
        handle.write(data)


def replace_text(file: Path, text: str, *, root: Path | None = None) -> None:
    """Replace a small UTF-8 file as `replacing` does; its directory must exist."""
    replace_bytes(file, text.encode(), root=root)
