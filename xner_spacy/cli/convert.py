"""`xner convert`: convert a corpus to another format, and count what the new format can't hold."""

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple, Union, get_args

from spacy.tokens import Doc, Span

from ..corpora.bitext import read_numbered_bitext
from ..corpora.docs import make_doc, read_docs, set_aside_if_long
from ..corpora.files import STDIN
from ..corpora.formats.columns import Broken, read_columns
from ..corpora.formats.jsonl import JSONL, read_jsonl
from ..corpora.formats.layouts import LAYOUTS, ColumnLayout, parse_column
from ..corpora.formats.lines import read_text
from ..corpora.formats.schemes import SCHEMES
from ..corpora.made_at_once import SHARD_SIZE, is_folder_output, write_docbins
from ..corpora.write import FORMS, Missing, Spaces, WriteOptions, form_of, nothing_left, write_corpus
from ..errors import InputError, XnerError, require
from ..labels import LabelMap, get_label_map, map_label
from ..languages import blank, blank_vocab, describe_language
from ..text import split_tokens
from ..types import PathLike
from .options import LARGEST_SIZE, choices, command, option, size
from .output import done, note, show_counts

FORMATS = (*LAYOUTS, "txt", "jsonl", *JSONL, "bitext", "docbin")


def convert(
    input_path: PathLike,
    output_path: PathLike,
    *,
    style: Optional[str] = None,
    token_column: Optional[str] = None,
    tag_column: Optional[str] = None,
    scheme: Optional[str] = None,
    comments: Optional[bool] = None,
    numbered: Optional[bool] = None,
    repair: bool = False,
    broken: Optional[str] = None,
    to: Optional[str] = None,
    missing: Optional[str] = None,
    spaces: Optional[str] = None,
    join_sentences: bool = False,
    shard_size: Optional[int] = None,
    label_map: Optional[str] = None,
    labels: Optional[List[str]] = None,
    limit: int = 0,
    lang: str = "xx",
    target: Optional[PathLike] = None,
    source_lang: Optional[str] = None,
    tokenized: bool = False,
) -> Dict[str, int]:
    """Convert a corpus: column files of every kind, JSON lines of annotation tools, tokenised text or a bitext to
    DocBin, .iob or .txt. What the new form can't hold is counted. See docs/formats.md.

    input_path (PathLike): File to read, - for standard input, or a folder of .spacy shards.
    output_path (PathLike): .iob or .txt (also .gz), .spacy, - for standard output, or a folder for numbered shards.
    style (Optional[str]): Layout of IN. By default .spacy files and folders are docbin, .jsonl is jsonl (prodigy or
        doccano, as each record's keys say), and all else iob2.
    token_column (Optional[str]): Where the token stands: 1 is the first column, -1 the last; or a name of CoNLL-U
        (FORM).
    tag_column (Optional[str]): Where the tag stands: as above, or MISC:key for `key=B-PER` in CoNLL-U's MISC.
    scheme (Optional[str]): How the tags mark entities.
    comments (Optional[bool]): Whether lines that begin with # and are no token with its tag are left out.
    numbered (Optional[bool]): Whether the first column numbers the tokens: rows of ranges (2-3) and empty nodes (2.1)
        are left out then.
    repair (bool): Mend what can be mended, and count it, instead of refusing the file.
    broken (Optional[str]): Of a column file: sentences with a line that can't be read (or mended). refuse the file (the
        default), or skip: leave them out, and count them.
    to (Optional[str]): Form of OUT, where its ending doesn't say it.
    missing (Optional[str]): To .iob: of tokens with missing values and sentences without translation nothing is known.
        refuse (the default), outside: write O, skip: leave the sentence out.
    spaces (Optional[str]): To .iob, .txt: a token that they can't hold, since it has white space inside. refuse (the
        default), or replace it by _.
    join_sentences (bool): To .iob, .txt: write a text of several sentences as one, not as one each.
    shard_size (Optional[int]): Sentences a shard, where OUT is a folder (default 1000).
    label_map (Optional[str]): conll, ontonotes, masakhaner, uner, norne, germeval, multiconer or wnut17: to PER, LOC,
        ORG.
    labels (Optional[List[str]]): Labels that may occur (after --label-map), comma-separated; any other is an error.
    limit (int): Stop after so many sentences (0 = all).
    lang (str): Language code of the (target) text.
    target (Optional[PathLike]): For bitext: the target-language file; IN is the source.
    source_lang (Optional[str]): For bitext: language code of the source text (default en).
    tokenized (bool): For bitext: tokens are separated by spaces already.
    RETURNS (Dict[str, int]): The counts: `sentences` and `entities` that were read, what was repaired, what was left
        out and what OUT can't hold.
    RAISES: InputError with file and line for unreadable input; XnerError for data that can't be written, or an option
        that has no effect. Nothing is written then.
    """
    input_path, output_path = Path(input_path), Path(output_path)
    require(limit >= 0 and (shard_size is None or shard_size >= 1), "--limit is 0 or more, and --shard-size 1 or more.")
    style = _style(input_path, style)
    is_folder = to is None and is_folder_output(output_path) and str(output_path) != STDIN
    if is_folder and output_path.exists() and not output_path.is_dir():
        message = f"{output_path} is no folder, and its name does not say which form it is to have."
        raise XnerError(message, "Name the form with --to, or give a name that ends with .iob, .txt or .spacy.")
    form = "docbin" if is_folder else form_of(output_path, to)
    column_options: Dict[str, Any] = {"token_column": token_column, "tag_column": tag_column, "scheme": scheme}
    column_options |= {"comments": comments, "numbered": numbered, "broken": broken}
    bitext_options = {"target": target, "source_lang": source_lang, "tokenized": tokenized or None}
    useless_options = {} if style in LAYOUTS else dict(column_options)
    if style != "bitext":
        useless_options |= bitext_options
    if style not in (*LAYOUTS, "txt"):
        useless_options["repair"] = repair or None
    _refuse(f"has no effect with the layout {style}", useless_options)
    useless_options = {"missing": missing} if form != "iob" else {}
    if form == "docbin":
        useless_options |= {"spaces": spaces, "join_sentences": join_sentences or None}
    if not is_folder:
        useless_options["shard_size"] = shard_size
    _refuse(f"has no effect on {output_path}", useless_options)
    counts: Counter = Counter(sentences=0, entities=0)
    if style == "bitext" and target is None:
        raise XnerError("A bitext is two files.", "IN is the source file; name the other with --target.")
    docs = _read(input_path, style, lang, repair, counts, column_options, bitext_options)
    selected_docs = _selected_docs(docs, input_path, label_map, labels, limit, counts)
    if is_folder:
        settings = {"style": style, **column_options, "repair": repair, "label_map": label_map, "limit": limit}
        settings |= {"lang": lang, "source_lang": source_lang, "tokenized": tokenized}
        inputs = [path for path in (input_path, target) if path is not None]
        output = [(output_path, selected_docs)]
        write_docbins(
            output, made_by="xner convert", inputs=inputs, settings=settings, shard_size=shard_size or SHARD_SIZE
        )
    else:
        options = WriteOptions(missing or "refuse", spaces or "refuse", join_sentences)  # type: ignore[arg-type]
        written = write_corpus(output_path, selected_docs, form, options, counts, input_path)
        if written != counts["sentences"]:
            counts["sentences written"] = written
    return {name: n for name, n in counts.items() if n or name in ("sentences", "entities")}


