"""Model transfer and TSL for the student benchmark: source students with cross-lingual vectors label
the target directly, alone and mixed.

    python -m benchmarks student_transfer --langs lug,luo,tsn --sources en,pcm,swa,hau

One floret table is trained on the bitexts of all languages at once, in which aligned words stand in
for each other (`xner vectors`). On it one student a source language learns gold labels. For every
target language it writes, for `student_grid`, `annotated/students/LANG/TEACHER/{train,dev,test}.spacy`
of these teachers:

    transfer_SOURCE                       a source student applied directly
    transfer_uniform, transfer_similarity  all of them, weighted alike or by learned similarity
    mixed_transfer, mixed_multi            the projection teachers `en3` and `enpcm3`, each with
                                          `transfer_uniform`, halves

What is there is left as it is, and the F1 of each on the gold test sets is printed. Gold labels of a
source language train its student and choose its checkpoint; of a target language they are read for
these figures alone.
"""

import argparse
import random
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import spacy
from spacy.cli.train import train
from spacy.training.initialize import convert_vectors
from tqdm import tqdm

from benchmarks.bases import load_base
from benchmarks.student_grid import STUDENT, bare, entities, set_value
from benchmarks.student_teachers import SPLITS, light, write_lines
from xner_spacy.cli.distill import distill
from xner_spacy.cli.output import table
from xner_spacy.cli.vectors import vectors
from xner_spacy.corpora.docs import read_docs, write_docbin
from xner_spacy.evaluation.entities import evaluate

# Pairs of one bitext: beyond that a language would fill the table with its own words.
MAX_PAIRS = 10_000
# Sentences of each source language that the similarity learns from.
MAX_TEXT = 3_000
MIXED = {"mixed_transfer": "en3", "mixed_multi": "enpcm3"}
EMBED = "components.tok2vec.model.embed."
SETTINGS = {
    "training.max_steps": 1000,
    "training.eval_frequency": 250,
    "training.patience": 0,
    "training.batcher.size": 600,
    "training.before_to_disk": None,
    STUDENT + "hard_weight": 1.0,
    STUDENT + "store_soft": True,
    EMBED + "include_static_vectors": True,
}


def make_vectors(langs: Sequence[str], data: Path, work: Path) -> Path:
    """RETURNS (Path): A folder of vectors over English and the given languages."""
    out = work / "vectors"
    if (out / "vocab").exists():
        return out
    sides: Dict[str, List[str]] = {"en": [], "target": []}
    for lang in langs:
        lines = {side: _lines(data / "corpus" / lang / f"{side}.tok")[:MAX_PAIRS] for side in sides}
        for side, found in lines.items():
            sides[side] += found
    for side, found in sides.items():
        write_lines(work / f"{side}.tok", found)
    table = vectors(work / "en.tok", work / "target.tok", work / "table.floret")
    nlp = spacy.blank("xx")
    convert_vectors(nlp, table, truncate=0, prune=-1, mode="floret")
    nlp.to_disk(out)
    return out


def train_source(lang: str, table: Path, data: Path, work: Path, attrs: Sequence[str]) -> Path:
    """RETURNS (Path): A student of a source language's gold labels, on the vectors."""
    out = work / f"source-{lang}"
    if not (out / "model-best").exists():
        config = load_base("student", labels="soft")
        rows = [5000 if attr == "NORM" else 2500 for attr in attrs]
        for name, value in {
            **SETTINGS,
            EMBED + "attrs": list(attrs),
            EMBED + "rows": rows,
        }.items():
            set_value(config, name, value)
        out.mkdir(parents=True, exist_ok=True)
        config.to_disk(out / "config.cfg")
        text, dev = _source_corpora(lang, data)
        paths = {"paths.train": str(text), "paths.dev": str(dev), "paths.vectors": str(table)}
        train(out / "config.cfg", out, overrides=paths)
    return out / "model-best"


