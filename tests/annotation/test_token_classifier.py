"""The token classifier on a tiny model: batches, windows, schemes, and its three uses."""

import json
import shutil
from pathlib import Path
from typing import Callable, List, Tuple

import numpy as np
import pytest
import spacy
from spacy.tokens import Doc

from tests.translation.test_broken_models import FAULTS
from tiny.models import ENCODER, TEXTS, build, build_classifier
from xner_spacy.annotation.annotators import TagScheme
from xner_spacy.annotation.token_classifier import Batch, TokenClassifier, fixed_batches
from xner_spacy.distillation.soft.soft_labels import get_soft
from xner_spacy.errors import XnerError
from xner_spacy.types import Entity

TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"]
WORDS = ["Anna", "Jónsdóttir", "býr", "í", "Reykjavík", "og", "vinnur", "hjá", "Landsbankanum", "."]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a classifier of random weights."""
    pytest.importorskip("torch")
    return build_classifier(tmp_path_factory.mktemp("classifier"), TAGS)


def test_words_by_their_first_subword_as_transformers_says(model: Path) -> None:
    import torch
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    network = AutoModelForTokenClassification.from_pretrained(model).eval()
    encoded = tokenizer(WORDS, is_split_into_words=True, return_tensors="pt")
    with torch.inference_mode():
        probs = torch.softmax(network(**encoded).logits, -1)[0].numpy()
    first = {}
    for position, word in enumerate(encoded.word_ids()):
        first.setdefault(word, position)
    expected = np.stack([probs[first[k]] for k in range(len(WORDS))])
    (found,) = TokenClassifier(str(model)).distributions([WORDS])
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_batches_do_not_matter(model: Path) -> None:
    sentences: List[List[str]] = [WORDS[:k] for k in (3, 9, 0, 1, 9, 5)] + [["\u200b", "Anna"]]
    one = TokenClassifier(str(model), batch_tokens=1).distributions(sentences)
    many = TokenClassifier(str(model)).distributions(sentences)
    for a, b in zip(one, many, strict=True):
        np.testing.assert_array_equal(a, b)
    for k, words in enumerate(sentences):
        (alone,) = TokenClassifier(str(model)).distributions([words])
        np.testing.assert_array_equal(alone, many[k])
    backwards = TokenClassifier(str(model)).distributions(sentences[::-1])
    for a, b in zip(backwards[::-1], many, strict=True):
        np.testing.assert_array_equal(a, b)
    assert many[2].shape == (0, len(TAGS))
    assert len(list(TokenClassifier(str(model))(sentences))) == len(sentences)


def test_every_word_of_a_long_sentence_is_read_once(model: Path) -> None:
    long = WORDS * 30
    part = TokenClassifier(str(model))
    (probs,) = part.distributions([long])
    assert len(probs) == len(long) and len(part.loaded.subwords([long])[0].ids) > part.loaded.room
    # No word was left at its default.
    assert not (probs[:, 0] == 1).any()
    # A word longer than a window is read by its beginning, and those around it are read.
    (probs,) = part.distributions([["Anna", "í" * 3000, "Anna"]])
    assert not (probs[:, 0] == 1).any()


def test_schemes_become_iob2() -> None:
    sure = lambda tags, scheme: np.array([[float(t == s) for s in scheme] for t in tags], "f")  # noqa: E731
    iob1 = ["O", "I-PER", "B-PER", "I-LOC"]
    found = TagScheme(iob1).annotate(sure(["I-PER", "I-PER", "B-PER", "I-LOC", "O", "I-LOC"], iob1))
    assert [tuple(e[:3]) for e in found.entities] == [
        (0, 2, "PER"),
        (2, 3, "PER"),
        (3, 4, "LOC"),
        (5, 6, "LOC"),
    ]
    assert found.labels is not None
    best = [found.labels.labels[k] for k in found.labels.probs.argmax(1)]
    assert best == ["B-PER", "I-PER", "B-PER", "B-LOC", "O", "B-LOC"]
    bilou = ["O", "B-PER", "I-PER", "L-PER", "U-PER"]
    found = TagScheme(bilou).annotate(sure(["U-PER", "B-PER", "I-PER", "L-PER", "O"], bilou))
    assert found.entities == [Entity(0, 1, "PER", 1.0), Entity(1, 4, "PER", 1.0)]
    with pytest.raises(XnerError, match="of an unknown scheme"):
        TagScheme(["LABEL_0", "LABEL_1"])


def test_source_annotator_transfer_baseline_and_tagger(model: Path, tmp_path: Path) -> None:
    part = {"@xner_annotators": "xner.TokenClassifier.v1", "model": str(model)}
    nlp = spacy.blank("xx")
    nlp.add_pipe("xner_translator", config={"source_lang": "xx"})
    nlp.add_pipe("xner_annotator", config={"annotator": part, "label_map": {"PER": "PER", "LOC": None, "ORG": None}})
    nlp.add_pipe("xner_annotator", "target", config={"annotator": part, "side": "target"})
    nlp.to_disk(tmp_path / "nlp")
    nlp = spacy.load(tmp_path / "nlp")
    doc = nlp(" ".join(WORDS))
    expected = next(TokenClassifier(str(model))([[t.text for t in doc]]))
    assert [(e.start, e.end, e.label_) for e in doc.ents] == [tuple(e[:3]) for e in expected.entities]
    assert expected.entities, "the random model should find something"
    assert [(e.start, e.end) for e in doc._.xner_source.ents] == [
        (e.start, e.end) for e in expected.entities if e.label == "PER"
    ]
    soft = get_soft(doc)
    assert soft is not None and expected.labels is not None
    np.testing.assert_allclose(soft.probs, expected.labels.probs, atol=5e-3)
    assert get_soft(doc._.xner_source) is not None


def test_what_is_refused(model: Path, tmp_path: Path) -> None:
    plain = build("xlmr_generic", tmp_path / "plain")
    config = json.loads((plain / "config.json").read_text())
    with pytest.raises(XnerError, match="has no classifier"):
        list(TokenClassifier(str(plain))([WORDS]))
    assert "id2label" not in config
    with pytest.raises(XnerError, match="side must be"):
        spacy.blank("xx").add_pipe("xner_annotator", config={"side": "left"})
    with pytest.raises(XnerError, match="no such folder"):
        list(TokenClassifier(str(tmp_path / "nothing"))([WORDS]))


def test_weights_that_are_missing_are_not_made_up(model: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(model, tmp_path / "torn")
    weights = load_file(folder / "model.safetensors")
    kept = {name: w for name, w in weights.items() if "layer.1.output" not in name}
    assert 0 < len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(XnerError, match=r"lacks .* of its weights"):
        list(TokenClassifier(str(folder))([WORDS]))


@pytest.mark.parametrize("spoil", FAULTS)
def test_each_file_of_a_model(model: Path, tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    for file in sorted(path.name for path in model.iterdir()):
        folder = shutil.copytree(model, tmp_path / "model")
        spoil(folder / file)
        try:
            assert len(list(TokenClassifier(str(folder))([WORDS]))) == 1
        except XnerError as error:
            assert "model" in str(error) and "\n" not in error.message, (file, str(error))
        shutil.rmtree(folder)


def test_batches_of_a_gpu_have_the_shape_of_their_windows() -> None:
    lengths = [5, 40, 31, 33, 32, 5, 90]

    def shape_of(length: int) -> Tuple[int, int]:
        return (-(-length // 32) * 32, 2)

    batches = fixed_batches(lengths, shape_of)
    assert batches == [
        Batch([6], 96, 2),
        Batch([1, 3], 64, 2),
        Batch([0, 2], 32, 2),
        Batch([4, 5], 32, 2),
    ]


def test_a_batch_that_is_filled_up_gives_the_same(model: Path, monkeypatch) -> None:
    sentences = [WORDS[:k] for k in (3, 9, 0, 1, 9, 5)]
    expected = TokenClassifier(str(model)).distributions(sentences)
    part = TokenClassifier(str(model))
    monkeypatch.setattr(part.loaded, "shape_of", lambda length: (-(-length // 32) * 32, 4))
    for a, b in zip(part.distributions(sentences), expected, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_whitespace_is_neither_read_nor_named(model: Path) -> None:
    part = TokenClassifier(str(model))
    (plain,) = part([WORDS])
    words = ["\n", *[w for word in WORDS for w in (word, " ")], "\u200b"]
    (found,) = part([words])
    assert plain.entities
    # The words are at 1, 3, 5, ...
    assert found.entities == [e._replace(start=2 * e.start + 1, end=2 * e.end) for e in plain.entities]
    np.testing.assert_array_equal(found.labels.probs[1:-1:2].argmax(1), plain.labels.probs.argmax(1))
    assert not found.labels.probs[2::2, 1::2].any()
    assert next(iter(part([["\n", " "]]))).entities == []


def test_labels_that_a_model_does_not_name(model: Path, tmp_path: Path) -> None:
    unnamed = tmp_path / "unnamed"
    shutil.copytree(model, unnamed)
    config = json.loads((unnamed / "config.json").read_text())
    config["id2label"] = {str(k): f"LABEL_{k}" for k in range(len(TAGS))}
    config["label2id"] = {f"LABEL_{k}": k for k in range(len(TAGS))}
    (unnamed / "config.json").write_text(json.dumps(config))
    with pytest.raises(XnerError, match=r"its 5 outputs.*labels ="):
        list(TokenClassifier(str(unnamed))([WORDS]))
    expected = next(iter(TokenClassifier(str(model))([WORDS]))).entities
    by_name = {f"LABEL_{k}": tag for k, tag in enumerate(TAGS)}
    for labels in (TAGS, by_name):
        part = TokenClassifier(str(unnamed), labels=labels)
        assert next(iter(part([WORDS]))).entities == expected
        assert part.identity["labels"] == labels
    for wrong, message in ((TAGS[:2], "2 labels for the 5"), ({"X": "O"}, "no label 'X'")):
        with pytest.raises(XnerError, match=message):
            list(TokenClassifier(str(unnamed), labels=wrong)([WORDS]))
    nlp = spacy.blank("xx")
    part = {"@xner_annotators": "xner.TokenClassifier.v1", "model": str(unnamed), "labels": TAGS}
    nlp.add_pipe("xner_annotator", config={"annotator": part, "side": "target"})
    assert [(e.start, e.end) for e in nlp(Doc(nlp.vocab, words=WORDS)).ents] == [e[:2] for e in expected]


@pytest.mark.parametrize("generic", [False, True])
def test_a_byte_level_tokenizer_gets_the_space_before_each_word(generic: bool, tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import (
        PreTrainedTokenizerFast,
        RobertaConfig,
        RobertaForTokenClassification,
        RobertaTokenizerFast,
    )

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    kind = PreTrainedTokenizerFast if generic else RobertaTokenizerFast
    kind(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        cls_token="<s>",
        unk_token="<unk>",
        pad_token="<pad>",
        mask_token="<mask>",
        model_max_length=128,
    ).save_pretrained(tmp_path)
    config = RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        id2label=dict(enumerate(TAGS)),
        label2id={tag: k for k, tag in enumerate(TAGS)},
        pad_token_id=1,
        **ENCODER,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = RobertaForTokenClassification(config).eval()
        network.classifier.weight.data.normal_(0, 2)
    network.save_pretrained(tmp_path)
    # As the model reads running text: a space before every word, and each word's place in it.
    encoded = tokenizer.encode(" " + " ".join(WORDS))
    starts = [1 + sum(len(w) + 1 for w in WORDS[:k]) for k in range(len(WORDS))]
    first = [next(i for i, (a, b) in enumerate(encoded.offsets) if a <= start < b) for start in starts]
    with torch.inference_mode():
        logits = network(input_ids=torch.tensor([encoded.ids])).logits
    expected = torch.softmax(logits, -1)[0].numpy()[first]
    (found,) = TokenClassifier(str(tmp_path)).distributions([WORDS])
    np.testing.assert_allclose(found, expected, atol=1e-5)
