"""Weights in 8 bits that every processor computes alike with."""

from typing import Any

import numpy as np

from ..types import PathLike

# The largest weight in 8 bits whose products with two inputs (0 to 255) fit into 16 bits: 255 * 63 * 2 = 32,130.
LARGEST_WEIGHT = 63


def save_spec(spec: Any, folder: PathLike, quantization: str) -> None:
    """Write a model for CTranslate2. What the library's own `convert` does, with weights in 8 bits that all processors
    compute alike with.

    spec (Any): CTranslate2's description of a model. Changed in place. folder (PathLike): A folder that is there.
    quantization (str): Precision of the weights.
    """
    spec.validate()
    spec.optimize(quantization=quantization)
    if quantization in ("int8", "int8_float32"):
        leave_room_for_sums(spec)
    spec.save(str(folder))


def leave_room_for_sums(spec: Any) -> None:
    """Spare one of the 8 bits of the weights, so that sums are exact on every processor.

    x86 processors without VNNI (AVX2, the first with AVX-512) multiply bytes two at a time and add them up in 16 bits,
    where large weights overflow and are cut off: vectors were off by a mean cosine of 0.96. With 7 bits nothing
    overflows, and all processors compute the same sums; the bit costs less than 0.001. PyTorch does the same.

    spec (Any): CTranslate2's description of a model, quantised to int8. Changed in place.
    """
    variables = spec.variables()
    # Where two layers share a weight, one of them holds the name of the other.
    shared = {value for value in variables.values() if isinstance(value, str)}
    share = LARGEST_WEIGHT / 127
    for name, weight in variables.items():
        scale = variables.get(f"{name}_scale")
        # Embeddings are looked up, not multiplied.
        looked_up = "embeddings" in name and name not in shared
        if scale is None or isinstance(weight, str) or str(weight.dtype) != "int8" or looked_up:
            continue
        weight.array = np.rint(weight.numpy() * np.float32(share)).astype(np.int8)
        scale.array = (scale.numpy() * share).astype(np.float32)
