"""GLiNER on tiny models of random weights, through the library's own loading code: what it finds, windows, batches, the
uses as an annotator, and models that are refused.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any, Callable, Dict, List, Sequence

import numpy as np
import pytest
import spacy
from hypothesis import given
from hypothesis import strategies as st

from tests.annotation.test_reading_windows import read
from tests.conftest import ROOT
from tests.translation.test_broken_models import FAULTS
from tiny.models import build
from xner_spacy.annotation.gliner import GLiNER
from xner_spacy.annotation.reading_windows import Window
from xner_spacy.corpora.annotate import annotate
from xner_spacy.distillation.soft.soft_labels import get_soft
from xner_spacy.errors import MissingExtraError, XnerError
from xner_spacy.types import Entity

WORDS = ["Anna", "Jónsdóttir", "býr", "í", "Reykjavík", "og", "vinnur", "hjá", "Landsbankanum", "."]
KINDS: Dict[str, Dict[str, Any]] = {
    "spans": {},
    "tokens": {"span_mode": "token_level"},
    "labels": {"labels_encoder": "x"},
}

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Dict[str, Path]:
    """A model of each kind."""
    pytest.importorskip("gliner", reason="needs the extra [gliner]")
    root = tmp_path_factory.mktemp("gliner")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return {kind: build("gliner", root / kind, **config) for kind, config in KINDS.items()}


@pytest.fixture(scope="module")
def parts(models: Dict[str, Path]) -> Dict[str, GLiNER]:
    """A part of each kind, with a threshold that random weights reach."""
    found = {}
    for kind, folder in models.items():
        thresholds = (10.0**-k / 2 for k in range(9))
        part = (GLiNER(str(folder), threshold=threshold) for threshold in thresholds)
        found[kind] = next(p for p in part if next(iter(p([WORDS]))).entities)
    return found


def spans(entities: Sequence[Entity]) -> List[tuple]:
    return [entity[:3] for entity in entities]


@pytest.mark.parametrize("kind", KINDS)
def test_finds_what_the_library_finds(parts: Dict[str, GLiNER], kind: str) -> None:
    from gliner import GLiNER as Library

    part = parts[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library = Library.from_pretrained(part.model, local_files_only=True)
    text = " ".join(WORDS)
    starts = [len(" ".join(WORDS[:k])) + (k > 0) for k in range(len(WORDS))]
    [expected] = library.inference([text], list(part.label_of), threshold=part.threshold)
    [annotation] = part([WORDS])
    assert annotation.entities and len(annotation.entities) == len(expected)
    for entity, row in zip(annotation.entities, expected, strict=True):
        assert starts[entity.start] == row["start"] and part.label_of[row["label"]] == entity.label
        assert starts[entity.end - 1] + len(WORDS[entity.end - 1]) == row["end"]
        assert entity.score == pytest.approx(row["score"], abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_neighbours_do_not_matter(parts: Dict[str, GLiNER], kind: str) -> None:
    sentences: List[List[str]] = [WORDS[:k] for k in (3, 9, 0, 1, 9, 5)] + [["\u200b", "Anna"], WORDS * 12]
    part = parts[kind]
    together = list(part(sentences))
    for words, annotation in zip(sentences, together, strict=True):
        [alone] = part([words])
        assert alone.entities == annotation.entities
        np.testing.assert_array_equal(alone.labels.probs, annotation.labels.probs)
    assert [a.entities for a in part(sentences[::-1])] == [a.entities for a in together][::-1]
    # As on a GPU: windows of different lengths in a batch.
    for batch_size in (2, 5):
        batched = GLiNER(part.model, threshold=part.threshold, batch_size=batch_size)
        batched.loaded.alone = False
        for a, b in zip(batched(sentences), together, strict=True):
            assert spans(a.entities) == spans(b.entities)
            np.testing.assert_allclose(a.labels.probs, b.labels.probs, atol=1e-4)


@pytest.mark.parametrize("max_length", [40, 128, 10_000])
def test_no_word_of_a_long_sentence_is_cut_off(models: Dict[str, Path], max_length: int) -> None:
    part = GLiNER(str(models["spans"]), max_length=max_length)
    model = part.loaded
    read_words: List[int] = []
    collate = model.model.collate_batch

    def watched(*arguments: Any) -> Any:
        batch = collate(*arguments)
        assert batch["input_ids"].shape[1] <= min(max_length, 128)
        read_words.append(int(batch["words_mask"].max()))
        assert read_words[-1] == len(batch["tokens"][0]) <= model.most_words
        return batch

    model.model.collate_batch = watched
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # the library warns where it cuts a sentence off
        [annotation] = part([WORDS * 30])
    assert sum(read_words) >= 300 and len(read_words) > 1
    assert max(e.end for e in annotation.entities) > 290
    # A word that is longer than a window is read by its beginning.
    [annotation] = part([["Anna", "í" * 3000, "Anna"]])
    assert len(annotation.entities) > 0


class Reader:
    """In place of a model: sees given entities, in each window as much as there is of them."""

    def __init__(self, words: Sequence[str], entities: Sequence[Entity], room: int, overlap: int) -> None:
        self.room, self.most_words, self.overlap = room, 1000, overlap
        self.words, self.entities = words, entities

    def sizes(self, sentences: Sequence[Sequence[str]]) -> List[List[int]]:
        return [[len(word.strip()) for word in words] for words in sentences]

    def find(self, windows: Sequence[Sequence[str]], threshold: float) -> List[List[Entity]]:
        results = []
        for words in windows:
            start = self.words.index(words[0])
            window = Window(start, start + len(words), len(self.words))
            assert list(words) == self.words[start : window.stop]
            seen = read(window, self.entities, 0.9)
            results.append([e._replace(start=e.start - start, end=e.end - start) for e in seen])
        return results


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.sets(st.integers(0, 60), max_size=20), st.integers(1, 4))
def test_entities_of_any_sentence_come_back(is_word: List[bool], cuts: set, overlap: int) -> None:
    words = [f"{k:03d}" if visible else " " for k, visible in enumerate(is_word)]
    seen = [word for word in words if word != " "]
    places = [k for k, word in enumerate(words) if word != " "]
    edges = sorted(cut for cut in cuts if cut <= len(seen))
    entities = [Entity(a, b, "city" if a % 2 else "person", 0.8) for a, b in list(itertools.pairwise(edges))[::2]]
    part = GLiNER("none", labels={"person": "PER", "city": "LOC"}, threshold=0.7)
    part.__dict__["loaded"] = Reader(seen, entities, 18, overlap)
    [annotation] = part([words])
    expected = [(places[e.start], places[e.end - 1] + 1, part.label_of[e.label]) for e in entities]
    assert spans(annotation.entities) == expected
    assert annotation.labels is not None and len(annotation.labels.probs) == len(words)
    np.testing.assert_allclose(annotation.labels.probs.sum(axis=1), 1.0, atol=1e-6)
    tags = [annotation.labels.labels[k] for k in annotation.labels.probs.argmax(axis=1)]
    assert [k for k, tag in enumerate(tags) if tag[0] == "B"] == [start for start, _, _ in expected]
    assert sum(tag != "O" for tag in tags) == sum(end - start for start, end, _ in expected)


def test_spans_below_the_threshold_are_only_in_the_distributions() -> None:
    part = GLiNER("none", labels={"person": "PER", "human being": "PER", "city": "LOC"}, threshold=0.6)
    rows = [Entity(0, 2, "human being", 0.75), Entity(3, 4, "city", 0.25)]
    part.__dict__["loaded"] = Reader(["aaa", "bbb", "ccc", "ddd"], rows, 100, 2)
    [annotation] = part([["aaa", "bbb", "ccc", "ddd"]])
    assert annotation.entities == [Entity(0, 2, "PER", 0.75)]
    assert annotation.labels is not None and annotation.labels.labels == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    assert annotation.labels.probs.tolist() == [
        [0.25, 0, 0, 0.75, 0],
        [0.25, 0, 0, 0, 0.75],
        [1, 0, 0, 0, 0],
        [0.75, 0.25, 0, 0, 0],
    ]


def test_whitespace_is_neither_read_nor_named(models: Dict[str, Path]) -> None:
    part = GLiNER(str(models["spans"]))
    [plain] = part([WORDS])
    [spaced] = part([["\n", *[w for word in WORDS for w in (word, " ")], "\u200b"]])
    # The words are at 1, 3, 5, ...
    assert spaced.entities == [e._replace(start=2 * e.start + 1, end=2 * e.end) for e in plain.entities]
    [nothing] = part([["\n", " "]])
    assert nothing.entities == [] and nothing.labels.probs[:, 0].tolist() == [1, 1]


def test_both_sides_of_a_pipeline_and_a_corpus(models: Dict[str, Path], tmp_path: Path) -> None:
    part = {"@xner_annotators": "xner.GLiNER.v1", "model": str(models["spans"])}
    nlp = spacy.blank("xx")
    words = [token.text for token in nlp.make_doc(" ".join(WORDS))]
    [expected] = GLiNER(str(models["spans"]))([words])
    dropped = expected.entities[0].label
    label_map = {label: label if label != dropped else None for label in ("PER", "LOC", "ORG")}
    nlp.add_pipe("xner_translator", config={"source_lang": "xx"})
    nlp.add_pipe("xner_annotator", config={"annotator": part, "label_map": label_map})
    nlp.add_pipe("xner_annotator", "target", config={"annotator": part, "side": "target"})
    nlp.to_disk(tmp_path / "nlp")
    nlp = spacy.load(tmp_path / "nlp")
    doc = nlp(" ".join(WORDS))
    assert [(e.start, e.end, e.label_) for e in doc.ents] == spans(expected.entities)
    kept = [e for e in expected.entities if e.label != dropped]
    assert [(e.start, e.end, e.label_) for e in doc._.xner_source.ents] == spans(kept)
    assert nlp.get_pipe("xner_annotator").dropped == {dropped: len(expected.entities) - len(kept)}
    soft = get_soft(doc)
    assert soft is not None and get_soft(doc._.xner_source) is not None
    np.testing.assert_allclose(soft.probs, expected.labels.probs, atol=5e-3)
    (tmp_path / "text.txt").write_text("\n".join([" ".join(WORDS)] * 5), encoding="utf8")
    manifest = annotate(tmp_path / "nlp", tmp_path / "text.txt", tmp_path / "out", tokenized=True, shard_size=2)
    identity = manifest["models"]["target"]
    assert identity["engine"] == "gliner" and identity["labels"][0] == ["person", "PER"]
    assert identity["model"] == GLiNER(str(models["spans"])).content and "gliner" in manifest["libraries"]
    assert manifest["totals"]["entities"] == 5 * len(expected.entities)


@pytest.mark.parametrize(
    "settings, message",
    [
        ({"labels": {}}, "labels that are empty"),
        ({"labels": {" ": "PER"}}, "labels that are empty"),
        ({"labels": {"person": ""}}, "labels that are empty"),
        ({"threshold": 0.0}, "threshold = 0"),
        ({"threshold": float("nan")}, "threshold = nan"),
        ({"batch_size": 0}, "batch_size = 0"),
        ({"dtype": "int8"}, "no precision"),
    ],
)
def test_settings_that_are_refused(settings: Dict[str, Any], message: str) -> None:
    with pytest.raises(XnerError, match=message):
        GLiNER("none", **settings)


def test_labels_that_leave_no_room(models: Dict[str, Path]) -> None:
    many = {f"kind of thing number {k}": "X" for k in range(40)}
    with pytest.raises(XnerError, match="The 40 labels leave room for 0 sub-words"):
        list(GLiNER(str(models["spans"]), labels=many)([WORDS]))


def test_what_is_not_there(models: Dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(XnerError, match="no such folder"):
        list(GLiNER(str(tmp_path / "nothing"))([WORDS]))
    with pytest.raises(XnerError, match="device 'cuda:7' cannot be used"):
        list(GLiNER(str(models["spans"]), device="cuda:7")([WORDS]))
    plain = build("bert", tmp_path / "plain")
    with pytest.raises(XnerError, match=r"has no gliner_config\.json.*xner\.TokenClassifier\.v1"):
        list(GLiNER(str(plain))([WORDS]))
    monkeypatch.setitem(sys.modules, "gliner", None)
    with pytest.raises(MissingExtraError, match=r"xner-spacy\[gliner\]"):
        list(GLiNER(str(models["spans"]))([WORDS]))


def copy(models: Dict[str, Path], tmp_path: Path, **config: Any) -> Path:
    """RETURNS (Path): A copy of the model with other settings in its config."""
    folder = shutil.copytree(models["spans"], tmp_path / "copy")
    file = folder / "gliner_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **config}))
    return folder


@pytest.mark.parametrize(
    "config, message",
    [
        ({"labels_decoder": "some-one/decoder"}, "of another kind: it makes up labels"),
        ({"relations_layer": "biaffine"}, "of another kind: it finds relations"),
        ({"model_type": "gliner_streaming_span"}, "of another kind: it reads a stream"),
    ],
)
def test_models_of_other_kinds(models: Dict[str, Path], tmp_path: Path, config: Dict[str, Any], message: str) -> None:
    with pytest.raises(XnerError, match=message):
        list(GLiNER(str(copy(models, tmp_path, **config)))([WORDS]))


def test_code_of_a_model_is_never_run(models: Dict[str, Path], tmp_path: Path) -> None:
    """The library would: it makes encoders with `trust_remote_code`."""
    encoder = json.loads((models["spans"] / "gliner_config.json").read_text())["encoder_config"]
    folder = copy(models, tmp_path, encoder_config={**encoder, "auto_map": {"AutoModel": "harm.Harm"}})
    (folder / "harm.py").write_text(f"open({str(tmp_path / 'harmed')!r}, 'w').close()\nclass Harm: pass\n")
    with pytest.raises(XnerError, match="asks for code of its own"):
        list(GLiNER(str(folder))([WORDS]))
    # The same in the config of an encoder that the model only names.
    named = build("bert", tmp_path / "named")
    file = named / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "auto_map": {"AutoModel": "harm.Harm"}}))
    shutil.copy(folder / "harm.py", named)
    shutil.rmtree(folder)
    folder = copy(models, tmp_path, encoder_config=None, model_name=str(named))
    with pytest.raises(XnerError, match="asks for code of its own"):
        list(GLiNER(str(folder))([WORDS]))
    assert not (tmp_path / "harmed").exists()


def test_weights_that_are_missing_are_not_made_up(models: Dict[str, Path], tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = copy(models, tmp_path)
    weights = load_file(folder / "model.safetensors")
    kept = {name: w for name, w in weights.items() if "layer.1.output" not in name}
    assert 0 < len(kept) < len(weights)
    save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(XnerError, match=r"lacks .* of its weights"):
        list(GLiNER(str(folder))([WORDS]))


def test_old_weights_only_if_they_are_trusted(models: Dict[str, Path], tmp_path: Path) -> None:
    import torch
    from safetensors.torch import load_file

    folder = copy(models, tmp_path)
    weights = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    torch.save(weights, folder / "pytorch_model.bin")
    with pytest.raises(XnerError, match=r"no model\.safetensors.*legacy_weights = true"):
        list(GLiNER(str(folder))([WORDS]))
    [trusted] = GLiNER(str(folder), legacy_weights=True)([WORDS])
    [safe] = GLiNER(str(models["spans"]))([WORDS])
    assert trusted.entities == safe.entities
    torch.save({name: w for name, w in weights.items() if "layer.1.output" not in name}, folder / "pytorch_model.bin")
    with pytest.raises(XnerError, match=r"lacks .* of its weights"):
        list(GLiNER(str(folder), legacy_weights=True)([WORDS]))
    # A pickle that runs code is not read.
    torch.save({"a": Path("harm")}, folder / "pytorch_model.bin")
    with pytest.raises(XnerError, match="could not be loaded"):
        list(GLiNER(str(folder), legacy_weights=True)([WORDS]))


@pytest.mark.parametrize("spoil", FAULTS)
def test_each_file_of_a_model(models: Dict[str, Path], tmp_path: Path, spoil: Callable[[Path], None]) -> None:
    for file in sorted(path.name for path in models["spans"].iterdir()):
        folder = shutil.copytree(models["spans"], tmp_path / "model")
        spoil(folder / file)
        try:
            assert len(list(GLiNER(str(folder))([WORDS]))) == 1
        except XnerError as error:
            assert "model" in str(error) and "\n" not in error.message, (file, str(error))
        shutil.rmtree(folder)


# In a process of its own, because the libraries read HF_HUB_OFFLINE when they are imported.
SCRIPT = """
import json, socket, sys

