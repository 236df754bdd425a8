"""The neural aligners and the package simalign side by side, in one run.

    python -m benchmarks alignment_neural --out results/
    python -m benchmarks alignment_neural --device cuda --pairs 745 --out results/

Pairs a second on CPU with a model of BERT-base's size and random weights (speed does not depend on
them), made on the spot, and whether the links are equal. Rounds of all variants are interleaved, so
that a ratio compares what ran under the same load; the median of the rounds counts. Needs the
extras [simalign] and [ctranslate2]. With a device other than the CPU it compares our aligner's
precisions there with itself on the CPU, and needs neither.
"""

import argparse
import json
import re
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

from scripts.markup import read_markup
from xner_spacy.alignment.neural.aligners import EmbeddingAligner, SimAlign

Pairs = List[Tuple[List[str], List[str]]]
Links = List[Set[Tuple[int, int]]]

ASSETS = Path(__file__).resolve().parents[1] / "assets" / "is-en"
LETTERS = {"inter": "a", "itermax": "i", "mwmf": "m", "fwd": "f", "rev": "r"}
LAYER = 8


def corpus_pairs() -> Pairs:
    """RETURNS (Pairs): The embedded corpus, English first, words and marks apart."""
    words = re.compile(r"\w+|[^\w\s]")
    return [
        (words.findall(pair.sides[1].text), words.findall(pair.sides[0].text))
        for file in sorted(ASSETS.glob("*.txt"))
        for pair in read_markup(file, ("is", "en"))
    ]


def build_model(folder: Path, pairs: Pairs, pieces: int = 3000) -> None:
    """Write a BERT of base size with random weights, and a WordPiece vocabulary of the corpus."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(0)
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        (" ".join(side) for pair in pairs for side in pair),
        trainers.WordPieceTrainer(vocab_size=pieces, special_tokens=special, show_progress=False),
    )
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = dict(zip(("pad_token", "unk_token", "cls_token", "sep_token", "mask_token"), special))
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **names).save_pretrained(folder)
    BertModel(BertConfig(vocab_size=tokenizer.get_vocab_size())).save_pretrained(folder)


class Ours:
    """Our aligner, with the time in its encoder and the pairs it encoded twice.

    model (str): The model's folder. settings (Any): For `SimAlign`.
    """

    def __init__(self, model: str, **settings: Any) -> None:
        self.aligner: EmbeddingAligner = SimAlign(model, layer=LAYER, **settings)
        self.inside = 0.0
        self.again = 0
        encoder = self.aligner.loaded
        encoder.model = encoder.model._replace(forward=self._timed(encoder.model.forward))
        alone = self.aligner._align_alone

        def counted(pair: Any) -> Any:
            self.again += 1
            return alone(pair)

        self.aligner._align_alone = counted  # type: ignore[method-assign]

    def _timed(self, forward: Any) -> Callable[..., Any]:
        import torch

        device = self.aligner.device

        def run(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = forward(*arguments)
            if device != "cpu":
                torch.cuda.synchronize(device)
            self.inside += time.perf_counter() - start
            return result

        return run

    def __call__(self, pairs: Pairs) -> Links:
        # Each round splits its words anew, as a new text would have it.
        self.aligner.loaded.subwords._known.clear()
        self.inside, self.again = 0.0, 0
        return [set(map(tuple, found.links.tolist())) for found in self.aligner(pairs)]


class Peer:
    """The package simalign, a pair at a time, which is all it does."""

    def __init__(self, model: str, matching: str) -> None:
        import logging

        import simalign

        logging.getLogger("simalign").setLevel(logging.WARNING)
        self.matching = matching
        self.aligner = simalign.SentenceAligner(model, "bpe", matching_methods=LETTERS[matching], layer=LAYER)

    def __call__(self, pairs: Pairs) -> Links:
        return [set(self.aligner.get_word_aligns(*pair)[self.matching]) for pair in pairs]


def agreement(found: Links, wanted: Links) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): F1 of the links, and pairs whose links are all equal."""
    shared = sum(len(a & b) for a, b in zip(found, wanted))
    total = sum(map(len, found)) + sum(map(len, wanted))
    return {
        "links_f1": 2 * shared / total if total else 1.0,
        "equal_pairs": sum(a == b for a, b in zip(found, wanted)),
        "pairs": len(wanted),
    }


def compare(runners: Dict[str, Any], pairs: Pairs, rounds: int) -> Dict[str, Any]:
    """Time several aligners on the same pairs.

    runners (Dict[str, Any]): The aligners by name; the others are compared to the first.
    RETURNS (Dict[str, Any]): Per name the pairs a second (median round), the ratio to the first by
        wall and by processor time (median of the rounds' ratios, lowest and highest), the share of
        the time in the encoder, pairs encoded twice, and the agreement of the links.
    """
    for runner in runners.values():
        runner(pairs[:4])
    wall: Dict[str, List[float]] = {name: [] for name in runners}
    cpu: Dict[str, List[float]] = {name: [] for name in runners}
    shares: Dict[str, List[float]] = {name: [] for name in runners}
    links: Dict[str, Links] = {}
    for _ in range(rounds):
        for name, runner in runners.items():
            start, used = time.perf_counter(), time.process_time()
            links[name] = runner(pairs)
            wall[name].append(time.perf_counter() - start)
            cpu[name].append(time.process_time() - used)
            shares[name].append(getattr(runner, "inside", 0.0) / wall[name][-1])
    rows = {}
    first = next(iter(runners))
    for name, runner in runners.items():
        ratios = [a / b for a, b in zip(wall[first], wall[name])]
        rows[name] = {
            "pairs_per_second": len(pairs) / statistics.median(wall[name]),
            "ratio": statistics.median(ratios),
            "ratio_range": [min(ratios), max(ratios)],
            "cpu_ratio": statistics.median(a / b for a, b in zip(cpu[first], cpu[name])),
            **agreement(links[name], links[first]),
        }
        if isinstance(runner, Ours):
            rows[name]["encoder_share"] = statistics.median(shares[name])
            rows[name]["encoded_twice"] = runner.again
    return rows


