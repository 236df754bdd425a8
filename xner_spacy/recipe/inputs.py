"""The first step of a project: read what the user put into its folders, check it, and write it to `corpus/`.

docs/inputs.md says what goes where, and what the fields of the summary are.
"""

import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Sequence

from spacy.language import Language
from spacy.tokens import Doc

from ..corpora.formats.columns import Broken
from ..corpora.reading import read_json
from ..corpora.watching import base_versions, checksum
from ..corpora.writing import write_json, written_together
from ..errors import InputError, XnerError
from ..languages import codes_of, find_code
from ..types import Json, PathLike
from .bitext_files import Pair, find_pairs, has_code, read_pairs
from .corpus_files import OUT, CorpusFiles, known_tokens, name_below, text_key
from .english_models import find_english
from .folders import list_files, sort_by_kind
from .labelled_files import read_labelled
from .source_languages import read_sources
from .summary import Notes, counted, sizes
from .text_checks import (
    Line,
    check_composition,
    check_english,
    check_language,
    check_script,
    compare_domains,
    domain_warning,
    line_of,
)
from .text_files import TextReader
from .words import blank_for_words, sentence_key

FOLDERS = ("text", "bitext", "gold", "corrected", "sources", "english")
SUMMARY = f"{OUT}/inputs.json"
# The share of translated sentences from which the teacher labels the text itself.
TRANSLATED_FROM = 0.5