asked = []
def refuse(*arguments, **settings):
    asked.append(str(arguments))
    raise OSError("no network in this test")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse

from xner_spacy.annotation.gliner import GLiNER
from xner_spacy.errors import XnerError

found = {"errors": []}
for settings in ({}, {"revision": sys.argv[1]}):
    part = GLiNER("some-one/tiny", **settings)
    [annotation] = part([["Anna", "sings"]])
    found[f"identity {bool(settings)}"] = part.identity["model"]
for name, settings in (("some-one/other", {}), ("some-one/tiny", {"revision": "f" * 40})):
    try:
        list(GLiNER(name, **settings)([["a"]]))
    except XnerError as error:
        found["errors"].append(f"{error.message} {error.hint}")
print(json.dumps({**found, "asked": asked}))
"""


@pytest.mark.parametrize("offline", ["HF_HUB_OFFLINE", "local_files_only"])
def test_a_model_of_the_hub_that_is_downloaded_already(models: Dict[str, Path], tmp_path: Path, offline: str) -> None:
    home = tmp_path / "hub" / "models--some-one--tiny"
    (home / "snapshots").mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    (home / "snapshots" / COMMIT).symlink_to(models["spans"])
    environment = {**os.environ, "HF_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    script = SCRIPT
    if offline == "HF_HUB_OFFLINE":
        environment[offline] = "1"
    else:
        script = script.replace("**settings)", "local_files_only=True, **settings)")
    done = subprocess.run([sys.executable, "-c", script, COMMIT], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["identity True"] == found["identity False"] == COMMIT
    assert len(found["errors"]) == 2 and all("could not be loaded" in error for error in found["errors"])
    assert found["asked"] == []
