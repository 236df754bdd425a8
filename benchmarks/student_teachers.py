"""What the students of the benchmark learn from: one projection teacher a language, with one or
several English source models in it.

    python -m benchmarks student_teachers --langs lug,luo,tsn,pcm
    --teachers training/soft/{lang} --sources "en=training/en0/model-best"
    "en3=training/en0/model-best,training/en1/model-best,training/en2/model-best"

It does what `xner annotate` does, but translates and aligns once for all source models, and keeps
of a Doc what a student reads: words, entities, scores, distributions. It writes
`annotated/students/LANG/SOURCE/{train,dev,test}.spacy`.
"""

import argparse
from pathlib import Path
from typing import Dict, Iterable, Iterator, List, Optional, Sequence

import spacy
from spacy.language import Language
from spacy.tokens import Doc, Span, SpanGroup

from benchmarks.student_grid import bare
from xner_spacy.annotation.ensemble import Ensemble
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.corpora.writing import atomic_write
from xner_spacy.distillation.soft.soft_labels import SOFT_KEY
from xner_spacy.docdata import SPANS_KEY

SPLITS = ("test", "dev", "train")


def annotate(nlp: Language, docs: Sequence[Doc], sources: Dict[str, List[str]]) -> Iterator[Dict[str, Doc]]:
    """Label target sentences by the same teacher with each source model in turn.

    nlp (Language): The teacher pipeline. docs (Sequence[Doc]): Target sentences; their labels are
        not read. sources (Dict[str, List[str]]): Names, and the models of each ensemble.
    YIELDS (Dict[str, Doc]): For each sentence the labelled Docs by source.
    """
    parts = {name: Ensemble(models) for name, models in sources.items()}
    translator, annotator, aligner, projector = (
        nlp.get_pipe(f"xner_{name}") for name in ("translator", "annotator", "aligner", "projector")
    )
    for start in range(0, len(docs), 256):
        batch = [bare(nlp, doc) for doc in docs[start : start + 256]]
        found: List[Dict[str, Doc]] = [{} for _ in batch]
        translator.process(batch)
        for name, part in parts.items():
            annotator.part = part
            annotator.process(batch)
            # The links do not depend on the entities: the aligner leaves those that are there.
            aligner.process(batch)
            projector.process(batch)
            for doc, row in zip(batch, found, strict=True):
                row[name] = light(nlp, doc)
        yield from found


def light(nlp: Language, doc: Doc) -> Doc:
    """RETURNS (Doc): The tokens, entities with their scores, and the distributions."""
    copy = bare(nlp, doc)
    entities = [Span(copy, e.start, e.end, label=e.label) for e in doc.ents]
    known = any(t.ent_iob for t in doc)
    copy.set_ents(entities, default="outside" if known else "missing")
    group = doc.spans[SPANS_KEY]
    spans = [Span(copy, s.start, s.end, label=s.label) for s in group]
    attrs = {key: list(group.attrs[key]) for key in ("scores", "unprojected") if key in group.attrs}
    copy.spans[SPANS_KEY] = SpanGroup(copy, name=SPANS_KEY, spans=spans, attrs=attrs)
    if SOFT_KEY in doc.user_data:
        copy.user_data[SOFT_KEY] = doc.user_data[SOFT_KEY]
    return copy


def prepare(lang: str, teacher: Path, sources: Dict[str, List[str]], data: Path) -> None:
    """Write all splits of a language, those that are not there yet."""
    nlp: Optional[Language] = None
    for split in SPLITS:
        folder = data / "annotated" / "students" / lang
        todo = {k: v for k, v in sources.items() if not (folder / k / f"{split}.spacy").exists()}
        if not todo:
            continue
        nlp = nlp or spacy.load(teacher)
        docs = list(read_docs(data / "corpus" / lang / f"{split}.spacy", nlp.vocab))
        rows = list(annotate(nlp, docs, todo))
        for name in todo:
            (folder / name).mkdir(parents=True, exist_ok=True)
            write_docbin(folder / name / f"{split}.spacy", [row[name] for row in rows])


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a text file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        file.writelines(f"{line}\n" for line in lines)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Teachers' labels for the student benchmark.")
    parser.add_argument("--langs", default="lug,luo,tsn,pcm")
    parser.add_argument("--teachers", default="training/soft/{lang}")
    parser.add_argument("--sources", nargs="+", required=True, help="NAME=MODEL,MODEL,...")
    parser.add_argument("--data", type=Path, default=Path())
    args = parser.parse_args(argv)
    sources = {name: models.split(",") for name, _, models in (s.partition("=") for s in args.sources)}  # fmt: skip
    for lang in args.langs.split(","):
        prepare(lang, Path(args.teachers.format(lang=lang)), sources, args.data)


if __name__ == "__main__":
    main()
