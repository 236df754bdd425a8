"""What lies in a folder of inputs, and which form each file has."""

import os
import re
from itertools import islice
from pathlib import Path
from typing import Dict, List, Literal, Tuple

from ..corpora.files import read_lines
from ..corpora.formats.columns import is_iob
from ..errors import InputError
from ..types import PathLike

Kind = Literal["text", "columns", "docbin", "jsonl"]

# Files that explain a folder or belong to a program. They are never read, and not mentioned.
_NO_INPUT = re.compile(r"(?i)\..*|readme(\..*)?|.*\.md|licen[cs]e.*|.*~|.*\.part|__pycache__|thumbs\.db|desktop\.ini")
# A token, maybe more columns, and a tag.
_TOKEN_LINE = re.compile(r"[^ \t]+[ \t](?:[^ \t]+[ \t])*(?:O|[BIESLU]-[^ \t]+)(?:[ \t].*)?")
_N_CHECKED_LINES = 200


def list_files(folder: Path) -> List[Path]:
    """RETURNS (List[Path]): The files of a folder and of its subfolders, sorted; links are followed. Hidden files and
    those that explain the folder (README, LICENSE, *.md) are left out. A missing folder has none. RAISES: InputError if
    it is a file, or may not be read.
    """
    if not folder.exists():
        if folder.is_symlink():
            raise InputError("is a link to something that does not exist.", folder, None, "Mend or remove the link.")
        return []
    if not folder.is_dir():
        hint = f"Move it into a folder of that name: {folder.name}/{folder.name}.txt"
        raise InputError("is a file, and should be a folder.", folder, None, hint)
    files: List[Path] = []
    seen = set()

    def refuse(error: OSError) -> None:
        raise InputError(f"can't be read ({error.strerror}).", error.filename or folder)

    for name, folders, names in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(name)
        if real in seen:  # links that lead in a circle
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(sub for sub in folders if not _NO_INPUT.fullmatch(sub))
        for sub in folders:
            if file_ending(Path(sub)) in _KINDS:
                raise InputError("is a folder, not a file.", Path(name) / sub, None, "Give it a name without ending.")
        files += [Path(name) / file for file in names if not _NO_INPUT.fullmatch(file)]
    return sorted(files)


_KINDS: Dict[str, Kind] = {
    ".txt": "text",
    ".spacy": "docbin",
    ".jsonl": "jsonl",
    **dict.fromkeys((".iob", ".iob2", ".conll", ".bio", ".conllu"), "columns"),
}


def file_ending(path: Path) -> str:
    """RETURNS (str): The ending of a file's name in lower case; that before `.gz` for a packed file."""
    return Path(path.stem if path.suffix.lower() == ".gz" else path.name).suffix.lower()


def sort_by_kind(files: List[Path]) -> Tuple[List[Tuple[Path, Kind]], List[Path]]:
    """RETURNS (Tuple[List[Tuple[Path, Kind]], List[Path]]): The files that can be read, each with its form, and the
    others. A .txt with a token and its tag a line is a column file.
    """
    known: List[Tuple[Path, Kind]] = []
    unknown: List[Path] = []
    for path in files:
        kind = "columns" if is_iob(path) else _KINDS.get(file_ending(path))
        if kind is None:
            unknown.append(path)
        else:
            known.append((path, "columns" if kind == "text" and holds_tags(path) else kind))
    return known, unknown


def holds_tags(path: PathLike) -> bool:
    """RETURNS (bool): Whether every line at the beginning of a file is a token with its tag, or blank."""
    lines = list(islice((line for _, line in read_lines(path) if line.strip()), _N_CHECKED_LINES))
    rows = [line for line in lines if not line.startswith(("#", "-DOCSTART-"))]
    tagged = any(not line.rstrip().endswith("O") for line in rows)
    return (tagged or len(rows) > 1) and all(_TOKEN_LINE.fullmatch(line.rstrip()) for line in rows)
