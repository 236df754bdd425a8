"""Translation: CTranslate2 and transformers on one model, side by side, in one run.

    python -m benchmarks.translation --out results/translation

A model of the shape of NLLB-200-distilled-600M (12 + 12 layers, width 1024) with random weights and
a small vocabulary. Sentences of mixed length. Random weights never stop, so every output is as long
as the longest input of its batch, for both. Ours brings its own sorting, batching and tokenising;
theirs is `generate` in batches of 32 in the order given, tokenising not counted.
"""

import argparse
import json
import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

from tests.tiny_models import TEXTS, build

SHAPE: Dict[str, Any] = {
    "d_model": 1024,
    "encoder_layers": 12,
    "decoder_layers": 12,
    "encoder_attention_heads": 16,
    "decoder_attention_heads": 16,
    "encoder_ffn_dim": 4096,
    "decoder_ffn_dim": 4096,
    "max_position_embeddings": 512,
}


def sentences(n: int, seed: int = 0) -> List[str]:
    """RETURNS (List[str]): Texts of 3 to 30 words."""
    rng = random.Random(seed)
    words = " ".join(TEXTS).split()
    return [" ".join(rng.choices(words, k=rng.randint(3, 30))) for _ in range(n)]


def timed(action: Callable[[], Any]) -> float:
    """RETURNS (float): Seconds."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def run(n: int, repeats: int, threads: int, shape: Dict[str, Any]) -> Dict[str, Any]:
    """Measure both, taking turns. RETURNS (Dict[str, Any]): Sentences a second (medians) and their
    ratio.
    """
    import torch
    import transformers

    from xner_spacy.registry import get_part
    from xner_spacy.translation import ct2
    from xner_spacy.translation.convert import convert_model

    torch.set_num_threads(threads)
    texts = sentences(n)
    # Outputs as long as inputs: what a translation of a sentence usually is.
    ct2.decoding_limit = lambda length: length  # type: ignore[assignment]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        build("nllb", root / "hf", **shape)
        convert_model(str(root / "hf"), root / "ct2", quantization="int8")
        languages = {"source_lang": "en", "target_lang": "is"}
        ours = get_part(
            "xner_translators",
            "xner.CTranslate2.v1",
            model=str(root / "ct2"),
            threads=threads,
            max_ratio=1e9,
            **languages,
        )
        tokenizer = transformers.AutoTokenizer.from_pretrained(root / "hf", src_lang="eng_Latn")
        model = transformers.AutoModelForSeq2SeqLM.from_pretrained(root / "hf").eval()
        target = tokenizer.convert_tokens_to_ids("isl_Latn")
        batches = [
            tokenizer(texts[k : k + 32], return_tensors="pt", padding=True) for k in range(0, n, 32)
        ]

        def theirs() -> None:
            with torch.inference_mode():
                for batch in batches:
                    length = batch["input_ids"].shape[1]
                    model.generate(
                        **batch,
                        num_beams=1,
                        do_sample=False,
                        forced_bos_token_id=target,
                        min_new_tokens=length,
                        max_new_tokens=length,
                    )

        def mine() -> None:
            list(ours(texts))

        list(ours(texts[:4]))
        rounds = [(timed(mine), timed(theirs)) for _ in range(repeats)]
    return {
        "sentences": n,
        "repeats": repeats,
        "threads": threads,
        "ctranslate2 int8, sentences/s": round(n / statistics.median(a for a, _ in rounds), 2),
        "transformers fp32, sentences/s": round(n / statistics.median(b for _, b in rounds), 2),
        "ratio": round(statistics.median(b / a for a, b in rounds), 2),
        "ratios": [round(b / a, 2) for a, b in rounds],
    }


def main(argv: "List[str] | None" = None) -> None:
    """Run and write JSON and a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results/translation"))
    parser.add_argument("--sentences", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--layers", type=int, default=12)
    options = parser.parse_args(argv)
    shape = {**SHAPE, "encoder_layers": options.layers, "decoder_layers": options.layers}
    found = run(options.sentences, options.repeats, options.threads, shape)
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "translation.json").write_text(json.dumps(found, indent=2) + "\n")
    lines = ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in found.items())]
    (options.out / "translation.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
