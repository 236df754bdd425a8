"""Read the folder `sources/` of a project: labelled text of other languages, with bitexts where there are any."""

import re
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence

from ..corpora.formats.columns import Broken
from ..corpora.splitting import split_docs
from ..errors import InputError, XnerError
from ..languages import codes_of
from ..types import Json
from .bitext_files import find_pairs, has_code, read_pairs
from .corpus_files import CorpusFiles, known_tokens, name_below
from .folders import holds_tags
from .labelled_files import read_labelled
from .summary import Notes, counted
from .words import blank_for_words

DEV_SHARE = 0.1
_SPLITS = {"test": {"test"}, "dev": {"dev", "devel", "development", "valid", "validation", "val"}}


def read_sources(
    root: Path, files: Sequence[Path], lang: str, seed: int, broken: Broken, out: CorpusFiles, notes: Notes
) -> Dict[str, Any]:
    """Read `sources/LANG/` of each language, and write `corpus/sources/LANG/`.

    root (Path): The project. files (Sequence[Path]): All files below sources/. lang (str): The project's language.
    seed (int): Of the draw of a development set, where a language has none. broken: See `read_columns`. out, notes: Receive what is written and
        what is to be told.
    RETURNS (Dict[str, Any]): A summary by language. RAISES: InputError for the first input that can't be used.
    """
    folder = root / "sources"
    by_language: Dict[str, List[Path]] = {}
    for path in files:
        language, *rest = path.relative_to(folder).parts
        if not rest:
            hint = "Give each language a folder of its own: sources/swa/train.iob"
            raise InputError("lies in no folder of a language.", path, None, hint)
        by_language.setdefault(language, []).append(path)
    summaries = {}
    for language, its_files in sorted(by_language.items()):
        if language.lower() in codes_of(lang):
            hint = "Put its labelled text into corrected/ (training) or gold/ (test)."
            raise InputError("is the language of the project itself.", folder / language, None, hint)
        summaries[language] = _read_source(root, language, its_files, seed, broken, out, notes)
    return summaries


def _read_source(
    root: Path, language: str, files: Sequence[Path], seed: int, broken: Broken, out: CorpusFiles, notes: Notes
) -> Dict[str, Any]:
    folder = root / "sources" / language
    try:
        nlp = blank_for_words(language)
    except XnerError as error:
        raise InputError(error.message, folder, None, error.hint) from None
    bitext = [path for path in files if has_code(path, language) and not holds_tags(path)]
    by_split: Dict[str, List[Path]] = {}
    for path in files:
        if path not in bitext:
            by_split.setdefault(split_of(path.relative_to(folder)), []).append(path)
    for path in by_split.get("test", ()):
        notes.not_read[name_below(root, path)] = "the test set of a source language"
    if "train" not in by_split:
        hint = f"Put it into sources/{language}/train.iob"
        raise InputError("holds no labelled text to train on.", folder, None, hint)
    train = read_labelled(by_split["train"], nlp, root, broken)
    summary: Json = {"train": train.summary}
    if not any(train.summary["entities"].values()):
        notes.warnings.append(f"sources/{language}/ holds no entity of PER, LOC or ORG.")
    if "dev" in by_split:
        dev = read_labelled(by_split["dev"], nlp, root, broken)
        summary["dev"] = dev.summary
        train_docs, dev_docs = train.docs, dev.docs
    else:
        try:
            train_docs, dev_docs = split_docs(train.docs, DEV_SHARE, seed)
        except XnerError as error:
            hint = f"Put more text there, or development data of its own: sources/{language}/dev.iob"
            raise InputError(error.message, folder, None, hint) from None
        summary["drawn_for_dev"] = len(dev_docs)
    out.write_docs(f"sources/{language}/train.spacy", train_docs)
    out.write_docs(f"sources/{language}/dev.spacy", dev_docs)
    if bitext:
        counts: Counter = Counter()
        pairs = [
            pair
            for pair_files in find_pairs(folder, language, bitext)
            for pair in read_pairs(pair_files, language, counts)
        ]
        target = (nlp.make_doc(pair.target) for pair in pairs)
        known = known_tokens(train_docs, dev_docs)
        out.write_tokens(f"sources/{language}", pairs, out.english_docs(pairs), target, known)
        summary["bitext"] = {"sentences": len(pairs), **counted(counts)}
    return summary


def split_of(path: Path) -> str:
    """RETURNS (str): "train", "dev" or "test", by the words of a file's path; "train" if there is none of these. path
    (Path): The file, below the folder of its language.
    """
    words = set(re.split(r"[\W_]+", path.as_posix().lower()))
    return next((name for name, spellings in _SPLITS.items() if words & spellings), "train")