VARIANTS: Dict[str, Dict[str, Any]] = {
    "float32": {},
    "float32, CTranslate2": {"backend": "ctranslate2"},
    "int8, CTranslate2": {"backend": "ctranslate2", "dtype": "int8"},
    "int8, torch": {"dtype": "int8"},
}
# mwmf of the peer takes long, and its variants differ by the encoder alone.


QUICK = ("float32", "int8, CTranslate2")
GPU_VARIANTS: Dict[str, Dict[str, Any]] = {
    f"{dtype}, batches of {size:,}": {"dtype": dtype, "batch_tokens": size}
    for dtype in ("float32", "bfloat16", "float16")
    for size in (1024, 16_384)
}


def run(pairs: int = 100, rounds: int = 3, threads: int = 2, device: str = "cpu", dtypes: str = "") -> Dict[str, Any]:
    """Build the model and compare itermax and mwmf.

    pairs (int): Sentence pairs, spread over the corpus. rounds (int): Interleaved rounds.
    threads (int): Threads of both sides. device (str): Another device than the CPU is compared to
        the CPU, instead of ours to simalign. dtypes (str): On such a device, only these precisions.
    RETURNS (Dict[str, Any]): The settings, and the rows per matching method.
    """
    import torch

    torch.set_num_threads(threads)
    everything = corpus_pairs()
    step = max(1, len(everything) // pairs)
    chosen = everything[::step][:pairs]
    with tempfile.TemporaryDirectory() as folder:
        build_model(Path(folder), everything)
        result: Dict[str, Any] = {
            "pairs": len(chosen),
            "rounds": rounds,
            "threads": threads,
            "device": device,
        }
        first = Ours(folder).aligner.loaded
        counts = [len(p.ids) for p in first.subwords([side for pair in chosen for side in pair])]
        result["subwords_per_sentence"] = statistics.mean(counts)
        if device == "cpu":
            for matching in ("itermax", "mwmf"):
                runners: Dict[str, Any] = {"simalign": Peer(folder, matching)}
                for name, how in VARIANTS.items():
                    if matching == "itermax" or name in QUICK:
                        runners[name] = Ours(folder, matching=matching, **how)
                result[matching] = compare(runners, chosen, rounds)
            for matching in ("inter", "fwd", "rev"):
                ours, theirs = Ours(folder, matching=matching), Peer(folder, matching)
                result[matching] = agreement(ours(chosen), theirs(chosen))
            return result
        result["card"] = torch.cuda.get_device_name(device)
        for matching in ("itermax", "mwmf"):
            runners = {"CPU, float32": Ours(folder, matching=matching)}
            for name, how in GPU_VARIANTS.items():
                if not dtypes or how["dtype"] in dtypes.split(","):
                    runners[name] = Ours(folder, matching=matching, device=device, **how)
            result[matching] = compare(runners, chosen, rounds)
    return result


def to_markdown(result: Dict[str, Any]) -> str:
    """RETURNS (str): The figures as a table."""
    where = "" if result["device"] == "cpu" else f" {result['card']};"
    lines = [
        f"{result['pairs']} sentence pairs of the embedded corpus, "
        f"{result['subwords_per_sentence']:.0f} sub-words a sentence; BERT-base size, random weights, "
        f"layer {LAYER} of 12;{where} {result['threads']} threads; median of {result['rounds']} "
        "interleaved rounds. Ratios and links are compared to the first row.",
        "",
        "| matching | variant | pairs/s | ratio (range) | by processor time | in the encoder "
        "| encoded twice | equal pairs | F1 of links |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for matching in ("itermax", "mwmf"):
        for name, row in result[matching].items():
            low, high = row["ratio_range"]
            share = f"{row['encoder_share']:.0%}" if "encoder_share" in row else ""
            lines.append(
                f"| {matching} | {name} | {row['pairs_per_second']:.1f} | {row['ratio']:.2f} "
                f"({low:.2f}-{high:.2f}) | {row['cpu_ratio']:.2f} | {share} "
                f"| {row.get('encoded_twice', '')} | {row['equal_pairs']} of {row['pairs']} "
                f"| {row['links_f1']:.4f} |"
            )
    if "inter" in result:
        rest = [f"{m} {result[m]['equal_pairs']} of {result[m]['pairs']}" for m in ("inter", "fwd", "rev")]
        lines += ["", f"Equal pairs in float32 for the other methods: {', '.join(rest)}."]
    return "\n".join(lines) + "\n"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Run it, and write alignment_neural.json and alignment_neural.md."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--out", type=Path, default=None, help="folder for the JSON and the table")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N")
    parser.add_argument("--dtype", default="", help="on a GPU: of float32,bfloat16,float16")
    options = parser.parse_args(argv)
    result = run(options.pairs, options.rounds, options.threads, options.device, options.dtype)
    text = to_markdown(result)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
        name = "alignment_neural" if options.device == "cpu" else "alignment_neural_gpu"
        (options.out / f"{name}.json").write_text(json.dumps(result, indent=1), encoding="utf8")
        (options.out / f"{name}.md").write_text(text, encoding="utf8")
    print(text)


if __name__ == "__main__":
    main()