@command(
    convert,
    input_path="IN",
    output_path="OUT",
    style=option("--from", kind=Optional[choices(FORMATS)]),
    token_column=option(metavar="COLUMN"),
    tag_column=option(metavar="COLUMN"),
    scheme=option(kind=Optional[choices(SCHEMES)], case_sensitive=False),
    broken=option(kind=Optional[choices(get_args(Broken))]),
    to=option(kind=Optional[choices(FORMS)]),
    missing=option(kind=Optional[choices(get_args(Missing))]),
    spaces=option(kind=Optional[choices(get_args(Spaces))]),
    shard_size=size(),
    label_map=option("-m"),
    limit=option(min=0, max=LARGEST_SIZE),
)
def convert_cli(call: Callable[[], Dict[str, int]], output_path: PathLike, lang: str) -> None:
    """Print the counts, and what became of the language."""
    counts = call()
    show_counts(counts)
    if lang != "xx":
        note(describe_language(lang))
    done(f"{counts.get('sentences written', counts['sentences'])} sentences", output_path)


def _style(path: Path, style: Optional[str]) -> str:
    if style is not None:
        require(style in FORMATS, f"Unknown layout {style!r}.", f"Known: {', '.join(FORMATS)}.")
        return style
    endings = [ending for ending in path.suffixes if ending != ".gz"][-1:]
    if path.is_dir() or endings == [".spacy"]:
        return "docbin"
    if endings == [".jsonl"]:
        return "jsonl"
    if endings == [".json"]:
        raise InputError("is JSON.", path, None, "Name its layout: --from labelstudio.")
    return "iob2"


def _refuse(why: str, settings: Dict[str, Any]) -> None:
    for name, value in settings.items():
        require(value is None, f"--{name.replace('_', '-')} {why}.", "Leave it away.")


