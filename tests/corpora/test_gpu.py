"""`--gpu-id`: one message where there is no GPU, and parts that move to it. A GPU itself is not needed."""

from pathlib import Path
from typing import Any, Dict, Iterator, Sequence

import pytest
import spacy

from tests.cli.helpers import xner
from xner_spacy.annotation.annotators import Annotation
from xner_spacy.annotation.token_classifier import TokenClassifier
from xner_spacy.cli.calibrate import calibrate
from xner_spacy.corpora import gpu
from xner_spacy.corpora.annotate import annotate, plan
from xner_spacy.corpora.docs import read_docs
from xner_spacy.corpora.gpu import move_parts, use_gpu
from xner_spacy.errors import XnerError
from xner_spacy.registry import registry


@registry.xner_annotators("test.Where.v1")
class Where:
    """Labels the first word with the device that it runs on."""

    def __init__(self, device: str = "cpu") -> None:
        self.device = device

    def __call__(self, sentences: Sequence[Sequence[str]]) -> Iterator[Annotation]:
        from xner_spacy.types import Entity

        for words in sentences:
            yield Annotation([Entity(0, 1, self.device)] if words else [])


@pytest.fixture()
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(gpu_id: int) -> bool:
        raise ValueError("No GPU devices detected")

    monkeypatch.setattr(gpu.spacy, "require_gpu", refuse)


@pytest.fixture()
def one_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if there were one; nothing that runs in the test needs it."""
    monkeypatch.setattr(gpu.spacy, "require_gpu", lambda gpu_id: True)
    monkeypatch.setattr(gpu, "_check_torch", lambda device: None)


def pipeline(folder: Path, **settings: Any) -> Path:
    nlp = spacy.blank("en")
    part = {"@xner_annotators": "test.Where.v1", **settings}
    nlp.add_pipe("xner_annotator", config={"annotator": part, "side": "target", "label_map": None})
    nlp.to_disk(folder)
    return folder


def test_no_gpu_is_one_message_before_anything_is_written(no_gpu: None, tmp_path: Path) -> None:
    nlp = pipeline(tmp_path / "nlp")
    (tmp_path / "text.txt").write_text("Anna sings .\n")
    inputs = [str(nlp), str(tmp_path / "text.txt"), str(tmp_path / "out")]
    done = xner("annotate", *inputs, "--gpu-id", 0)
    assert done.code == 1 and "--gpu-id 0: this GPU can't be used" in done.err and "Traceback" not in done.err
    with pytest.raises(XnerError, match=r"--gpu-id 0: this GPU can't be used \(No GPU devices detected\).*nvidia-smi"):
        annotate(*inputs, gpu_id=0)
    for action in (lambda: plan(*inputs, gpu_id=0), lambda: calibrate(nlp, tmp_path / "text.txt", gpu_id=1)):
        with pytest.raises(XnerError, match="this GPU can't be used"):
            action()
    assert not (tmp_path / "out").exists()


def test_workers_do_not_share_a_gpu(one_gpu: None, tmp_path: Path) -> None:
    for settings in ({"workers": 2}, {"engine": "ray"}):
        with pytest.raises(XnerError, match="--gpu-id 0 is for one process"):
            use_gpu(0, **settings)
        assert use_gpu(-1, **settings) is None
    assert use_gpu(3) == "cuda:3"


@pytest.mark.parametrize(
    "setting, runs_on", [({}, "cuda:0"), ({"device": "cpu"}, "cuda:0"), ({"device": "cpu:0"}, "cpu:0")]
)
def test_parts_follow_unless_they_are_set_elsewhere(
    one_gpu: None, tmp_path: Path, setting: Dict[str, str], runs_on: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Where, "__module__", "xner_spacy.somewhere")
    nlp = pipeline(tmp_path / "nlp", **setting)
    (tmp_path / "text.txt").write_text("Anna sings .\nAnna .\n")
    on_cpu = annotate(nlp, tmp_path / "text.txt", tmp_path / "cpu")
    manifest = annotate(nlp, tmp_path / "text.txt", tmp_path / "out", gpu_id=0)
    assert manifest["gpu_id"] == 0 and on_cpu["gpu_id"] == -1
    # Nothing else tells the runs apart: the one can continue the other.
    assert manifest["identity"] == on_cpu["identity"]
    assert annotate(nlp, tmp_path / "text.txt", tmp_path / "cpu", gpu_id=0)["shards"] == on_cpu["shards"]
    vocab = spacy.blank("en").vocab
    for folder, device in (("out", runs_on), ("cpu", setting.get("device", "cpu"))):
        labels = [e.label_ for doc in read_docs(tmp_path / folder, vocab) for e in doc.ents]
        assert labels == [device, device]


def test_models_are_loaded_where_they_run_and_int8_stays(one_gpu: None, tmp_path: Path) -> None:
    nlp = spacy.blank("en")
    inner = spacy.blank("en")
    part = {"@xner_annotators": "xner.TokenClassifier.v1", "model": "a-model"}
    inner.add_pipe("xner_annotator", config={"annotator": part, "side": "target"})
    inner.to_disk(tmp_path / "inner")
    outer = nlp.add_pipe("xner_annotator", config={"model": str(tmp_path / "inner"), "label_map": None})
    nlp.initialize()
    aligner = {"@xner_aligners": "xner.SimAlign.v1"}
    floats = nlp.add_pipe("xner_aligner", "floats", config={"aligner": aligner})
    bytes_ = nlp.add_pipe("xner_aligner", "bytes", config={"aligner": {**aligner, "dtype": "int8"}})
    tagger: TokenClassifier = outer.source_nlp.get_pipe("xner_annotator").part
    tagger.__dict__["loaded"] = "a model on the CPU"
    tagger.__dict__["content"] = "x"
    before = tagger.identity
    assert move_parts(nlp, None) == 0 and tagger.device == "cpu"
    assert move_parts(nlp, "cuda:1") == 2
    assert tagger.device == "cuda:1" and "loaded" not in tagger.__dict__
    assert floats.part.device == "cuda:1" and bytes_.part.device == "cpu"
    assert tagger.identity == before


def test_pytorch_without_cuda_is_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("needs a PyTorch that has no GPU")
    nlp = spacy.blank("en")
    part = {"@xner_annotators": "xner.TokenClassifier.v1", "model": "a-model"}
    nlp.add_pipe("xner_annotator", config={"annotator": part})
    with pytest.raises(XnerError, match=r"PyTorch can't use the device 'cuda:0' \(.+\), which a part"):
        move_parts(nlp, "cuda:0")
