"""Speed of the student beside spaCy's `ner`, on the same tok2vec, in one process.

    python -m benchmarks.student --corpus corpus/lug/test.spacy --out metrics/student

What students learn is in `student_grid`.
"""

import argparse
import statistics
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence

import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import load_config

from xner_spacy.cli.output import table
from xner_spacy.corpora.docs import read_docs
from xner_spacy.types import Json

KINDS = ("tok2vec", "ner", "student")
CONFIGS = Path(__file__).parents[1] / "configs"
WORDS = [
    "Anna",
    "Jónsdóttir",
    "lives",
    "in",
    "Reykjavík",
    "and",
    "works",
    "for",
    "the",
    "bank",
    ",",
    "said",
    "the",
    "minister",
    ".",
]

# --- speed ------------------------------------------------------------------------------------


def build(kind: str) -> Language:
    """RETURNS (Language): An initialised pipeline on one tok2vec: "tok2vec" alone, with spaCy's
    "ner", or with "student".
    """
    name = {"student": "student_soft_cpu.cfg"}.get(kind, "student_cpu.cfg")
    config = load_config(CONFIGS / name, overrides={"nlp.lang": "en"})
    if kind == "tok2vec":
        config["nlp"]["pipeline"] = ["tok2vec"]
        del config["components"]["ner"]
    if kind == "student":
        config["components"]["xner_student"]["hard_weight"] = 1.0
    nlp = spacy.util.load_model_from_config(config, auto_fill=True, validate=True)
    examples = make_examples(nlp, 20)
    nlp.initialize(lambda: examples)
    return nlp


def make_examples(nlp: Language, n: int, docs: Optional[Sequence[Doc]] = None) -> List[Example]:
    """RETURNS (List[Example]): Labelled sentences, or examples of the given Docs on the pipeline's
    vocabulary.
    """
    if docs is None:
        entities = {"entities": [(0, 15, "PER"), (25, 34, "LOC"), (53, 57, "ORG")]}
        text = " ".join(WORDS)
        return [Example.from_dict(nlp.make_doc(text), entities) for _ in range(n)]
    found = []
    for doc in docs[:n]:
        words = [t.text for t in doc]
        reference = Doc(nlp.vocab, words=words)
        reference.set_ents(
            [spacy.tokens.Span(reference, e.start, e.end, label=e.label_) for e in doc.ents],
            default="outside",
        )
        found.append(Example(Doc(nlp.vocab, words=words), reference))
    return found


def speed(docs: Sequence[Doc], repeats: int = 9, batch_size: int = 256, steps: int = 10) -> Json:
    """Time inference and training of the student and of `ner`, taking turns, and take medians of
    the ratios of each round.

    docs (Sequence[Doc]): Labelled sentences: pipelines learn them a little first, so that there are
        entities to set.
    RETURNS (Json): Words per second, seconds per step, and the ratios.
    """
    pipelines = {kind: build(kind) for kind in KINDS}
    examples = {kind: make_examples(nlp, 4000, docs) for kind, nlp in pipelines.items()}
    for kind in ("ner", "student"):
        nlp = pipelines[kind]
        optimizer = nlp.initialize(lambda k=kind: examples[k][:500])
        for start in range(0, 2000, 50):
            nlp.update(examples[kind][start : start + 50] or examples[kind][:50], sgd=optimizer)
    words = sum(len(eg.predicted) for eg in examples["ner"])
    rates: Dict[str, List[float]] = {kind: [] for kind in pipelines}
    for _ in range(repeats):
        for kind, nlp in pipelines.items():
            fresh = [Doc(nlp.vocab, words=[t.text for t in eg.predicted]) for eg in examples[kind]]
            started = time.process_time()
            for _doc in nlp.pipe(fresh, batch_size=batch_size):
                pass
            rates[kind].append(words / (time.process_time() - started))
    seconds: Dict[str, List[float]] = {"ner": [], "student": []}
    optimizers = {kind: pipelines[kind].resume_training() for kind in seconds}
    for k in range(repeats):
        for kind in seconds:
            batches = [examples[kind][(k * steps + i) % 80 * 40 :][:40] for i in range(steps)]
            started = time.process_time()
            for batch in batches:
                pipelines[kind].update(batch, sgd=optimizers[kind], drop=0.1)
            seconds[kind].append((time.process_time() - started) / steps)
    return {
        "words": words,
        "words_per_second": {k: round(statistics.median(v)) for k, v in rates.items()},
        "student_over_ner": _ratio(rates["student"], rates["ner"]),
        "seconds_per_step": {k: round(statistics.median(v), 4) for k, v in seconds.items()},
        "training_student_over_ner": _ratio(seconds["student"], seconds["ner"]),
    }


def _ratio(a: Sequence[float], b: Sequence[float]) -> Json:
    ratios = sorted(x / y for x, y in zip(a, b))
    return {
        "median": round(statistics.median(ratios), 3),
        "least": round(ratios[0], 3),
        "most": round(ratios[-1], 3),
    }


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line of the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Speed of the student.")
    parser.add_argument("--out", type=Path, default=Path("metrics/student"))
    parser.add_argument("--corpus", type=Path, help="labelled DocBin of real text")
    parser.add_argument("--repeats", type=int, default=9)
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    if args.corpus:
        docs = list(read_docs(args.corpus, spacy.blank("xx").vocab))
    else:
        docs = [eg.reference for eg in make_examples(spacy.blank("en"), 2000)]
    result = speed(docs, args.repeats)
    rows = [
        ["words per second", *(f"{result['words_per_second'][k]:,}" for k in KINDS), _cell(result["student_over_ner"])],
        ["seconds per training step", "", *(result["seconds_per_step"][k] for k in KINDS[1:]), _cell(result["training_student_over_ner"])],
    ]  # fmt: skip
    text = table(["", *KINDS, "student / ner, median (least, most)"], rows)
    srsly.write_json(args.out / "speed.json", result)
    (args.out / "speed.md").write_text(text + "\n", encoding="utf8")
    print(text)


def _cell(ratio: Json) -> str:
    return f"{ratio['median']} ({ratio['least']}, {ratio['most']})"


if __name__ == "__main__":
    main()