def gather_inputs(project: PathLike, lang: str, *, seed: int = 0, broken: Broken = "refuse") -> Dict[str, Any]:
    """Read the folders text/, bitext/, gold/, corrected/, sources/ and english/ of a project and write corpus/. If
    neither they nor the outputs have changed since the last run, nothing is done.

    project (PathLike): The project's folder. lang (str): A code of its language.
    seed (int): Of the draw of development sets for sources that have none.
    broken (Broken): What becomes of labelled sentences with a line that can't be read, see `read_columns`.
    RETURNS (Dict[str, Any]): The summary, which is also written to corpus/inputs.json (see docs/inputs.md).
    RAISES: XnerError for the first input that can't be used; corpus/ is as it was then.
    """
    root = Path(project)
    if not root.is_dir():
        raise XnerError(f"{root}: there is no such folder.", "Make a project: xner new LANG DIR")
    if lang.lower() in codes_of("en"):
        raise XnerError("The language is English, which needs no translation.", "Use an English pipeline of spaCy.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        nlp = blank_for_words(lang)
    files = {name: list_files(root / name) for name in FOLDERS}
    identity: Json = {"lang": lang, "seed": seed, "broken": broken, "versions": base_versions()}
    identity["files"] = {name_below(root, path): checksum(path) for name in FOLDERS for path in files[name]}
    last_summary = _last_summary(root)
    last_outputs = last_summary.get("outputs", {})
    if last_summary.get("identity") == identity and _are_unchanged(root, last_outputs):
        return last_summary
    for part in (root / OUT).rglob("*.part"):  # of a run that was killed
        part.unlink(missing_ok=True)
    gathering = _Gathering(root, lang, nlp, files, broken)
    gathering.notes.warnings += [str(warning.message) for warning in caught]
    with written_together():
        gathering.run(seed)
    summary = {**gathering.summary, "identity": identity}
    summary["outputs"] = {name: checksum(root / name) for name in sorted(gathering.out.names)}
    for name in set(last_outputs) - set(summary["outputs"]):
        (root / name).unlink(missing_ok=True)
    write_json(root / SUMMARY, summary)
    return summary


def _last_summary(root: Path) -> Json:
    try:
        return read_json(root / SUMMARY, Json)
    except InputError:  # There is none, or it was edited or cut short: all is made anew.
        return {}


def _are_unchanged(root: Path, outputs: Dict[str, str]) -> bool:
    return all((root / name).is_file() and checksum(root / name) == known for name, known in outputs.items())


class _Gathering:
    """One run: reads the folders in order, writes the outputs, and collects the summary.

    root (Path): The project. lang (str): Its language. nlp (Language): A blank pipeline of it.
    files (Dict[str, List[Path]]): All files of each folder. broken (Broken): See `read_columns`.
    """

    def __init__(self, root: Path, lang: str, nlp: Language, files: Dict[str, List[Path]], broken: Broken) -> None:
        self.root, self.lang, self.nlp, self.files, self.broken = root, lang, nlp, files, broken
        self.notes = Notes()
        self.lines: Dict[Doc, Line] = {}
        self.out = CorpusFiles(root)
        entry = find_code(lang)
        described = {"code": lang, "name": entry.name if entry else lang, "script": entry.script if entry else ""}
        self.summary: Json = {"language": described}

    def run(self, seed: int) -> None:
        """Read all folders, write all outputs."""
        self.summary["english"] = find_english(self.files["english"], self.root)
        pairs = self._read_bitext()
        text = self._read_text()
        if not text and not pairs:
            raise self._nothing_to_read()
        gold = self._read_labelled("gold")
        corrected = self._without_gold(self._read_labelled("corrected"), gold)
        tokens = known_tokens(text, gold, corrected)
        english = self.out.english_docs(pairs)
        target = [self.out.target_doc(self.nlp, pair, tokens) for pair in pairs]
        if pairs:
            self.out.write_lines("bitext/en.txt", [pair.english for pair in pairs])
            self.out.write_lines("bitext/target.txt", [pair.target for pair in pairs])
            self.out.write_docs("bitext/target.spacy", target)
            self.out.write_tokens("bitext", pairs, english, target, tokens)
        self._check_languages(text, target, english)
        if not text:
            text = target
            self.summary["text"] = {"from": "bitext", **sizes(text)}
        self.out.write_docs("text.spacy", text)
        self._choose_road(text, target, gold, seed)
        if gold:
            self.out.write_docs("gold.spacy", gold)
            self._compare_gold(gold, text, pairs)
        if corrected:
            self.out.write_docs("corrected.spacy", corrected)
        self.summary["sources"] = read_sources(
            self.root, self.files["sources"], self.lang, seed, self.broken, self.out, self.notes
        )
        self.summary["not_read"] = dict(sorted(self.notes.not_read.items()))
        self.summary["warnings"] = self.notes.warnings

    def _nothing_to_read(self) -> XnerError:
        message = f"{self.root}: there is no text: text/ and bitext/ hold nothing that can be read"
        others = ", ".join(list(self.notes.not_read)[:3])
        message += f" (these are of other forms: {others})." if others else "."
        return XnerError(message, "Put raw text into text/ as .txt files in UTF-8, or a bitext into bitext/.")

    def _leave_alone(self, path: Path) -> None:
        name = name_below(self.root, path)
        self.notes.not_read[name] = "its name says no form that can be read"
        self.notes.warnings.append(f"{name}: is not read, since its name says no form that can be read.")

    def _read_bitext(self) -> List[Pair]:
        files = [path for path in self.files["bitext"] if has_code(path, self.lang) or path.suffix in (".txt", ".gz")]
        for path in self.files["bitext"]:
            if path not in files:
                self._leave_alone(path)
        counts: Counter = Counter()
        pairs: List[Pair] = []
        described = {}
        for pair_files in find_pairs(self.root / "bitext", self.lang, files):
            its_pairs = read_pairs(pair_files, self.lang, counts)
            described[name_below(self.root, pair_files.target)] = len(its_pairs)
            pairs += its_pairs
        if pairs:
            same = sum(pair.english == pair.target for pair in pairs)
            self.summary["bitext"] = {"sentences": len(pairs), "the_same_on_both_sides": same, "files": described}
            self.summary["bitext"] |= counted(counts)
        return pairs

    def _read_text(self) -> List[Doc]:
        known, unknown = sort_by_kind(self.files["text"])
        for path in unknown:
            self._leave_alone(path)
        counts: Counter = Counter()
        reader = TextReader(self.nlp, self.root, counts, self.broken)
        docs: List[Doc] = []
        described: Json = {}
        for path, kind in known:
            layout, its_docs = reader.read(path, kind)
            name = name_below(self.root, path)
            described[name] = {"layout": layout, "sentences": len(its_docs)}
            if not its_docs:
                self.notes.warnings.append(f"{name}: is empty.")
            docs += its_docs
        self.summary["text"] = {"from": "text", **sizes(docs), "files": described, **counted(counts)}
        return docs

    def _read_labelled(self, folder: str) -> List[Doc]:
        if not self.files[folder]:
            return []
        labelled = read_labelled(self.files[folder], self.nlp, self.root, self.broken)
        self.summary[folder] = labelled.summary
        if warning := check_composition(self._lines_of(labelled.docs)):
            self.notes.warnings.append(f"{folder}/: {warning}")
        if not any(labelled.summary["entities"].values()):
            self.notes.warnings.append(f"{folder}/ holds no entity of PER, LOC or ORG.")
        return labelled.docs

    def _without_gold(self, corrected: List[Doc], gold: List[Doc]) -> List[Doc]:
        """RETURNS (List[Doc]): The corrected sentences that are not in the test set; the others are counted."""
        tested = {text_key(doc) for doc in gold}
        kept = [doc for doc in corrected if text_key(doc) not in tested]
        n_left_out = len(corrected) - len(kept)
        if n_left_out:
            self.summary["corrected"]["left_out"]["sentences left out: also in gold/"] = n_left_out
            message = f"corrected/: {n_left_out} sentences are also in gold/, so they are left out."
            self.notes.warnings.append(message)
        return kept

    def _check_languages(self, text: Sequence[Doc], target: Sequence[Doc], english: Sequence[Doc]) -> None:
        for folder, docs in (("text/", text), ("bitext/", target)):
            lines = self._lines_of(docs)
            for warning in (check_script(lines, self.lang), check_language(lines, self.lang), check_composition(lines)):
                if warning:
                    self.notes.warnings.append(f"{folder}: {warning}")
        warning = check_english([line_of(doc) for doc in english])
        if warning:
            self.notes.warnings.append(f"bitext/, English side: {warning}")

    def _lines_of(self, docs: Sequence[Doc]) -> List[Line]:
        """RETURNS (List[Line]): Docs as lines for the checks; what was a line once is not made again."""
        for doc in docs:
            if doc not in self.lines:
                self.lines[doc] = line_of(doc)
        return [self.lines[doc] for doc in docs]

    def _choose_road(self, text: List[Doc], target: List[Doc], gold: List[Doc], seed: int) -> None:
        """Decide which text the teacher labels: the text, if its translations are known or a translator makes them;
        else the target side of the bitext.
        """
        translations = {text_key(doc) for doc in target}
        translated = [doc for doc in text if text_key(doc) in translations]
        share = len(translated) / len(text)
        if not target:
            road, name, labelled = "translator", "text.spacy", text
        elif share >= TRANSLATED_FROM:
            road, name, labelled = "bitext", "translated.spacy", translated
            self.out.write_docs(name, translated)
        else:
            road, name, labelled = "transfer of bitext", "bitext/target.spacy", target
        self.summary["translated"] = len(translated)
        self.summary["translated_share"] = round(share, 4)
        self.summary["road"] = road
        self.summary["labelled_text"] = f"{OUT}/{name}"
        self.summary["domain"] = {}
        others = {"gold": gold} if gold else {}
        if labelled is target:
            others["text"] = text
        labelled_lines = self._lines_of(labelled)
        labelled_name = "the bitext" if labelled is target or self.summary["text"]["from"] == "bitext" else "text/"
        for folder, docs in others.items():
            lines = self._lines_of(docs)
            distance = compare_domains(lines, labelled_lines, seed)
            if distance is not None:
                self.summary["domain"][folder] = distance
                if distance["far"]:
                    self.notes.warnings.append(domain_warning(distance, f"{folder}/", labelled_name))

    def _compare_gold(self, gold: Sequence[Doc], text: Sequence[Doc], pairs: Sequence[Pair]) -> None:
        """Count the test sentences that are also in the text, and those that have a translation."""
        keys = {text_key(doc) for doc in text}
        translations = {sentence_key(pair.target) for pair in pairs}
        n_seen = sum(text_key(doc) in keys for doc in gold)
        self.summary["gold"]["also_in_text"] = n_seen
        self.summary["gold"]["translated"] = sum(text_key(doc) in translations for doc in gold)
        if n_seen:
            self.notes.warnings.append(
                f"gold/: {n_seen} of {len(gold)} sentences are also in the text, so the student sees them in training, "
                "though without their labels."
            )
