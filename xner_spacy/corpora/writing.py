"""Write files safely: to a temporary file, flushed to the disk, and moved to its place when it is complete."""

import filecmp
import gzip
import io
import json
import os
import stat
import sys
import tempfile
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, Dict, Iterator, List, Optional, Sequence

from ..errors import XnerError
from ..types import PathLike

# The files that an outer block will put in place; see `written_together`.
_waiting: ContextVar[Optional[List[Any]]] = ContextVar("waiting", default=None)

STDOUT = "-"
_NOT_WRITTEN = "Nothing was left half-written; free some space or choose another place, and run again."


@contextmanager
def atomic_write(path: PathLike, mode: str = "w") -> Iterator[IO[Any]]:
    """Write a temporary file next to its place and move it there when it is complete. On any error, nothing is left
    behind.

    path (PathLike): The file. Its folder is made. A link stays a link: the file that it points to is replaced. The new
        file has the permissions of the old one. A device or a pipe (/dev/stdout) is written to directly; `-` is
        standard output. A file whose name ends with .gz is packed with gzip.
    mode (str): "w" for UTF-8 text with LF line ends, "wb" for bytes.
    RAISES: XnerError where the disk is full or the place may not be written.
    """
    with write_together([path], mode) as (file,):
        yield file


@contextmanager
def write_together(paths: Sequence[PathLike], mode: str = "w") -> Iterator[List[IO[Any]]]:
    """Write several files that belong together: all of them are replaced, or none. YIELDS (List[IO]): An open file
    each, in order. For the arguments and errors see `atomic_write`.
    """
    with all_or_none() as asides:
        files = []
        for path in paths:
            asides.append(FileAside(Path(path), mode))
            files.append(asides[-1].open())
        yield files


@contextmanager
def all_or_none() -> Iterator[List[Any]]:
    """Put several files or folders in their places when the block has succeeded: all of them, or none.

    YIELDS (List[Aside]): The outputs; the block appends to this list (a `FileAside`, a folder). RAISES: XnerError if
        the disk is full or a place may not be written; no new file is left behind then, and replaced ones are restored.
    """
    asides: List[Any] = []
    outer = _waiting.get()
    try:
        yield asides
        for aside in asides:
            aside.finish()
        if outer is None:
            _refuse_one_place_twice(asides)
            try:
                for aside in asides:
                    aside.put_in_place(keep_backup=len(asides) > 1)
            except BaseException:
                for aside in reversed(asides):
                    aside.take_back()
                raise
    except BrokenPipeError:
        raise  # the reader of the output is gone: see cli.app
    except OSError as error:
        raise not_written(asides[0].path if asides else "", error) from error
    else:
        if outer is not None:
            outer += asides
            asides = []
    finally:
        for aside in asides:
            aside.discard()


@contextmanager
def written_together() -> Iterator[None]:
    """Put everything that the block writes with this module in place at its end: all of it, or none."""
    waiting: List[Any] = []
    token = _waiting.set(waiting)
    try:
        yield
    except BaseException:
        for aside in waiting:
            aside.discard()
        raise
    finally:
        _waiting.reset(token)
    with all_or_none() as asides:
        asides += waiting


@contextmanager
def folder_written_aside(path: PathLike) -> Iterator[Path]:
    """Let a library (spaCy, CTranslate2) write a temporary folder, whose files are moved to `path` when it is complete.

    path (PathLike): The final folder. A link to a folder stays a link, and other files in the folder stay.
    YIELDS (Path): The folder to write to. RAISES: XnerError if the disk is full or the place may not be written; the
        files in `path` are unchanged then.
    """
    place = Path(os.path.realpath(path))
    # Do not wait for an outer block: the temporary files are removed when this block ends.
    token = _waiting.set(None)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(**beside(place), ignore_cleanup_errors=True) as name:
            temporary = Path(name)
            yield temporary
            with all_or_none() as asides:
                for file in sorted(p for p in temporary.rglob("*") if p.is_file()):
                    target = place / file.relative_to(temporary)
                    if target.is_file() and filecmp.cmp(file, target, shallow=False):
                        continue
                    asides.append(FileAside(target, "wb"))
                    asides[-1].temporary = file
                    target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        hint = "What was there is as it was; free some space or choose another place, and run again."
        raise not_written(path, error, hint) from error
    finally:
        _waiting.reset(token)


