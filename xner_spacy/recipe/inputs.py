"""The first step of a project: read what the user put into its folders, check it, and write it to `corpus/`.

docs/inputs.md says what goes where, and what each field of the summary means.
"""

import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

from spacy.language import Language
from spacy.tokens import Doc
from spacy.util import get_words_and_spaces

from ..corpora.docs import write_docbin
from ..corpora.reading import read_json
from ..corpora.splitting import split_docs
from ..corpora.watching import base_versions, checksum, printable
from ..corpora.writing import atomic_write, write_json, written_together
from ..errors import InputError, XnerError
from ..languages import blank, codes_of, find_code
from ..text import split_tokens
from ..translation.given_bitext import letters_key
from ..types import Json, PathLike
from .bitext_files import Pair, find_pairs, has_code, read_pairs
from .english_models import find_english
from .folders import list_files, sort_by_kind
from .labelled_files import read_labelled
from .text_checks import check_english, check_language, check_script, compare_domains, domain_warning, lines_of
from .text_files import PLACE_KEY, TextReader

FOLDERS = ("text", "bitext", "gold", "corrected", "sources", "english")
OUT = "corpus"
SUMMARY = f"{OUT}/inputs.json"
# From which share of translated sentences the teacher labels the text itself.
TRANSLATED_FROM = 0.5
DEV_SHARE = 0.1

Tokens = Dict[str, List[str]]


def gather_inputs(project: PathLike, lang: str, *, seed: int = 0) -> Dict[str, Any]:
    """Read the folders text/, bitext/, gold/, corrected/, sources/ and english/ of a project and write corpus/. If
    neither they nor the outputs have changed since the last run, nothing is done.

    project (PathLike): The project's folder. lang (str): A code of its language.
    seed (int): Of the draw of development sets for sources that have none.
    RETURNS (Dict[str, Any]): The summary, which is also written to corpus/inputs.json (see docs/inputs.md).
    RAISES: XnerError for the first input that can't be used; corpus/ is as it was then.
    """
    root = Path(project)
    _check_language(lang)
    files = {name: list_files(root / name) for name in FOLDERS}
    identity: Json = {"lang": lang, "seed": seed, "versions": base_versions()}
    identity["files"] = {_name(root, path): checksum(path) for name in FOLDERS for path in files[name]}
    before = _last_summary(root)
    if before.get("identity") == identity and _are_unchanged(root, before.get("outputs", {})):
        return before
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        nlp = blank(lang)
    gathering = _Gathering(root, lang, nlp, seed, files)
    gathering.warnings += [str(warning.message) for warning in caught if warning.category is UserWarning]
    with written_together():
        gathering.run()
    summary = {**gathering.summary, "identity": identity}
    summary["outputs"] = {name: checksum(root / name) for name in sorted(gathering.outputs)}
    for name in {*before.get("outputs", {})} - {*summary["outputs"]}:
        (root / name).unlink(missing_ok=True)
    write_json(root / SUMMARY, summary)
    return summary


def _check_language(lang: str) -> None:
    """RAISES: XnerError for an unknown language, and for English."""
    blank_error = find_code(lang) is None
    if blank_error:
        blank(lang)
    if lang.lower() in codes_of("en"):
        raise XnerError("The language is English, which needs no translation.", "Use an English pipeline of spaCy.")


def _name(root: Path, path: Path) -> str:
    return printable(path.relative_to(root).as_posix())


def _last_summary(root: Path) -> Json:
    path = root / SUMMARY
    if not path.is_file():
        return {}
    try:
        return read_json(path, Json)
    except InputError:  # It was edited or cut short: all is made anew.
        return {}


def _are_unchanged(root: Path, outputs: Dict[str, str]) -> bool:
    return all((root / name).is_file() and checksum(root / name) == known for name, known in outputs.items())


