"""Read the folder `bitext/` of a project: any number of pairs of line-parallel files, named by their languages."""

from collections import Counter
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..corpora.bitext import BOTH_EMPTY, ONE_EMPTY
from ..corpora.docs import set_aside_if_long
from ..corpora.files import read_lines
from ..errors import InputError
from ..languages import codes_of
from .folders import list_files
from .words import english_words


class Pair(NamedTuple):
    """One sentence and its English translation, with the line that they stand in."""

    english: str
    target: str
    file: Path  # that of the target side
    line: int


class BitextFiles(NamedTuple):
    """Two line-parallel files: the English one and that of the target language."""

    english: Path
    target: Path


def find_pairs(folder: Path, lang: str, files: Optional[Sequence[Path]] = None) -> List[BitextFiles]:
    """Find the pairs of a folder: `en.txt` with `LANG.txt`, or `NAME.en` with `NAME.LANG` (also with .txt behind), where
    LANG is any code of the language.

    folder (Path): It may be missing. lang (str): A code of the target language.
    files (Optional[Sequence[Path]]): The files to look at, instead of all files of the folder.
    RETURNS (List[BitextFiles]): The pairs, by name. RAISES: InputError for a file without a partner, or one of another
        language.
    """
    english_codes, target_codes = codes_of("en"), codes_of(lang)
    sides: Dict[Tuple[Path, str], Dict[str, Path]] = {}
    for path in list_files(folder) if files is None else files:
        name, code = _name_and_code(path)
        side = "en" if code in english_codes else lang if code in target_codes else None
        if side is None:
            message = f"its name does not say whether it is English or {lang}."
            raise InputError(message, path, None, _how_to_name(lang))
        by_side = sides.setdefault((path.parent, name), {})
        if side in by_side:
            raise InputError(f"{by_side[side].name} beside it has the same language.", path, None, "Keep one of them.")
        by_side[side] = path
    for by_side in sides.values():
        if len(by_side) < 2:
            [(side, path)] = by_side.items()
            missing = "English" if side == lang else lang
            raise InputError(f"has no file with its lines in {missing} beside it.", path, None, _how_to_name(lang))
    return [BitextFiles(by_side["en"], by_side[lang]) for _, by_side in sorted(sides.items())]


def _how_to_name(lang: str) -> str:
    return f"Name the two files of a bitext en.txt and {lang}.txt, or NAME.en and NAME.{lang}."


def _name_and_code(path: Path) -> Tuple[str, str]:
    """RETURNS (Tuple[str, str]): The name and the language code, in lower case: "train" and "lug" of train.lug."""
    name = path.name.lower()
    for ending in (".gz", ".txt"):
        name = name.removesuffix(ending)
    name, _, code = name.rpartition(".")
    return name, code


def has_code(path: Path, lang: str) -> bool:
    """RETURNS (bool): Whether the name of a file says that it is one side of a bitext with English."""
    return _name_and_code(path)[1] in codes_of("en") | codes_of(lang)


def read_pairs(files: BitextFiles, lang: str, counts: Counter) -> List[Pair]:
    """Read two line-parallel files.

    counts (Counter): Counts the lines that are left out (an empty side, far too long), and what `read_lines` counts.
    RETURNS (List[Pair]): The pairs, each side as it stands in its file without white space at its ends.
    RAISES: InputError with both counts if one file is longer, with the line if a line is not UTF-8, and if no pair is
        left.
    """
    sides = [[line for _, line in read_lines(path, counts)] for path in files]
    n_english, n_target = map(len, sides)
    if n_english != n_target:
        longer = files.english if n_english > n_target else files.target
        message = f"{files.english.name} has {n_english} lines and {files.target.name} has {n_target}"
        hint = "Line n of one must be the translation of line n of the other."
        raise InputError(f"{message}; the line has no partner.", longer, min(n_english, n_target) + 1, hint)
    english_nlp = english_words()
    pairs = []
    for number, (english, target) in enumerate(zip(*sides, strict=True), 1):
        english, target = english.strip(), target.strip()
        if not english or not target:
            counts[ONE_EMPTY if english or target else BOTH_EMPTY] += 1
        elif not set_aside_if_long(english_nlp, max(english, target, key=len), files.target, number, counts):
            pairs.append(Pair(english, target, files.target, number))
    if not pairs:
        raise InputError("is empty: it holds no pair of sentences.", files.target)
    return pairs