def _layout(
    style: str, *, token_column: Optional[str], tag_column: Optional[str], **options: Union[bool, str, None]
) -> ColumnLayout:
    """RETURNS (ColumnLayout): A layout, changed by the options (scheme, comments, numbered)."""
    layout = LAYOUTS[style]
    changed: Dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if token_column is not None or tag_column is not None:
        # A user who names a column knows the file, so the number of columns is not checked.
        token = parse_column(token_column, "--token-column") if token_column else layout.token
        tag = parse_column(tag_column, "--tag-column") if tag_column else layout.tag
        changed.update(token=token, tag=tag, columns=(), one_gap=False)
    return replace(layout, **changed)


_Docs = Iterator[Tuple[Doc, Optional[int]]]


def _read(
    path: Path,
    style: str,
    lang: str,
    repair: bool,
    counts: Counter,
    column_options: Dict[str, Any],
    bitext_options: Dict[str, Any],
) -> _Docs:
    """YIELDS (Tuple[Doc, Optional[int]]): The Docs of a corpus in any layout, with the line that a Doc begins at."""
    # Only text without tokens needs a tokenizer, and the package that it may depend on.
    vocab = blank_vocab(lang)
    if style == "txt":
        for number, words in enumerate(read_text(path, counts, repair), 1):
            yield Doc(vocab, words=words, spaces=[True] * len(words)), number
    elif style in LAYOUTS:
        layout_options = dict(column_options)
        broken: Broken = layout_options.pop("broken") or "refuse"
        columns = _layout(style, **layout_options)
        try:
            for sentence in read_columns(path, columns, repair=repair, broken=broken, counts=counts):
                yield make_doc(vocab, sentence.words, sentence.entities), sentence.line
        except InputError as error:
            if error.line is None or broken == "skip":
                raise
            hint = f"{error.hint} Or leave such sentences out: xner convert --broken skip".strip()
            raise InputError(error.fault, path, error.line, hint) from None
    elif style == "docbin":
        yield from ((doc, None) for doc in read_docs(path, vocab))
    elif style == "bitext":
        yield from ((doc, None) for doc in _read_bitext(path, lang, counts, **bitext_options))
    else:
        layout = None if style == "jsonl" else style
        yield from ((doc, None) for doc in read_jsonl(path, layout, blank(lang), counts))


def _read_bitext(
    path: Path, lang: str, counts: Counter, target: Path, source_lang: Optional[str], tokenized: Optional[bool]
) -> Iterator[Doc]:
    source_lang = source_lang or "en"
    pairs = read_numbered_bitext(path, target, counts)
    if tokenized:
        vocab, source_vocab = blank_vocab(lang), blank_vocab(source_lang)
        for _, left, right in pairs:
            doc = Doc(vocab, words=split_tokens(right))
            doc._.xner_source = Doc(source_vocab, words=split_tokens(left))
            yield doc
        return
    nlp, source_nlp = blank(lang), blank(source_lang)
    for number, left, right in pairs:
        if set_aside_if_long(source_nlp, left, path, number, counts):
            continue
        if set_aside_if_long(nlp, right, target, number, counts):
            continue
        doc = nlp.make_doc(right)
        doc._.xner_source = source_nlp.make_doc(left)
        yield doc


def _selected_docs(
    docs: _Docs, path: Path, label_map: Optional[str], labels: Optional[List[str]], limit: int, counts: Counter
) -> Iterator[Doc]:
    mapping = get_label_map(label_map)
    for number, (doc, line) in enumerate(docs, 1):
        if limit and counts["sentences"] >= limit:
            return
        if mapping is not None:
            doc, dropped = _apply(doc, mapping)
            for label in dropped:
                counts[f"dropped {label}{'' if label in mapping else ' (not in the label map)'}"] += 1
        for ent in doc.ents:
            if labels is not None and ent.label_ not in labels:
                location = "" if line else f"sentence {number}: "
                message = f"{location}unknown label {ent.label_!r}; expected {', '.join(labels)}."
                raise InputError(message, path, line, "Correct it, or translate or drop it with --label-map.")
        counts["sentences"] += 1
        counts["entities"] += len(doc.ents)
        yield doc
    if not counts["sentences"]:
        raise nothing_left(path, counts)


def _apply(doc: Doc, mapping: LabelMap) -> Tuple[Doc, List[str]]:
    kept, dropped = [], []
    for ent in doc.ents:
        label = map_label(ent.label_, mapping)
        if label is None:
            dropped.append(ent.label_)
        else:
            kept.append(Span(doc, ent.start, ent.end, label=label, kb_id=ent.kb_id, span_id=ent.id))
    missing = [Span(doc, token.i, token.i + 1) for token in doc if not token.ent_iob]
    doc.set_ents(kept, missing=missing)
    return doc, dropped
