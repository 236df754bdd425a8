"""What a GPU adds to training and using students: seconds a step and words a second, CPU and GPU side by side.

    python -m benchmarks accelerator --gpu-id 0 --out results/

Students on tok2vec encoders of several sizes, and one on a transformer of XLM-R-base's size with
random weights (speed does not depend on them), made on the spot; the embedded corpus. Needs a GPU
that spaCy can use (cupy), and for the transformer the extra [transformers].
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence

import spacy
from spacy.tokens import Doc
from spacy.training import Example
from thinc.api import get_current_ops

from benchmarks.bases import load_base
from scripts.markup import read_markup
from tiny.models import build
from xner_spacy.cli.output import table
from xner_spacy.corpora.docs import make_doc

ROOT = Path(__file__).parents[1]
TOK2VEC = "components.tok2vec.model"
# width, depth and words a batch of the encoder
SIZES = {
    "tok2vec 64 x 3, 500 words": (64, 3, 500),
    "tok2vec 96 x 4, 500 words": (96, 4, 500),
    "tok2vec 96 x 4, 5,000 words": (96, 4, 5000),
    "tok2vec 256 x 8, 5,000 words": (256, 8, 5000),
}
TRANSFORMER = "XLM-R-base shape, 2,000 words"
BASE = {
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
}


def sentences() -> List[Doc]:
    """RETURNS (List[Doc]): The Icelandic side of the embedded corpus, labelled."""
    nlp = spacy.blank("is")
    docs = []
    for file in sorted((ROOT / "assets" / "is-en").glob("*.txt")):
        for pair in read_markup(file, ("is", "en")):
            doc = nlp.make_doc(pair.sides[0].text)
            docs.append(make_doc(nlp.vocab, [t.text for t in doc]))
    # Speed does not depend on the labels either; every fifth word is one.
    for doc in docs:
        doc.set_ents([spacy.tokens.Span(doc, i, i + 1, "LOC") for i in range(0, len(doc), 5)])
    return docs


def measure(config: Dict[str, Any], docs: Sequence[Doc], words: int, steps: int) -> Dict[str, float]:
    """RETURNS (Dict[str, float]): Median seconds of a training step, and words a second of use."""
    nlp = spacy.util.load_model_from_config(config, auto_fill=True)
    examples = [Example(Doc(nlp.vocab, words=[t.text for t in doc]), doc.copy()) for doc in docs]
    optimizer = nlp.initialize(lambda: examples[:100])
    rng = random.Random(0)
    seconds = []
    for step in range(steps + 1):
        batch: List[Example] = []
        while sum(len(eg.predicted) for eg in batch) < words:
            batch.append(rng.choice(examples))
        started = time.perf_counter()
        nlp.update(batch, sgd=optimizer, drop=0.1)
        synchronise()
        if step:  # the first compiles kernels and fills caches
            seconds.append(time.perf_counter() - started)
    fresh = [Doc(nlp.vocab, words=[t.text for t in doc]) for doc in docs]
    started = time.perf_counter()
    n = sum(len(doc) for doc in nlp.pipe(fresh, batch_size=256))
    synchronise()
    return {
        "seconds_per_step": statistics.median(seconds),
        "words_per_second": n / (time.perf_counter() - started),
    }


def synchronise() -> None:
    """Wait for the GPU, if that is what computes."""
    ops = get_current_ops()
    if ops.name == "cupy":
        ops.xp.cuda.runtime.deviceSynchronize()


def configs(folder: Path, transformer: bool) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Configs and words a batch by name."""
    found: Dict[str, Any] = {}
    hard = {"components.xner_student.hard_weight": 1.0, "nlp.lang": "is"}
    for name, (width, depth, words) in SIZES.items():
        overrides = {
            **hard,
            f"{TOK2VEC}.encode.width": width,
            f"{TOK2VEC}.encode.depth": depth,
        }
        found[name] = (load_base("student", overrides, labels="soft"), words)
    if transformer:
        encoder = build("xlmr_generic", folder / "encoder", **BASE)
        overrides = {**hard, "paths.encoder": str(encoder)}
        window = {
            "components.transformer.model.get_spans.window": 40,
            "components.transformer.model.get_spans.stride": 30,
        }
        config = load_base("student", {**overrides, **window}, labels="soft", encoder="trf")
        found[TRANSFORMER] = (config, 2000)
    return found


def run(gpu_id: int, steps: int, transformer: bool) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Figures of each student on the CPU and, from gpu_id 0 on, the GPU."""
    docs = sentences()
    result: Dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        chosen = configs(Path(folder), transformer)
        if gpu_id >= 0:
            spacy.require_gpu(gpu_id)
            for name, (config, words) in chosen.items():
                result.setdefault(name, {})["gpu"] = measure(config, docs, words, steps)
                print(name, result[name], flush=True)
        spacy.require_cpu()
        for name, (config, words) in chosen.items():
            few = 2 if name == TRANSFORMER else steps
            some = docs[:60] if name == TRANSFORMER else docs
            result.setdefault(name, {})["cpu"] = measure(config, some, words, few)
            print(name, result[name], flush=True)
    return result


def render(result: Dict[str, Any]) -> str:
    """RETURNS (str): The figures as Markdown."""
    rows = []
    for name, found in result.items():
        cpu, gpu = found["cpu"], found.get("gpu")
        row = [name, f"{cpu['seconds_per_step']:.3f}"]
        row += [f"{gpu['seconds_per_step']:.3f}"] if gpu else [""]
        row += [f"{cpu['seconds_per_step'] / gpu['seconds_per_step']:.1f}"] if gpu else [""]
        row += [f"{cpu['words_per_second']:,.0f}", f"{gpu['words_per_second']:,.0f}" if gpu else ""]
        rows.append(row)
    header = ["student", "step CPU s", "step GPU s", "ratio", "words/s CPU", "words/s GPU"]
    return table(header, rows)


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line of the benchmark; see the module's docstring."""
    parser = argparse.ArgumentParser(description="What a GPU adds to students.")
    parser.add_argument("--gpu-id", type=int, default=-1, help="-1: the CPU alone")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--no-transformer", action="store_true")
    parser.add_argument("--out", type=Path, default=None, help="folder for the JSON and the table")
    args = parser.parse_args(argv)
    result = run(args.gpu_id, args.steps, not args.no_transformer)
    text = render(result)
    print(text)
    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "accelerator.json").write_text(json.dumps(result, indent=2) + "\n")
        (args.out / "accelerator.md").write_text(text + "\n")


if __name__ == "__main__":
    main()
