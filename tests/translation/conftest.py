"""Tiny translation models, built once a session."""

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from tiny.models import build


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """Hugging Face folders by family, and their CTranslate2 conversions as `nllb-ct2`, ..."""
    pytest.importorskip("torch")
    pytest.importorskip("ctranslate2")
    from xner_spacy.cli.convert_model import convert_model

    root = tmp_path_factory.mktemp("models")
    found = {kind: build(kind, root / kind) for kind in ("nllb", "m2m")}
    found["marian"] = marian(root / "marian")
    for kind in list(found):
        found[f"{kind}-ct2"] = root / f"{kind}-ct2"
        convert_model(str(found[kind]), found[f"{kind}-ct2"], quantization="float32")
    return found


@pytest.fixture(scope="session")
def opus(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """A model with the 512 positions of OPUS-MT, as `marian` and `marian-ct2`."""
    pytest.importorskip("torch")
    pytest.importorskip("ctranslate2")
    from xner_spacy.cli.convert_model import convert_model

    root = tmp_path_factory.mktemp("opus")
    found = {"marian": marian(root / "marian", 512), "marian-ct2": root / "marian-ct2"}
    convert_model(str(found["marian"]), found["marian-ct2"], quantization="float32")
    return found


def marian(folder: Path, positions: int = 130) -> Path:
    """An OPUS-MT-like model: two SentencePiece models over one vocabulary, no language tags."""
    import torch
    from transformers import MarianConfig, MarianMTModel, MarianTokenizer

    from tiny.models import SEQ2SEQ, TEXTS, _sentencepiece, _spread

    folder.mkdir(parents=True)
    vocabulary = {"</s>": 0, "<unk>": 1}
    for name in ("source.spm", "target.spm"):
        pieces = _sentencepiece(folder / name, TEXTS)
        for number in range(pieces.get_piece_size()):
            vocabulary.setdefault(pieces.id_to_piece(number), len(vocabulary))
    vocabulary["<pad>"] = len(vocabulary)
    (folder / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf8")
    names = ("source.spm", "target.spm", "vocab.json")
    tokenizer = MarianTokenizer(*(str(folder / name) for name in names))
    tokenizer.model_max_length = positions - 2
    tokenizer.save_pretrained(folder)
    pad = vocabulary["<pad>"]
    settings: Dict[str, Any] = {
        **SEQ2SEQ, "pad_token_id": pad, "eos_token_id": 0, "decoder_start_token_id": pad,
        "forced_eos_token_id": 0, "bos_token_id": 0,
        "activation_function": "swish", "scale_embedding": True,
        "max_position_embeddings": positions,
    }  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = MarianMTModel(MarianConfig(vocab_size=len(vocabulary), **settings))
        _spread(model, 0.1)
        with torch.no_grad():
            # As in the real models: the padding symbol embeds to zero and is never said.
            model.model.shared.weight[pad] = 0
            model.final_logits_bias[0, pad] = -1e9
        model.save_pretrained(folder)
    return folder
