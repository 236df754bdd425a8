"""Speed of the student beside spaCy's `ner`, on the same tok2vec, in one process.

    python -m benchmarks student --corpus corpus/lug/test.spacy --out metrics/student
    python -m benchmarks student --products --repeats 4     # what it costs that a sentence's neighbours do not matter
    python -m benchmarks student --products --corpus corpus/lug/test.spacy     # the same on real text

What students learn is in `student_grid`.
"""

import argparse
import random
import statistics
import time
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import numpy as np
import spacy
import srsly
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import NumpyOps

from benchmarks.bases import load_base
from xner_spacy.cli.output import table
from xner_spacy.corpora.docs import read_docs
from xner_spacy.distillation.student.each_word_once import EachWordOnce
from xner_spacy.distillation.student.matmul import MaxoutByBlocks
from xner_spacy.types import Json

KINDS = ("tok2vec", "ner", "student")
GEMMS = {"blis": "Thinc's BLIS", "numpy": "NumPy (`xner.NumpyGemm.v1`)"}
Setup = Tuple[str, str]
# What a prediction is timed without.
SHORTCUTS: Dict[str, Tuple[type, ...]] = {
    "now": (),
    "maxout by rows": (MaxoutByBlocks,),
    "and every word embedded": (MaxoutByBlocks, EachWordOnce),
}
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


def build(kind: str, gemm: str) -> Language:
    """RETURNS (Language): An initialised pipeline on one tok2vec: "tok2vec" alone, with spaCy's
    "ner", or with "student". gemm (str): What multiplies matrices in all of it, of GEMMS.
    """
    config = load_base("student", {"nlp.lang": "en"}, labels="soft" if kind == "student" else "hard")
    callback = {"@callbacks": "xner.NumpyGemm.v1"} if gemm == "numpy" else None
    config["nlp"]["after_pipeline_creation"] = callback
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
    setups = [(kind, gemm) for gemm in GEMMS for kind in KINDS]
    pipelines = {setup: build(*setup) for setup in setups}
    examples = {setup: make_examples(nlp, 4000, docs) for setup, nlp in pipelines.items()}
    trained = [setup for setup in setups if setup[0] != "tok2vec"]
    for setup in trained:
        nlp, batches = pipelines[setup], examples[setup]
        optimizer = nlp.initialize(lambda b=batches: b[:500])
        for start in range(0, 2000, 50):
            nlp.update(batches[start : start + 50] or batches[:50], sgd=optimizer)
    words = sum(len(eg.predicted) for eg in examples[setups[0]])
    rates: Dict[Setup, List[float]] = {setup: [] for setup in setups}
    for _ in range(repeats):
        for setup, nlp in pipelines.items():
            fresh = [Doc(nlp.vocab, words=[t.text for t in eg.predicted]) for eg in examples[setup]]
            started = time.process_time()
            for _doc in nlp.pipe(fresh, batch_size=batch_size):
                pass
            rates[setup].append(words / (time.process_time() - started))
    seconds: Dict[Setup, List[float]] = {setup: [] for setup in trained}
    optimizers = {setup: pipelines[setup].resume_training() for setup in trained}
    for k in range(repeats):
        for setup in trained:
            batches = [examples[setup][(k * steps + i) % 80 * 40 :][:40] for i in range(steps)]
            started = time.process_time()
            for batch in batches:
                pipelines[setup].update(batch, sgd=optimizers[setup], drop=0.1)
            seconds[setup].append((time.process_time() - started) / steps)
    return {
        "words": words,
        "billion_operations_per_second": {g: round(gemm_speed(g), 1) for g in GEMMS},
        "words_per_second": _medians(rates, 0),
        "student_over_ner": _over_ner(rates),
        "seconds_per_step": _medians(seconds, 4),
        "training_student_over_ner": _over_ner(seconds),
    }


class OneProduct(NumpyOps):
    """One large product a batch. A student leaves the operations of a class of its own as they are."""


def use_plain_layers(nlp: Language, *shortcuts: type) -> None:
    """Let a pipeline predict without some shortcuts: without `EachWordOnce` it embeds words as often as they occur."""
    for _, component in nlp.components:
        for node in component.model.walk():
            mode = node._func
            if isinstance(getattr(mode, "forward", None), shortcuts):
                mode.forward = mode.forward.forward


def product_speeds(repeats: int = 4, docs: Sequence[Doc] = ()) -> Dict[str, int]:
    """Time how fast a student labels Docs (without any, 2,000 made-up sentences of 8 to 40 words, of many words that
    occur once): with products in blocks of one shape and each word of a batch embedded once, as it has them; with every
    word embedded; and with one large product a batch. Variants take turns; the best round of each counts.

    RETURNS (Dict[str, int]): Tokens a second of processor time, by variant.
    """
    rng = random.Random(0)
    texts = [[token.text for token in doc] for doc in docs] or [
        [rng.choice(WORDS) + str(rng.randrange(2000)) for _ in range(rng.randint(8, 40))] for _ in range(2000)
    ]
    variants: Dict[str, Tuple[Language, int]] = {}
    kinds = (
        ("blocks", None),
        ("blocks, maxout by rows", None),
        ("blocks, every word", None),
        ("one product", False),
        ("one product, BLIS", True),
    )
    for name, use_blis in kinds:
        nlp = build("student", "numpy")
        if "every word" in name:
            use_plain_layers(nlp, EachWordOnce)
        if "by rows" in name:
            use_plain_layers(nlp, MaxoutByBlocks)
        if use_blis is not None:
            for _, component in nlp.components:
                for node in component.model.walk():
                    node.ops = OneProduct(use_blis=use_blis)
        variants[name] = nlp, 256
        if not use_blis and name in ("blocks", "one product"):
            variants[f"{name}, one sentence at a time"] = nlp, 1
    best = dict.fromkeys(variants, 0.0)
    for _ in range(repeats):
        for name, (nlp, batch_size) in variants.items():
            docs = [Doc(nlp.vocab, words=words) for words in texts]
            started = time.process_time()
            for _doc in nlp.pipe(docs, batch_size=batch_size):
                pass
            rate = sum(map(len, texts)) / (time.process_time() - started)
            best[name] = max(best[name], rate)
    return {name: round(rate) for name, rate in best.items()}