def _source_corpora(lang: str, data: Path) -> List[Path]:
    if lang == "en":
        return [data / "corpus" / "en-soft" / "train", data / "corpus" / "en-soft" / "dev.spacy"]
    folder = data / "corpus" / "gold-source"
    return [folder / f"{lang}.spacy", folder / f"{lang}.dev.spacy"]


def label(lang: str, sources: Dict[str, Path], data: Path, work: Path) -> None:
    """Write what the source students, and their mixtures, make of a target language."""
    folder = data / "annotated" / "students" / lang
    for source, model in sources.items():
        nlp = None
        for split in SPLITS:
            file = folder / f"transfer_{source}" / f"{split}.spacy"
            if file.exists():
                continue
            nlp = nlp or spacy.load(model)
            docs = read_docs(data / "corpus" / lang / f"{split}.spacy", nlp.vocab)
            found = nlp.pipe([bare(nlp, doc) for doc in docs], batch_size=256)
            write_docbin(file, [light(nlp, doc) for doc in found])
    texts = [work / f"text-{source}.txt" for source in sources]
    for split in SPLITS:
        each = [folder / f"transfer_{source}" / f"{split}.spacy" for source in sources]
        for name in ("uniform", "similarity"):
            out = folder / f"transfer_{name}" / f"{split}.spacy"
            if not out.exists():
                distill(each, out, weights=name, sources=texts)
        for name, projected in MIXED.items():
            out = folder / name / f"{split}.spacy"
            if not out.exists():
                halves = [folder / half / f"{split}.spacy" for half in (projected, "transfer_uniform")]
                distill(halves, out)


def figures(langs: Sequence[str], names: Sequence[str], data: Path) -> str:
    """RETURNS (str): F1 of the teachers on the gold test sets, as a table."""
    vocab = spacy.blank("xx").vocab
    rows: List[List[str]] = []
    for lang in langs:
        gold = entities(read_docs(data / "corpus" / lang / "test.spacy", vocab))
        row = [lang]
        for name in names:
            file = data / "annotated" / "students" / lang / name / "test.spacy"
            found = evaluate(gold, entities(read_docs(file, vocab)), samples=10)
            row.append(f"{100 * found['f1']:.1f}")
        rows.append(row)
    return table(["", *names], rows)


def write_text(lang: str, data: Path, work: Path) -> None:
    """Write sentences of a source language, for the similarity."""
    docs = list(read_docs(_source_corpora(lang, data)[0], spacy.blank("xx").vocab))
    random.Random(0).shuffle(docs)
    write_lines(work / f"text-{lang}.txt", [" ".join(t.text for t in doc) for doc in docs[:MAX_TEXT]])


def _lines(path: Path) -> List[str]:
    return path.read_text(encoding="utf8").split("\n")[:-1]


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Model transfer and TSL for the student benchmark.")
    parser.add_argument("--langs", default="lug,luo,tsn")
    parser.add_argument("--sources", default="en,pcm,swa,hau")
    parser.add_argument("--attrs", default="SHAPE", help="of the embedding, beside the vectors")
    parser.add_argument("--data", type=Path, default=Path())
    parser.add_argument("--work", type=Path, default=Path("training/students/transfer"))
    args = parser.parse_args(argv)
    langs, sources = args.langs.split(","), args.sources.split(",")
    others = [lang for lang in (*langs, *sources) if lang != "en"]
    table = make_vectors(list(dict.fromkeys(others)), args.data, args.work)
    models = {}
    for source in tqdm(sources, unit=" source"):
        attrs = args.attrs.split(",")
        models[source] = train_source(source, table, args.data, args.work, attrs)
        write_text(source, args.data, args.work)
    for lang in tqdm(langs, unit=" language"):
        label(lang, models, args.data, args.work)
    names = [f"transfer_{name}" for name in (*sources, "uniform", "similarity")]
    print(figures(langs, [*names, *MIXED.values(), *MIXED], args.data))


if __name__ == "__main__":
    main()
