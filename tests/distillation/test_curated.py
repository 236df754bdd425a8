"""Students on an encoder of spacy-curated-transformers, of random weights: it reads as the original does, and learns."""

from pathlib import Path
from typing import Any, Dict

import numpy as np
import pytest
import spacy
from spacy.cli.init_config import fill_config
from spacy.cli.train import train
from spacy.tokens import Doc, Span
from spacy.util import load_config
from thinc.api import NumpyOps

from tiny.models import TEXTS, build
from xner_spacy.cli.init_config import init_config
from xner_spacy.corpora.docs import write_docbin
from xner_spacy.distillation.curated import CuratedLoss
from xner_spacy.distillation.soft.soft_labels import set_soft
from xner_spacy.types import TokenLabels

pytest.importorskip("spacy_curated_transformers", reason="needs the extra [curated]")

# Sizes of the tiny model.
SIZES = {
    **{"hidden_width": 32, "intermediate_width": 64, "num_attention_heads": 4},
    **{"max_position_embeddings": 130, "model_max_length": 128},
}
NAMES = {"Anna": "PER", "Jónsdóttir": "PER", "Reykjavík": "LOC", "Berlin": "LOC", "Hamburg": "LOC", "Siemens": "ORG"}
TAGS = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("google.protobuf", reason="needs protobuf")
    return build("xlmr", tmp_path_factory.mktemp("xlmr"), num_hidden_layers=1)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences with labels and distributions."""
    vocab = spacy.blank("xx").vocab
    docs = []
    for text in TEXTS[:6] * 4:
        doc = Doc(vocab, words=text.split())
        doc.set_ents([Span(doc, t.i, t.i + 1, NAMES[t.text]) for t in doc if t.text in NAMES], default="outside")
        probs = np.full((len(doc), len(TAGS)), 0.01, dtype=np.float32)
        for token in doc:
            label = NAMES.get(token.text)
            probs[token.i, TAGS.index(f"B-{label}") if label else 0] = 0.94
        set_soft(doc, TokenLabels(TAGS, probs))
        docs.append(doc)
    path = tmp_path_factory.mktemp("corpus") / "corpus.spacy"
    write_docbin(path, docs)
    return path


def settings_for(encoder: Path, corpus: Path, **training: Any) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): Overrides of the config for the tiny model."""
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(encoder)
    sizes = {**SIZES, "vocab_size": config.vocab_size, "num_hidden_layers": config.num_hidden_layers}
    return {
        **{"paths.encoder": str(encoder), "paths.train": str(corpus), "paths.dev": str(corpus)},
        **{f"components.transformer.model.{name}": size for name, size in sizes.items()},
        **{f"training.{name}": value for name, value in training.items()},
    }


@pytest.mark.parametrize("base, labels", [("student", "soft"), ("student", "hard"), ("source", "soft")])
def test_learns_and_comes_back_from_disk(base: str, labels: str, encoder: Path, corpus: Path, tmp_path: Path) -> None:
    init_config(base, tmp_path / "c.cfg", "xx", labels=labels, encoder="curated")
    fill_config(tmp_path / "filled.cfg", tmp_path / "c.cfg")
    assert load_config(tmp_path / "filled.cfg")["components"] == load_config(tmp_path / "c.cfg")["components"]
    steps = {"max_steps": 160, "eval_frequency": 80, "accumulate_gradient": 1, "batcher.size": 300, "seed": 1}
    rates = {"learn_rate.warmup_steps": 10, "learn_rate.initial_rate": 0.003, "use_averages": False}
    rates = {f"optimizer.{name}": value for name, value in rates.items()}
    train(tmp_path / "c.cfg", tmp_path, overrides=settings_for(encoder, corpus, **steps, **rates))
    nlp = spacy.load(tmp_path / "model-last")
    doc = nlp(Doc(nlp.vocab, words=TEXTS[0].split()))
    assert nlp.pipe_names == ["transformer", "xner_student" if labels == "soft" else "ner"]
    assert [(e.text, e.label_) for e in doc.ents] == [(w, NAMES[w]) for w in TEXTS[0].split() if w in NAMES]
    nlp.to_disk(tmp_path / "again")
    again = spacy.load(tmp_path / "again")
    same = again(Doc(again.vocab, words=TEXTS[0].split()))
    assert [(e.start, e.end, e.label_) for e in same.ents] == [(e.start, e.end, e.label_) for e in doc.ents]


def test_the_encoder_reads_as_the_original_does(corpus: Path, tmp_path: Path) -> None:
    """The same sub-words, and the same vector for each."""
    import torch
    from spacy.training.initialize import init_nlp
    from transformers import AutoModel, AutoTokenizer

    encoder = build("xlmr", tmp_path / "xlmr")
    init_config("student", tmp_path / "c.cfg", "xx", labels="soft", encoder="curated")
    config = load_config(tmp_path / "c.cfg", overrides=settings_for(encoder, corpus), interpolate=False)
    nlp = init_nlp(config)
    words = TEXTS[0].split()
    doc = nlp.get_pipe("transformer")(Doc(nlp.vocab, words=words))
    tokenizer, model = AutoTokenizer.from_pretrained(encoder), AutoModel.from_pretrained(encoder).eval()
    encoded = tokenizer(words, is_split_into_words=True, return_tensors="pt")
    with torch.inference_mode():
        expected = model(**encoded).last_hidden_state[0].numpy()
    layer = doc._.trf_data.last_hidden_layer_state
    kept = [k for k, word in enumerate(encoded.word_ids()) if word is not None]
    assert layer.lengths.tolist() == np.bincount([encoded.word_ids()[k] for k in kept]).tolist()
    np.testing.assert_allclose(layer.dataXd, expected[kept], atol=1e-4)


def test_the_callback_touches_nothing_else() -> None:
    nlp = spacy.blank("xx")
    tok2vec = nlp.add_pipe("tok2vec")
    assert CuratedLoss()(nlp) is nlp and type(tok2vec.model.ops) is NumpyOps
    nlp = spacy.blank("xx")
    curated = nlp.add_pipe(
        "curated_transformer",
        config={"model": {**SIZES, "vocab_size": 40, "num_hidden_layers": 1}},
    )
    inner = curated.model.get_ref("transformer").ops
    CuratedLoss()(nlp)
    ops = curated.model.ops
    assert ops.xp.full(1, 2.5).shape == () and ops.xp.full((2, 2), 1.0).shape == (2, 2) and ops.xp.zeros is np.zeros
    assert curated.model.get_ref("transformer").ops is inner and type(inner) is NumpyOps