def part_times(docs: Sequence[Doc], repeats: int = 4) -> Dict[str, List[float]]:
    """Time the parts of a student's tok2vec, in batches of 256 Docs.

    RETURNS (Dict[str, List[float]]): By part, microseconds of processor time a word, with each list of `SHORTCUTS` left
        out. The best round of each.
    """
    times: Dict[str, List[float]] = {}
    for left_out in SHORTCUTS.values():
        nlp = build("student", "numpy")
        use_plain_layers(nlp, *left_out)
        batches = [
            [Doc(nlp.vocab, words=[token.text for token in doc]) for doc in docs[start : start + 256]]
            for start in range(0, len(docs), 256)
        ]
        tok2vec = nlp.get_pipe("tok2vec").model
        embed, encode = tok2vec.layers
        embedded = [embed.predict(batch) for batch in batches]
        for name, model, inputs in (
            ("embedding", embed, batches),
            ("windows", encode, embedded),
            ("tok2vec", tok2vec, batches),
        ):
            seconds = []
            for _ in range(repeats):
                started = time.process_time()
                for batch in inputs:
                    model.predict(batch)
                seconds.append(time.process_time() - started)
            times.setdefault(name, []).append(1e6 * min(seconds) / sum(map(len, docs)))
    return times


def gemm_speed(gemm: str, repeats: int = 50) -> float:
    """RETURNS (float): Billions of operations a second in the product of the tok2vec's hidden
    layers: 4,096 tokens, a window of three times 96, three pieces of 96.
    """
    ops = NumpyOps(use_blis=gemm == "blis")
    tokens, weights = np.ones((4096, 288), dtype="f"), np.ones((288, 288), dtype="f")
    seconds = []
    for _ in range(repeats):
        started = time.perf_counter()
        ops.gemm(tokens, weights, trans2=True)
        seconds.append(time.perf_counter() - started)
    return 2 * tokens.size * len(weights) / statistics.median(seconds) / 1e9


def _medians(values: Dict[Setup, List[float]], digits: int) -> Json:
    found: Json = {gemm: {} for gemm in GEMMS}
    for (kind, gemm), group in values.items():
        found[gemm][kind] = round(statistics.median(group), digits or None)
    return found


def _over_ner(values: Dict[Setup, List[float]]) -> Json:
    """RETURNS (Json): The student's ratio to `ner` with the same library; and, as "configs", of the
    two as their configs have them: the student with NumPy, `ner` with BLIS.
    """
    found = {g: _ratio(values["student", g], values["ner", g]) for g in GEMMS}
    found["configs"] = _ratio(values["student", "numpy"], values["ner", "blis"])
    return found


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
    parser.add_argument("--products", action="store_true", help="compare ways to multiply alone")
    args = parser.parse_args(argv)
    docs = list(read_docs(args.corpus, spacy.blank("xx").vocab)) if args.corpus else []
    if args.products:
        speeds = product_speeds(args.repeats, docs)
        print(table(["products", "tokens per second"], [[k, f"{v:,}"] for k, v in speeds.items()]), "\n")
        if docs:
            rows = [[name, *(f"{value:.1f}" for value in values)] for name, values in part_times(docs).items()]
            print(table(["microseconds a word", *SHORTCUTS], rows))
        return
    args.out.mkdir(parents=True, exist_ok=True)
    if not docs:
        docs = [eg.reference for eg in make_examples(spacy.blank("en"), 2000)]
    result = speed(docs, args.repeats)
    rows = []
    for title, values, ratios in (
        ("words per second", "words_per_second", "student_over_ner"),
        ("seconds per training step", "seconds_per_step", "training_student_over_ner"),
    ):
        for gemm, name in GEMMS.items():
            cells = [result[values][gemm].get(kind, "") for kind in KINDS]
            rows.append([title, name, *cells, _cell(result[ratios][gemm])])
        rows.append([title, "as configured", "", "", "", _cell(result[ratios]["configs"])])
    rates = result["billion_operations_per_second"]
    rows += [["10^9 operations per second", name, rates[gemm], "", "", ""] for gemm, name in GEMMS.items()]
    text = table(["", "matrix product", *KINDS, "student / ner, median (least, most)"], rows)
    srsly.write_json(args.out / "speed.json", result)
    (args.out / "speed.md").write_text(text + "\n", encoding="utf8")
    print(text)


def _cell(ratio: Json) -> str:
    return f"{ratio['median']} ({ratio['least']}, {ratio['most']})"


if __name__ == "__main__":
    main()
