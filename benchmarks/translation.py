"""Translation: CTranslate2 and transformers on one model, side by side, in one run.

    python -m benchmarks translation --out results/translation

A model of the shape of NLLB-200-distilled-600M (12 + 12 layers, width 1024, 256,206 sub-words) with
random weights; `--vocabulary small` leaves the sub-words at the few hundred that the texts need.
Sentences of mixed length.

- ours: `xner.CTranslate2.v1`, int8, with its own tokenising, sorting and batching, texts in, texts
  out.
- theirs: `generate`, float32, greedy, in batches of 32; tokenising is not counted. Once in the
  order given, once sorted by length (`sorted`), which most users do not do.

Random weights never stop, so every output is as long as the longest input of its batch, for all
three. CTranslate2 drops a sentence from a batch when it has ended, which it cannot do here: the
ratio is rather too low than too high. `--folder` keeps the models for another run.
"""

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List, NamedTuple, Tuple

from tiny.models import TEXTS, build

SHAPE: Dict[str, Any] = {
    "d_model": 1024,
    "encoder_attention_heads": 16,
    "decoder_attention_heads": 16,
    "encoder_ffn_dim": 4096,
    "decoder_ffn_dim": 4096,
    "max_position_embeddings": 512,
}
VOCABULARY = 256206
BATCH = 32


class Cost(NamedTuple):
    """What a pass over all sentences took.

    wall, cpu (float): Seconds. words (int): Sub-words that came out.
    """

    wall: float
    cpu: float
    words: int


def sentences(n: int, seed: int = 0) -> List[str]:
    """RETURNS (List[str]): Texts of 2 to 12 words."""
    rng = random.Random(seed)
    words = " ".join(TEXTS).split()
    return [" ".join(rng.choices(words, k=rng.randint(2, 12))) for _ in range(n)]


def timed(action: Callable[[], int]) -> Cost:
    """RETURNS (Cost): Of an action that gives the number of sub-words."""
    wall, cpu = time.perf_counter(), time.process_time()
    words = action()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu, words)


def prepare(folder: Path, layers: int, vocabulary: str) -> Tuple[Path, Path]:
    """Build and convert the model, unless it is there.

    RETURNS (Tuple[Path, Path]): The folders for transformers and for CTranslate2.
    """
    from xner_spacy.cli.convert_model import convert_model

    name = f"{layers}-{vocabulary}"
    theirs, ours = folder / f"{name}-hf", folder / f"{name}-int8"
    if not ours.exists():
        shape = {**SHAPE, "encoder_layers": layers, "decoder_layers": layers}
        if vocabulary == "full":
            shape["vocab_size"] = VOCABULARY
        build("nllb", theirs, **shape)
        convert_model(str(theirs), ours, quantization="int8")
    return theirs, ours


def our_pass(folder: Path, threads: int, texts: List[str]) -> Callable[[], int]:
    """RETURNS (Callable[[], int]): Translates all texts with `xner.CTranslate2.v1`."""
    from xner_spacy.registry import get_part
    from xner_spacy.translation import ct2

    # Outputs as long as inputs: what a translation of a sentence usually is.
    ct2.decoding_limit = lambda length, positions: length  # type: ignore[assignment]
    translator: Any = get_part(
        "xner_translators",
        "xner.CTranslate2.v1",
        model=str(folder),
        threads=threads,
        max_ratio=1e9,
        source_lang="en",
        target_lang="is",
    )
    decode, words = translator._decode, [0]

    def counting(batches: List[List[Any]]) -> Any:
        words[0] += sum(len(batch) * len(batch[0]) for batch in batches)
        return decode(batches)

    translator._decode = counting

    def run() -> int:
        words[0] = 0
        found = list(translator(texts))
        assert len(found) == len(texts)
        return words[0]

    list(translator(texts[:4]))
    return run