class _Gathering:
    """One run: reads the folders in order, and collects the summary."""

    def __init__(self, root: Path, lang: str, nlp: Language, seed: int, files: Dict[str, List[Path]]) -> None:
        self.root, self.lang, self.nlp, self.seed, self.files = root, lang, nlp, seed, files
        self.warnings: List[str] = []
        self.not_read: Dict[str, str] = {}
        self.outputs: List[str] = []
        entry = find_code(lang)
        described = {"code": lang, "name": entry.name if entry else lang, "script": entry.script if entry else ""}
        self.summary: Json = {"language": described}

    def run(self) -> None:
        """Read all folders, write all outputs."""
        pairs = self._read_bitext()
        text = self._read_text()
        gold = self._read_labelled("gold")
        corrected = self._without_gold(self._read_labelled("corrected"), gold)
        if not text and not pairs:
            raise self._nothing_to_read()
        tokens = _known_tokens(text, gold, corrected)
        target = self._target_docs(pairs, tokens)
        if not text:
            text = target
            self.summary["text"] = {"from": "bitext", **_sizes(text)}
        self._check(text, pairs, target)
        self._choose_road(text, target, pairs, gold)
        self._write_docs("text.spacy", text)
        if pairs:
            self._write_bitext(pairs, target, tokens)
        if gold:
            self._write_docs("gold.spacy", gold)
            keys = {_key(doc) for doc in text}
            translated = {letters_key(pair.target) for pair in pairs}
            n_seen = self.summary["gold"]["also_in_text"] = sum(_key(doc) in keys for doc in gold)
            if n_seen:
                self.warnings.append(
                    f"gold/: {n_seen} of {len(gold)} sentences are also in the text: the student sees them in training, "
                    "though without their labels."
                )
            self.summary["gold"]["translated"] = sum(_key(doc) in translated for doc in gold)
        if corrected:
            self._write_docs("corrected.spacy", corrected)
        self._read_sources()
        self.summary["english"] = find_english(self.root / "english", self.files["english"], self.root)
        self.summary["not_read"] = dict(sorted(self.not_read.items()))
        self.summary["warnings"] = self.warnings

    def _nothing_to_read(self) -> XnerError:
        others = [name for name in self.not_read if name.startswith(("text/", "bitext/"))]
        message = f"{self.root}: there is no text in {self.lang}: text/ and bitext/ hold nothing that can be read"
        message += f" (not read: {', '.join(others[:3])})." if others else "."
        return XnerError(message, "Put raw text into text/ as .txt files in UTF-8, or a bitext into bitext/.")

    def _read_bitext(self) -> List[Pair]:
        files = self._known_files("bitext", lambda path: has_code(path, self.lang) or path.suffix in (".txt", ".gz"))
        counts: Counter = Counter()
        pairs: List[Pair] = []
        described = {}
        for pair_files in find_pairs(self.root / "bitext", self.lang, files):
            read = read_pairs(pair_files, self.lang, counts)
            described[_name(self.root, pair_files.target)] = len(read)
            pairs += read
        if pairs:
            same = sum(pair.english == pair.target for pair in pairs)
            self.summary["bitext"] = {"pairs": described, "sentences": len(pairs), "the_same_on_both_sides": same}
            self.summary["bitext"]["left_out"] = _counted(counts)
        return pairs

    def _read_text(self) -> List[Doc]:
        known, unknown = sort_by_kind(self.files["text"])
        for path in unknown:
            self.not_read[_name(self.root, path)] = f"a file that ends with {path.suffix or 'nothing'}"
        counts: Counter = Counter()
        reader = TextReader(self.nlp, self.root, counts)
        docs: List[Doc] = []
        described: Json = {}
        for path, kind in known:
            layout, read = reader.read(path, kind)
            described[_name(self.root, path)] = {"layout": layout, "sentences": len(read)}
            if not read:
                self.warnings.append(f"{_name(self.root, path)}: is empty.")
            docs += read
        self.summary["text"] = {"from": "text", **_sizes(docs), "left_out": _counted(counts), "files": described}
        return docs

    def _known_files(self, folder: str, is_known: Any) -> List[Path]:
        """RETURNS (List[Path]): The files of a folder that can be read; the others are noted."""
        files = []
        for path in self.files[folder]:
            if is_known(path):
                files.append(path)
            else:
                self.not_read[_name(self.root, path)] = f"a file that ends with {path.suffix or 'nothing'}"
        return files

    def _read_labelled(self, folder: str) -> List[Doc]:
        if not self.files[folder]:
            return []
        labelled = read_labelled(self.files[folder], self.nlp, self.root)
        self.summary[folder] = labelled.summary
        self._warn_of_labels(folder, labelled.summary)
        return labelled.docs

    def _warn_of_labels(self, folder: str, summary: Json) -> None:
        if not any(summary["entities"].values()):
            self.warnings.append(f"{folder}/ holds no entity of PER, LOC or ORG in {summary['sentences']} sentences.")

    def _without_gold(self, corrected: List[Doc], gold: List[Doc]) -> List[Doc]:
        """Training text must not hold the test set: its sentences are left out, and counted."""
        tested = {_key(doc) for doc in gold}
        kept = [doc for doc in corrected if _key(doc) not in tested]
        if len(kept) < len(corrected):
            n = len(corrected) - len(kept)
            self.summary["corrected"]["left_out"]["sentences left out: also in gold/"] = n
            self.warnings.append(f"corrected/: {n} sentences are also in gold/, and are not trained on.")
        return kept

    def _target_docs(self, pairs: Sequence[Pair], tokens: Tokens) -> List[Doc]:
        return [_placed_doc(self.nlp, self.root, pair, tokens.get(letters_key(pair.target))) for pair in pairs]

    def _check(self, text: Sequence[Doc], pairs: Sequence[Pair], target: Sequence[Doc]) -> None:
        sides = [("text/", lines_of(text, PLACE_KEY))] if self.summary["text"]["from"] == "text" else []
        if pairs:
            sides.append(("bitext/", lines_of(target, PLACE_KEY)))
        for folder, lines in sides:
            for warning in (check_script(lines, self.lang), check_language(lines, self.lang)):
                if warning:
                    self.warnings.append(f"{folder}: {warning}")
        if pairs:
            english = blank("en")
            docs = [_placed_doc(english, self.root, pair._replace(target=pair.english), None) for pair in pairs]
            warning = check_english(lines_of(docs, PLACE_KEY))
            if warning:
                self.warnings.append(f"bitext/: {warning}")

    def _choose_road(self, text: List[Doc], target: List[Doc], pairs: Sequence[Pair], gold: Sequence[Doc]) -> None:
        """Decide which text the teacher labels: the text, if translations are known or a translator makes them; else
        the target side of the bitext.
        """
        translations = {letters_key(pair.target) for pair in pairs}
        translated = [doc for doc in text if _key(doc) in translations]
        share = len(translated) / len(text)
        self.summary["translated"] = len(translated)
        self.summary["translated_share"] = round(share, 4)
        if not pairs:
            road, labelled = "translator", "text.spacy"
        elif share >= TRANSLATED_FROM:
            road, labelled = "bitext", "translated.spacy"
            self._write_docs(labelled, translated)
        else:
            road, labelled = "transfer of bitext", "bitext/target.spacy"
        self.summary["road"] = road
        self.summary["labelled_text"] = f"{OUT}/{labelled}"
        if not pairs:
            return
        labelled_lines = lines_of(target if road == "transfer of bitext" else translated, PLACE_KEY)
        for name, docs in (("text", text if road == "transfer of bitext" else ()), ("gold", gold)):
            distance = compare_domains(lines_of(docs, PLACE_KEY), labelled_lines, self.seed)
            if distance is not None:
                self.summary.setdefault("domain", {})[name] = distance
                if distance["far"]:
                    self.warnings.append(domain_warning(distance, f"{name}/"))

    def _write_docs(self, name: str, docs: Sequence[Doc]) -> None:
        write_docbin(self.root / OUT / name, docs)
        self.outputs.append(f"{OUT}/{name}")

    def _write_lines(self, name: str, lines: Sequence[str]) -> None:
        with atomic_write(self.root / OUT / name) as file:
            file.write("".join(f"{line}\n" for line in lines))
        self.outputs.append(f"{OUT}/{name}")

    def _write_bitext(self, pairs: Sequence[Pair], target: Sequence[Doc], tokens: Tokens) -> None:
        self._write_lines("bitext/en.txt", [pair.english for pair in pairs])
        self._write_lines("bitext/target.txt", [pair.target for pair in pairs])
        self._write_docs("bitext/target.spacy", target)
        self._write_tokens("bitext", pairs, self.nlp, tokens)

    def _write_tokens(self, folder: str, pairs: Sequence[Pair], nlp: Language, tokens: Tokens) -> None:
        """Write both sides for an aligner, one space between tokens. It meets the target as the text tokenises it, so
        it learns from the same tokens where they are known.
        """
        english = blank("en")
        target = [tokens.get(letters_key(pair.target)) or _split(nlp, pair.target) for pair in pairs]
        self._write_lines(f"{folder}/en.tok", [_as_line(_split(english, pair.english)) for pair in pairs])
        self._write_lines(f"{folder}/target.tok", [_as_line(words) for words in target])

    def _read_sources(self) -> None:
        self.summary["sources"] = {}
        by_language: Dict[str, List[Path]] = {}
        for path in self.files["sources"]:
            parts = path.relative_to(self.root / "sources").parts
            if len(parts) < 2:
                hint = "Give each source language a folder: sources/swa/train.iob"
                raise InputError("lies in no folder of a language.", path, None, hint)
            by_language.setdefault(parts[0], []).append(path)
        for lang, files in sorted(by_language.items()):
            self._read_source(lang, files)

    def _read_source(self, lang: str, files: Sequence[Path]) -> None:
        folder = self.root / "sources" / lang
        if lang.lower() in codes_of(self.lang):
            hint = "Put its labelled text into corrected/ (training) or gold/ (test)."
            raise InputError("is the language of the project itself.", folder, None, hint)
        if find_code(lang) is None:
            try:
                blank(lang)
            except XnerError as error:
                raise InputError(error.message, folder, None, error.hint) from None
        nlp = blank(lang)
        bitext = [path for path in files if has_code(path, lang)]
        by_split: Dict[str, List[Path]] = {}
        for path in files:
            if path not in bitext:
                by_split.setdefault(_split_of(path), []).append(path)
        for path in by_split.pop("test", []):
            self.not_read[_name(self.root, path)] = "a test set of a source language"
        if "train" not in by_split:
            raise InputError("has no labelled training text.", folder, None, f"Put in: sources/{lang}/train.iob")
        train = read_labelled(by_split["train"], nlp, self.root)
        summary: Json = {"train": train.summary}
        self._warn_of_labels(f"sources/{lang}", train.summary)
        if "dev" in by_split:
            dev = read_labelled(by_split["dev"], nlp, self.root)
            summary["dev"] = dev.summary
            train_docs, dev_docs = train.docs, dev.docs
        else:
            train_docs, dev_docs = split_docs(train.docs, DEV_SHARE, self.seed)
            summary["drawn_for_dev"] = len(dev_docs)
        self._write_docs(f"sources/{lang}/train.spacy", train_docs)
        self._write_docs(f"sources/{lang}/dev.spacy", dev_docs)
        if bitext:
            counts: Counter = Counter()
            found = find_pairs(folder, lang, bitext)
            pairs = [pair for pair_files in found for pair in read_pairs(pair_files, lang, counts)]
            self._write_tokens(f"sources/{lang}", pairs, nlp, _known_tokens([], train_docs, dev_docs))
            summary["bitext"] = {"sentences": len(pairs), "left_out": _counted(counts)}
        self.summary["sources"][lang] = summary


