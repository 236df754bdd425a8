"""Corrected sentences back from an annotation tool, as Docs. No sentence is lost: each becomes a Doc, or is counted."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, Iterator, List, Optional, Sequence, Set, Tuple, Union

from spacy.language import Language
from spacy.tokens import Doc

from ..corpora.docs import bare_copy, docbin_paths, docs_of, part_of, read_docbin, set_aside_if_long
from ..corpora.files import require_file
from ..corpora.formats.jsonl import place_spans, words_at
from ..corpora.made_at_once import write_docbins
from ..distillation.soft.soft_labels import set_soft
from ..docdata import SPANS_KEY, Correction, set_correction
from ..errors import InputError, XnerError
from ..languages import blank
from ..types import PathLike
from .all_tools import TOOLS, get_tool
from .records import first_record
from .tickets import run_identity
from .tools import CORRECTED, REJECTED, SKIPPED, UNTOUCHED, AnnotationTool, Answer

# What is counted.
SENTENCES = "sentences"
EDITED = "sentences whose text was edited by hand: tokenised anew"
NO_TICKET = "sentences that xner did not export"
DISAGREE = "sentences whose annotators disagree: all answers kept"
AGREE = "sentences whose annotators agree: all answers kept"
SAME_AGAIN = "answers left out: the same annotator said the same before"
REPLACED = "answers left out: a later one of the same annotator counts"
NOT_BACK = "exported sentences that are not in the file"
TOKENS_GONE = "sentences tokenised anew: their tokens no longer fit the text"
_LEFT_OUT = {
    REJECTED: "sentences left out: rejected",
    SKIPPED: "sentences left out: skipped",
    UNTOUCHED: "sentences left out: nobody has answered",
}
# What makes a sentence the same sentence: where it comes from, or for one that xner did not export, its place.
_Key = Tuple[Union[str, int], ...]


def import_corrections(
    corrected: PathLike,
    output: PathLike,
    *,
    tool: str,
    run: Optional[PathLike] = None,
    labels: Optional[List[str]] = None,
    annotator: Optional[str] = None,
    keep_all: bool = False,
    lang: str = "xx",
) -> Dict[str, int]:
    """Corrected sentences back from an annotation tool. Tokens come back as they were exported. What was rejected,
    skipped or not answered is left out and counted. See docs/correct.md.

    corrected (PathLike): The file that the tool exported, or a folder of such files, each with the name of its annotator.
    output (PathLike): Where the corrected sentences go: .spacy, or a folder of shards.
    tool (str): The annotation tool.
    run (Optional[PathLike]): The corpus that was exported: each sentence comes back with its reading, links and other
        data, in the order of the corpus.
    labels (Optional[List[str]]): Labels that may occur, comma-separated; any other is an error.
    annotator (Optional[str]): Who has answered, where the file doesn't say so.
    keep_all (bool): Keep rejected and skipped sentences too; nothing is known of their entities.
    lang (str): Language code of the text.
    RETURNS (Dict[str, int]): The counts: sentences and entities that were written, and what was changed or left out.
    RAISES: InputError with file and line for a file of another tool or version, that is cut short or has unknown labels;
        XnerError for a corpus that the sentences do not come from. Nothing is written then.
    """
    chosen = get_tool(tool)
    counts: Counter = Counter({SENTENCES: 0, "entities": 0})
    answers = _chosen(_read(Path(corrected), chosen, tool, annotator), keep_all, counts)
    if labels is not None:
        _require_labels(answers, labels)
    nlp = blank(lang)
    docs: Iterator[Doc]
    if run is None:
        docs = (doc for answer in answers for doc in _made(answer, nlp, tool, counts))
    else:
        docs = _made_on_run(answers, Path(run), nlp, tool, counts)
    inputs = [path for path in (corrected, run) if path is not None]
    settings = {"tool": tool, "labels": labels, "annotator": annotator, "keep_all": keep_all, "lang": lang}
    # Of a folder of a tool's files, only the name is noted: it is no folder of shards.
    inputs = [path for path in inputs if path == run or Path(path).is_file()]
    write_docbins(
        [(output, _counted(docs, corrected, counts))], made_by="xner import", inputs=inputs, settings=settings
    )
    return {name: number for name, number in counts.items() if number or name in (SENTENCES, "entities")}


def _counted(docs: Iterator[Doc], corrected: PathLike, counts: Counter) -> Iterator[Doc]:
    for doc in docs:
        counts[SENTENCES] += 1
        counts["entities"] += len(doc.ents)
        yield doc
    if not counts[SENTENCES]:
        reasons = "; ".join(f"{what}: {number}" for what, number in counts.items() if number)
        raise InputError("has no corrected sentence.", corrected, None, reasons)


# --- the answers ---


def _read(path: Path, tool: AnnotationTool, name: str, annotator: Optional[str]) -> Iterator[Answer]:
    files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    if not files:
        raise InputError("is an empty folder.", path)
    for file in files:
        require_file(file, "an export is looked at before it is read")
        _refuse_other_tool(file, tool, name)
        is_empty = True
        # Some tools export a file for each annotator, with their name. doccano's `all` is nobody in particular.
        of_file = file.stem if path.is_dir() and file.stem != "all" else None
        for answer in tool.read(file):
            is_empty = False
            yield answer._replace(annotator=answer.annotator or annotator or of_file)
        if is_empty:
            raise InputError("is empty.", file)


def _refuse_other_tool(path: Path, tool: AnnotationTool, name: str) -> None:
    """RAISES: InputError if a file looks like the export of another tool."""
    start = first_record(path)
    if start is None or tool.owns(start):
        return
    for other_name, other in TOOLS.items():
        if other_name != name and other.owns(start):
            message = f"looks like an export of {other.title}, not of {tool.title}."
            raise InputError(message, path, 1, f"If it is one: xner import --from {other_name}")


def _chosen(answers: Iterator[Answer], keep_all: bool, counts: Counter) -> List[Answer]:
    """RETURNS (List[Answer]): The answers that count: of an annotator's to one sentence the last, in the order of the
    file.
    """
    # By sentence and annotator, the number of the answer that counts; the order of a dict is that of its first keys.
    by_sentence: Dict[_Key, Dict[Optional[str], Answer]] = defaultdict(dict)
    seen: Dict[Tuple[str, int], Set[int]] = defaultdict(set)
    for number, answer in enumerate(answers):
        ticket = answer.ticket
        if ticket is None:
            counts[NO_TICKET] += 1
        else:
            seen[ticket.run, ticket.of].add(ticket.number)
        key: _Key = (number,) if ticket is None else (ticket.run, ticket.number)
        of_sentence = by_sentence[key]
        before = of_sentence.get(answer.annotator)
        if before is not None:
            if answer.status == UNTOUCHED and before.status != UNTOUCHED:
                counts[SAME_AGAIN] += 1
                continue
            is_same = (before.status, before.text, sorted(before.spans)) == (
                answer.status,
                answer.text,
                sorted(answer.spans),
            )
            counts[SAME_AGAIN if is_same else REPLACED] += 1
        of_sentence[answer.annotator] = answer
    for (_, total), numbers in seen.items():
        counts[NOT_BACK] += max(total - len(numbers), 0)
    kept_statuses = (CORRECTED, REJECTED, SKIPPED) if keep_all else (CORRECTED,)
    chosen: List[Answer] = []
    for of_sentence in by_sentence.values():
        of_people = [answer for answer in of_sentence.values() if answer.status == CORRECTED]
        if len(of_people) > 1:
            opinions = {(answer.text, tuple(sorted(answer.spans))) for answer in of_people}
            counts[AGREE if len(opinions) == 1 else DISAGREE] += 1
        for answer in of_sentence.values():
            if answer.status in kept_statuses:
                chosen.append(answer)
            # That nobody has answered is no news where somebody has.
            elif answer.status != UNTOUCHED or len(of_sentence) == 1:
                counts[_LEFT_OUT[answer.status]] += 1
    return chosen


def _require_labels(answers: Sequence[Answer], labels: Sequence[str]) -> None:
    for answer in answers:
        for _, _, label in answer.spans:
            if label not in labels:
                message = f"unknown label {label!r}; expected {', '.join(labels)}."
                raise InputError(message, answer.where, answer.line, "Correct it in the tool, or name it in --labels.")


# --- the Docs ---


def _made(answer: Answer, nlp: Language, tool: str, counts: Counter, original: Optional[Doc] = None) -> Iterator[Doc]:
    """YIELDS (Doc): The Doc of an answer; none for a text that is too long. original (Optional[Doc]): The sentence as it
    was exported, for its data.
    """
    if set_aside_if_long(nlp, answer.text, answer.where, answer.line, counts):
        return
    ticket = answer.ticket
    is_edited = ticket is not None and not ticket.belongs_to(answer.text)
    counts[EDITED] += is_edited
    if original is not None and not is_edited:
        doc = bare_copy(original, nlp.vocab)
        doc.user_data.update(original.user_data)
        _forget_proposals(doc)
    else:
        doc = _tokenised(answer, nlp, is_edited, counts)
        if original is not None:
            doc._.xner_source = original._.xner_source
    if answer.status == CORRECTED:
        doc.set_ents(place_spans(doc, answer.spans, answer.where, answer.line, counts), default="outside")
    else:
        doc.set_ents([], default="missing")
    run, number = (None, None) if ticket is None else (ticket.run, ticket.number)
    set_correction(doc, Correction(answer.status, tool, answer.annotator, run, number, is_edited))
    yield doc


def _forget_proposals(doc: Doc) -> None:
    """Remove what a pipeline thought of a sentence: a person knows better."""
    set_soft(doc, None)
    doc.spans.pop(SPANS_KEY, None)


def _tokenised(answer: Answer, nlp: Language, is_edited: bool, counts: Counter) -> Doc:
    """RETURNS (Doc): The text with the tokens that were exported, those that the tool gives, or those of the language."""
    tokens = None
    if answer.ticket is not None and not is_edited:
        tokens = answer.ticket.words_and_spaces(answer.text)
    if tokens is None and answer.tokens is not None:
        tokens = words_at(answer.text, answer.tokens)
    if tokens is not None:
        return Doc(nlp.vocab, words=tokens[0], spaces=tokens[1])
    counts[TOKENS_GONE] += answer.ticket is not None and not is_edited
    return nlp.make_doc(answer.text)


def _made_on_run(answers: Sequence[Answer], run: Path, nlp: Language, tool: str, counts: Counter) -> Iterator[Doc]:
    """YIELDS (Doc): The Docs of answers in the order of the run that was exported, with its data. RAISES: XnerError if it
    was another run.
    """
    identity = run_identity(run)
    by_number: Dict[int, List[Answer]] = defaultdict(list)
    others: List[Answer] = []
    for answer in answers:
        if answer.ticket is None:
            others.append(answer)
            continue
        if answer.ticket.run != identity:
            place = f"{answer.where}:{answer.line}" if answer.line else answer.where
            raise XnerError(
                f"{place}: comes from another corpus than {run}.",
                "Name the corpus that was exported, as it was then, or leave out --run.",
            )
        by_number[answer.ticket.number].append(answer)
    first = 1
    for file in docbin_paths(run):
        docbin = read_docbin(file)
        numbers = sorted(number for number in by_number if first <= number < first + len(docbin))
        docs = docs_of(part_of(docbin, [number - first for number in numbers]), nlp.vocab, file, lazy=True)
        for number, original in zip(numbers, docs, strict=True):
            for answer in by_number.pop(number):
                yield from _made(answer, nlp, tool, counts, original)
        first += len(docbin)
    if by_number:
        raise XnerError(f"{run} has no sentence {min(by_number)}.", "Name the corpus that was exported.")
    for answer in others:
        yield from _made(answer, nlp, tool, counts)