def their_pass(model: Any, tokenizer: Any, texts: List[str]) -> Callable[[], int]:
    """RETURNS (Callable[[], int]): Translates all texts with `generate`, in batches in the order
    given.
    """
    import torch

    target = tokenizer.convert_tokens_to_ids("isl_Latn")
    batches = [tokenizer(texts[k : k + BATCH], return_tensors="pt", padding=True) for k in range(0, len(texts), BATCH)]

    def run() -> int:
        words = 0
        with torch.inference_mode():
            for batch in batches:
                length = batch["input_ids"].shape[1]
                found = model.generate(
                    **batch,
                    num_beams=1,
                    do_sample=False,
                    forced_bos_token_id=target,
                    min_new_tokens=length,
                    max_new_tokens=length,
                )
                words += found.shape[0] * (found.shape[1] - 1)
        return words

    return run


def measure(n: int, repeats: int, threads: int, layers: int, vocabulary: str, folder: Path) -> Dict[str, Any]:
    """Measure all three, taking turns. RETURNS (Dict[str, Any]): Their medians, and the ratios."""
    import torch
    import transformers

    torch.set_num_threads(threads)
    theirs, ours = prepare(folder, layers, vocabulary)
    texts = sentences(n)
    tokenizer = transformers.AutoTokenizer.from_pretrained(theirs, src_lang="eng_Latn")
    model = transformers.AutoModelForSeq2SeqLM.from_pretrained(theirs).eval()
    lengths = [len(ids) for ids in tokenizer(texts)["input_ids"]]
    by_length = [texts[k] for k in sorted(range(n), key=lambda k: -lengths[k])]
    passes = {
        "ours": our_pass(ours, threads, texts),
        "theirs": their_pass(model, tokenizer, texts),
        "sorted": their_pass(model, tokenizer, by_length),
    }
    rounds = [{name: timed(run) for name, run in passes.items()} for _ in range(repeats)]
    found: Dict[str, Any] = {
        "sentences": n,
        "sub-words a sentence": round(statistics.mean(lengths), 1),
        "repeats": repeats,
        "threads": threads,
        "layers": layers,
        "vocabulary": int(model.config.vocab_size),
        "load": [round(x, 1) for x in os.getloadavg()],
    }
    for name in passes if rounds else ():
        walls = [r[name].wall for r in rounds]
        found[name] = {
            "sentences/s": round(n / statistics.median(walls), 2),
            "sub-words/s": round(rounds[0][name].words / statistics.median(walls), 1),
            "CPU seconds a sentence": round(statistics.median(r[name].cpu for r in rounds) / n, 3),
            "ratios": [round(w / r["ours"].wall, 2) for w, r in zip(walls, rounds, strict=True)],
        }
    return found


NAMES = {
    "ours": "`xner.CTranslate2.v1`, int8",
    "theirs": "`generate`, float32, in the order given",
    "sorted": "`generate`, float32, sorted by length",
}


def table(found: Dict[str, Any]) -> str:
    """RETURNS (str): The Markdown table."""
    lines = [
        f"| {found['sentences']} sentences, {found['vocabulary']:,} sub-words known | sentences/s | sub-words/s | CPU s a sentence | ours is faster by (rounds) |",
        "|---|---|---|---|---|",
    ]
    for name, title in NAMES.items():
        if name in found:
            row = found[name]
            ratio = ""
            if name != "ours":
                each = ", ".join(str(r) for r in row["ratios"])
                ratio = f"**{statistics.median(row['ratios']):.2f}** ({each})"
            cells = (row["sentences/s"], row["sub-words/s"], row["CPU seconds a sentence"], ratio)
            lines.append(f"| {title} | {' | '.join(str(cell) for cell in cells)} |")
    return "\n".join(lines)


def main(argv: "List[str] | None" = None) -> None:
    """Run and write JSON and a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/translation"))
    parser.add_argument("--sentences", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--vocabulary", choices=["full", "small"], default="full")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args(argv)
    settings = (options.sentences, options.repeats, options.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        found = measure(*settings, options.layers, options.vocabulary, folder)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "translation.json").write_text(json.dumps(found, indent=2) + "\n")
    (options.out / "translation.md").write_text(table(found) + "\n")
    print(table(found))


if __name__ == "__main__":
    main()