def _split_of(path: Path) -> str:
    """RETURNS (str): "train", "dev" or "test", by the words of a file's name or of its folder; "train" by default."""
    words = split_words(f"{path.parent.name} {path.name}")
    for name, spellings in (("test", {"test"}), ("dev", {"dev", "valid", "validation", "val", "development"})):
        if words & spellings:
            return name
    return "train"


def split_words(name: str) -> set:
    """RETURNS (set): The words of a file's name in lower case: "a-b.c" has a, b and c."""
    return set(split_tokens("".join(char.lower() if char.isalnum() else " " for char in name)))


def _known_tokens(*corpora: Sequence[Doc]) -> Tokens:
    """RETURNS (Tokens): The tokens of each sentence by its letters; the first corpus that has a sentence decides."""
    tokens: Tokens = {}
    for docs in corpora:
        for doc in docs:
            tokens.setdefault(_key(doc), [token.text for token in doc if not token.is_space])
    return tokens


def _key(doc: Doc) -> str:
    return letters_key(doc.text)


def _placed_doc(nlp: Language, root: Path, pair: Pair, words: Optional[List[str]]) -> Doc:
    """RETURNS (Doc): The target side of a pair, with known tokens if they fit its text."""
    doc = None
    if words:
        try:
            words, spaces = get_words_and_spaces(words, pair.target)
            doc = Doc(nlp.vocab, words=words, spaces=spaces)
        except ValueError:  # Only letters are alike: a quotation mark, say, is written in another way.
            doc = None
    doc = nlp.make_doc(pair.target) if doc is None else doc
    doc.user_data[PLACE_KEY] = {"file": _name(root, pair.file), "line": pair.line}
    return doc


def _split(nlp: Language, text: str) -> List[str]:
    return [token.text for token in nlp.make_doc(text) if not token.is_space]


def _as_line(words: Sequence[str]) -> str:
    # A few tokenizers make tokens with a space inside.
    return " ".join("_".join(split_tokens(word)) for word in words)


def _sizes(docs: Sequence[Doc]) -> Dict[str, int]:
    texts = {doc.text for doc in docs}
    return {"sentences": len(docs), "tokens": sum(map(len, docs)), "duplicates": len(docs) - len(texts)}


def _counted(counts: Counter) -> Dict[str, int]:
    return {reason: n for reason, n in sorted(counts.items()) if n}