def not_written(path: PathLike, error: OSError, hint: str = _NOT_WRITTEN) -> XnerError:
    """RETURNS (XnerError): The error for a path that could not be written, with the reason."""
    return XnerError(f"{path}: could not be written ({error.strerror or error}).", hint)


def beside(place: Path, suffix: str = ".part") -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Arguments of `tempfile` for a temporary file or folder next to its place."""
    return {"dir": place.parent, "prefix": f".{place.name[:100]}.", "suffix": suffix}


def write_aside(path: PathLike, data: bytes) -> Path:
    """Write a complete temporary file next to its place; `put_in_place` moves it later. RETURNS (Path): The temporary
    file. RAISES: XnerError if it can't be written.
    """
    place = Path(path)
    if place.exists() and not place.is_file():
        raise XnerError(f"{path}: is in the way and is no file.", "Move it elsewhere, and run again.")
    aside = FileAside(place, "wb", follow=False)
    try:
        file = aside.open()
        with aside.working():
            file.write(data)
        aside.finish()
    except BaseException:
        aside.discard()
        raise
    assert aside.temporary is not None
    return aside.temporary


def put_in_place(temporary: Path, path: PathLike) -> None:
    """Move the file that `write_aside` wrote to its place; an existing link is replaced, not followed. RAISES:
    XnerError if that fails.
    """
    aside = FileAside(Path(path), "wb", follow=False)
    aside.temporary = temporary
    try:
        aside.put_in_place(keep_backup=False)
    except XnerError:
        aside.discard()
        raise


def to_json(data: Any) -> str:
    """RETURNS (str): Data as JSON for people and programs: indented, numbers exact (srsly's writer rounds them), with a
    line end.
    """
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def write_json(path: PathLike, data: Any) -> None:
    """Write data as JSON. RAISES: XnerError, as `atomic_write`, and for text that can't be written as UTF-8."""
    text = to_json(data)
    try:
        data_bytes = text.encode("utf8")
    except UnicodeEncodeError as error:
        excerpt = ascii(text[max(0, error.start - 20) : error.end + 20])
        hint = "They come from a name or an option that is not UTF-8: rename the file, or write it anew."
        raise XnerError(f"{path}: can't hold bytes that are no text ({excerpt}).", hint) from None
    with atomic_write(path, "wb") as file:
        file.write(data_bytes)


def inside(folder: PathLike, name: str) -> Path:
    """RETURNS (Path): A file in a folder, for a name that comes from data. RAISES: XnerError if the name would lead out
    of the folder.
    """
    folder = Path(folder)
    if name in ("", ".", "..") or "\0" in name or "/" in name or "\\" in name or os.sep in name:
        hint = "It is made from a name in the data or the settings; use letters, digits, - and _ there."
        raise XnerError(f"{name!r} can't be the name of a file in {folder}.", hint)
    return folder / name


class Aside:
    """A file or folder that is made next to its place, and moved there when it is complete.

    path (Path): Its place. follow (bool): Whether a link stays a link, also one whose target does not exist yet.
    """

    def __init__(self, path: Path, *, follow: bool = True) -> None:
        self.path = path
        self.place = Path(os.path.realpath(path)) if follow else path
        self.temporary: Optional[Path] = None
        self.backup: Optional[Path] = None
        self.is_put = False

    @contextmanager
    def working(self) -> Iterator[None]:
        """RAISES: XnerError that names the path, if the disk is full or the path can't be written."""
        try:
            yield
        except BrokenPipeError:
            raise  # the reader of the output is gone: see cli.app
        except OSError as error:
            raise not_written(self.path, error) from error


class FileAside(Aside):
    """One file; see `Aside`. mode (str): "w" or "wb"."""

    def __init__(self, path: Path, mode: str, *, follow: bool = True) -> None:
        super().__init__(path, follow=follow)
        self.mode = mode
        self.file: Optional[IO[Any]] = None
        self.raw: Optional[IO[bytes]] = None

    def open(self) -> IO[Any]:
        """RETURNS (IO): The file, to write to."""
        with self.working():
            self.raw = self._open_raw()
            file: Any = self.raw
            if self.path.suffix == ".gz":
                # The header has no name and no time, so that equal texts give equal bytes.
                file = gzip.GzipFile("", "wb", fileobj=self.raw, mtime=0)
            if "b" not in self.mode:
                file = io.TextIOWrapper(file, encoding="utf8", newline="\n")
            self.file = file
        return file

    def _open_raw(self) -> IO[bytes]:
        if str(self.path) == STDOUT:
            sys.stdout.flush()
            return os.fdopen(os.dup(sys.stdout.fileno()), "wb")
        if self.place.is_dir():
            raise IsADirectoryError(21, "Is a directory", str(self.path))
        # Not `self.place`: the target of a pipe's link (/dev/stdout) can't be opened.
        if self.path.exists() and not self.path.is_file():
            return self.path.open("wb")
        self.place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(**beside(self.place))
        self.temporary = Path(name)
        return os.fdopen(handle, "wb")

    def finish(self) -> None:
        """Close the file and flush it to the disk."""
        with self.working():
            for file in (self.file, self.raw):
                if file is not None:
                    file.close()
            # A library may have written it, under its temporary name.
            if self.temporary is not None:
                with self.temporary.open("rb+") as file:
                    os.fsync(file.fileno())

    def put_in_place(self, keep_backup: bool) -> None:
        """Move the file to its place. keep_backup (bool): Whether a replaced file is kept for `take_back`."""
        if self.temporary is None:
            return
        with self.working():
            self.temporary.chmod(permissions(None if self.place.is_symlink() else self.place))
            if keep_backup and self.place.exists():
                handle, name = tempfile.mkstemp(dir=self.place.parent, suffix=".part")
                os.close(handle)
                self.backup = Path(name)
                self.place.replace(self.backup)
            self.temporary.replace(self.place)
            self.temporary, self.is_put = None, True

    def take_back(self) -> None:
        """Restore the replaced file, or remove the new one."""
        if self.backup is not None:
            self.backup.replace(self.place)
            self.backup = None
        elif self.is_put:
            self.place.unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the temporary file and the backup."""
        for file in (self.file, self.raw):
            # The file is removed anyway, so an error in flushing does not matter.
            with suppress(OSError):
                if file is not None and not file.closed:
                    file.close()
        for leftover in (self.temporary, self.backup):
            if leftover is not None:
                leftover.unlink(missing_ok=True)


def permissions(like: Optional[Path], full: int = 0o666) -> int:
    """RETURNS (int): The permissions of a replaced file, or the default ones of a new file: mkstemp makes files that
    only the owner can read. like (Optional[Path]): The replaced file. full (int): The mode of a new file, before the
    umask.
    """
    if like is not None and like.exists():
        return stat.S_IMODE(like.stat().st_mode)
    mask = os.umask(0)
    os.umask(mask)
    return full & ~mask


def _refuse_one_place_twice(asides: Sequence[Any]) -> None:
    places = set()
    for aside in asides:
        if aside.place in places:
            raise XnerError(f"{aside.path}: two outputs would be written there.", "Give each a name of its own.")
        if not aside.place.exists() or aside.place.is_file() or aside.place.is_dir():
            places.add(aside.place)
