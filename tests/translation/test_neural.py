"""The neural translators on tiny random models of each family: real code, real tokenizers."""

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List

import pytest

from xner_spacy.cli.convert_model import convert_model
from xner_spacy.errors import MissingExtraError, XnerError
from xner_spacy.registry import get_part
from xner_spacy.streams import pools
from xner_spacy.translation.neural import Hypothesis, NeuralTranslator, plan_batches, split_text
from xner_spacy.types import Translation

TEXTS = [
    "Anna lives in Reykjavík .",
    "",
    "The minister met Angela Merkel in Berlin on 12 May 2009 .",
    "Berlin .",
    "Anna lives in Reykjavík .",
    "   ",
]
LANGUAGES = {"nllb": ("en", "is"), "m2m": ("en", "is"), "marian": ("en", "is")}
FAMILIES = list(LANGUAGES)


def make(models: Dict[str, Path], name: str, **settings: Any) -> Any:
    """A translator that takes every output as it is: those of random weights are all faulty."""
    family = name.partition("-")[0]
    source, target = LANGUAGES[family]
    part = "xner.CTranslate2.v1" if name.endswith("-ct2") else "xner.Transformers.v1"
    settings = {"source_lang": source, "target_lang": target, **settings}
    return get_part("xner_translators", part, model=str(models[name]), **settings)


def raw(translator: Any, texts: List[str]) -> List[List[Hypothesis]]:
    (found,) = translator._decode([translator.loaded.encode(texts)])
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_both_engines_say_the_same(models: Dict[str, Path], family: str) -> None:
    texts = sorted({text for text in TEXTS if text.strip()}, key=len, reverse=True)
    ours, theirs = make(models, f"{family}-ct2"), make(models, family)
    for text in texts:  # one by one: in a batch of another shape the last bits differ
        (a,), (b,) = raw(ours, [text])[0], raw(theirs, [text])[0]
        assert a.text == b.text and a.complete == b.complete


@pytest.mark.parametrize("family", FAMILIES)
def test_scores_of_given_translations(models: Dict[str, Path], family: str) -> None:
    ours, theirs = make(models, f"{family}-ct2"), make(models, family)
    sources = [text for text in TEXTS if text.strip()]
    targets = list(reversed(sources))
    a, b = ours.score_batch(sources, targets), theirs.score_batch(sources, targets)
    assert a == pytest.approx(b, abs=2e-3)
    assert all(score < 0 for score in a)
    assert theirs.score_batch(sources[:1], targets[:1]) == pytest.approx(b[:1], abs=1e-4)


@pytest.mark.parametrize("name", ["nllb-ct2", "nllb"])
def test_order_duplicates_and_blanks(models: Dict[str, Path], name: str) -> None:
    translator = make(models, name, max_ratio=1e9)
    found = list(translator(TEXTS))
    assert len(found) == len(TEXTS)
    assert found[1] == found[5] == Translation("")
    assert found[0] == found[4]
    # Random weights loop: that is caught, counted, and gives no text.
    assert all(t.fault and t.text is None for t in (found[0], found[2], found[3]))
    assert sum(translator.faults.values()) == 3


@pytest.mark.parametrize("name", ["nllb-ct2", "m2m"])
def test_n_best(models: Dict[str, Path], name: str) -> None:
    (found,) = raw(make(models, name, n_best=3, beam_size=4), ["Berlin ."])
    assert len(found) == 3
    scores = [h.score for h in found]
    assert all(s is not None for s in scores) and scores == sorted(scores, reverse=True)  # type: ignore[type-var]


class Echo(NeuralTranslator):
    """Words are its sub-words; gives them back in capitals."""

    def _load(self) -> SimpleNamespace:
        return SimpleNamespace(limit=1000, encode=lambda texts: [text.split() for text in texts])

    def __init__(self, limit: int = 8, **settings: Any) -> None:
        super().__init__("echo", "en", "is", max_length=limit, **settings)
        self.batches: List[List[Any]] = []

    def _model_identity(self) -> Dict[str, Any]:
        return {"engine": "echo"}

    def _decode(self, batches: List[List[Any]]) -> Any:
        self.batches += batches
        for batch in batches:
            yield [[Hypothesis(" ".join(words).upper(), -1.0, "stop" not in words)] for words in batch]


def test_long_texts_are_split_and_joined() -> None:
    text = "One two three. Four five six seven; eight nine ten eleven twelve thirteen. End."
    echo = Echo()
    assert [t.text for t in echo([text, "short"])] == [text.upper(), "SHORT"]
    lengths = [len(words) for batch in echo.batches for words in batch]
    assert max(lengths) <= 8 and lengths == sorted(lengths, reverse=True)


def test_an_output_without_end_is_a_fault() -> None:
    echo = Echo()
    found = list(echo(["a b c d", "go and stop here . and then some more words follow it"]))
    assert found[0].text == "A B C D"
    assert found[1].text is None and found[1].fault == "length"
    assert echo.faults == {"length": 1}


def test_pools_keep_the_stream_lazy() -> None:
    taken = []

    def stream() -> Any:
        for k in range(100):
            taken.append(k)
            yield f"text {k}"

    results = Echo(pool_size=10)(stream())
    assert next(results).text == "TEXT 0"
    assert len(taken) <= 11


def test_plan_batches() -> None:
    plan = plan_batches(dict(enumerate([3, 9, 1, 3, 50])), 10)
    assert plan == [[4], [1], [0, 3, 2]]
    assert plan_batches({}, 10) == []


def long_text(translator: Any, length: int) -> str:
    """RETURNS (str): A text of so many sub-words, without a place to split it but its spaces."""
    words = ["Berlin"]
    while len(translator.loaded.encode([" ".join(words)])[0]) < length:
        words.append(f"in Reykjavík{len(words)}")
    return " ".join(words)


@pytest.mark.parametrize("name", ["marian-ct2", "marian"])
@pytest.mark.parametrize("length", [150, 164, 180, 199])
def test_a_looping_translation_of_a_long_text(
    opus: Dict[str, Path], name: str, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Random weights loop. Three times 164 sub-words and 20 are more than the 512 positions of the decoder."""
    translator = make(opus, name)
    text = long_text(translator, length)
    loops, short = list(translator([text, "Berlin ."]))
    assert loops.text is None and loops.fault in ("repetition", "length")
    assert short == next(translator(["Berlin ."]))
    assert sum(translator.faults.values()) >= 2

    # Where the library breaks all the same, the sentence is a fault and its neighbours are not.
    module = "ct2" if name.endswith("ct2") else "seq2seq"
    monkeypatch.setattr(f"xner_spacy.translation.{module}.decoding_limit", lambda n, most: 3 * n + 20)
    broken, neighbour = list(make(opus, name)([text, "Berlin ."]))
    assert neighbour == short
    assert broken.fault == ("failed" if length >= 170 else broken.fault) and broken.text is None


@pytest.mark.parametrize("name", ["nllb-ct2", "nllb", "m2m-ct2", "m2m", "marian-ct2", "marian"])
def test_texts_of_any_length_and_kind(models: Dict[str, Path], name: str) -> None:
    """Every text has its translation or its fault, whatever it is."""
    translator = make(models, name, max_length=100_000)
    texts = [
        long_text(translator, 40),
        long_text(translator, 127),
        long_text(translator, 400),
        "x" * 3000,
        "北京" * 500,
        "\u200b\ufeff",
        "." * 2000,
        "a\0b\u2028c",
        "👩‍👩‍👧" * 50,
    ]
    found = list(translator(texts))
    assert len(found) == len(texts)
    assert all((t.text is None) == (t.fault is not None) for t in found)


@pytest.mark.parametrize("name", ["marian-ct2", "marian", "nllb"])
def test_scores_of_texts_longer_than_the_model(models: Dict[str, Path], name: str) -> None:
    translator = make(models, name)
    text = long_text(translator, 500)
    assert all(score < 0 for score in translator.score_batch([text, "x"], ["x", text]))


def test_an_output_that_the_library_breaks_on_is_a_fault_of_its_text_alone() -> None:
    class Breaking(Echo):
        def _decode(self, batches: List[List[Any]]) -> Any:
            for found in super()._decode(batches):
                if any("bad" in words for batch in batches for words in batch):
                    raise RuntimeError("no position embedding")
                yield found

    echo = Breaking()
    found = list(echo(["one two", "bad text", "three four", "five six"]))
    assert [t.text for t in found] == ["ONE TWO", None, "THREE FOUR", "FIVE SIX"]
    assert found[1].fault == "failed" and echo.faults == {"failed": 1}
    with pytest.raises(XnerError, match=r"Breaking failed on each of 2 texts.*no position"):
        list(Breaking()(["bad text", "text bad"]))


def test_a_memory_that_is_too_small_is_said_so() -> None:
    class Full(Echo):
        def _decode(self, batches: List[List[Any]]) -> Any:
            raise RuntimeError("CUDA out of memory. Tried to allocate ...")

    with pytest.raises(XnerError, match="memory is too small for a text of 2 sub-words"):
        list(Full()(["one two"]))


def test_a_piece_that_cannot_be_made_short_enough_is_a_fault() -> None:
    class Dense(Echo):
        def _load(self) -> SimpleNamespace:
            return SimpleNamespace(limit=20, encode=lambda texts: [list(text * 30) for text in texts])

    found = list(Dense()(["a"]))
    assert found == [Translation(None, fault="too long")]


def test_pools_are_bounded_by_characters_too() -> None:
    texts = ["a" * 10] * 7 + ["b" * 100] + ["c"] * 3
    found = list(pools(texts, 5, 35))
    assert [len(pool) for pool in found] == [3, 3, 1, 1, 3]
    assert [text for pool in found for text in pool] == texts
    assert list(pools([], 5)) == []


def test_a_very_long_line_takes_linear_time() -> None:
    """A line of 100,000 words, and one of 300,000 characters without a space."""
    echo = Echo(limit=50)
    text = " ".join(f"w{k}" for k in range(100_000))
    (found,) = echo([text])
    assert found.text == text.upper()
    measured = 0

    def measure(part: str) -> int:
        nonlocal measured
        measured += len(part)
        return len(part)

    pieces = split_text("北" * 300_000, measure, 200)
    assert "".join(pieces) == "北" * 300_000 and max(map(len, pieces)) == 200
    assert measured < 40 * 300_000


def test_a_language_that_the_model_lacks(models: Dict[str, Path]) -> None:
    for name in ("nllb-ct2", "nllb"):
        with pytest.raises(XnerError, match=r"no language 'pcm' \(Nigerian Pidgin\).*isl_Latn"):
            list(make(models, name, source_lang="pcm")(["x"]))


def test_int8_conversion_and_command(models: Dict[str, Path], tmp_path: Path) -> None:
    from xner_spacy.cli.app import run

    out = tmp_path / "model"
    assert run(["convert-model", str(models["nllb"]), str(out)]) == 0
    assert run(["convert-model", str(models["nllb"]), str(out)]) == 1  # there already
    assert (out / "model.bin").stat().st_size < (models["nllb-ct2"] / "model.bin").stat().st_size
    translator = make({**models, "int8-ct2": out, "nllb-ct2": out}, "nllb-ct2")
    assert raw(translator, ["Berlin ."])[0][0].score < 0
    assert not list(tmp_path.glob(".*"))


def test_identity_names_what_matters(models: Dict[str, Path]) -> None:
    one = make(models, "nllb-ct2").identity
    assert one == make(models, "nllb-ct2", batch_tokens=64, pool_size=3).identity
    for change in ({"beam_size": 2}, {"target_lang": "de"}, {"max_length": 50}):
        assert make(models, "nllb-ct2", **change).identity != one
    assert make(models, "m2m-ct2").identity["model"] != one["model"]


def test_safetensors_only(models: Dict[str, Path], tmp_path: Path) -> None:
    import shutil

    import torch
    from safetensors.torch import load_file

    folder = tmp_path / "old"
    shutil.copytree(models["nllb"], folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    broken = {**models, "nllb": folder}
    with pytest.raises(XnerError, match="legacy_weights"):
        list(make(broken, "nllb")(["x"]))
    with pytest.raises(XnerError, match="legacy_weights"):
        convert_model(str(folder), tmp_path / "out")
    list(make(broken, "nllb", legacy_weights=True)(["x"]))
    convert_model(str(folder), tmp_path / "out", legacy_weights=True)


class Evil:
    """What a pickle of it would do when it is loaded."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("/tmp/xner-evil"),))


def test_code_in_old_weights_does_not_run(models: Dict[str, Path], tmp_path: Path) -> None:
    import shutil

    import torch

    folder = tmp_path / "evil"
    shutil.copytree(models["nllb"], folder)
    (folder / "model.safetensors").unlink()
    torch.save({"x": Evil()}, folder / "pytorch_model.bin")
    with pytest.raises((XnerError, Exception)):
        list(make({**models, "nllb": folder}, "nllb", legacy_weights=True)(["x"]))
    assert not Path("/tmp/xner-evil").exists()


def test_no_remote_code(models: Dict[str, Path], tmp_path: Path) -> None:
    import json
    import shutil

    folder = tmp_path / "remote"
    shutil.copytree(models["nllb"], folder)
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = dict.fromkeys(("AutoConfig", "AutoModelForSeq2SeqLM"), "evil.X")
    config["model_type"] = "something-new"
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\nclass X: pass\n")
    with pytest.raises(XnerError):
        list(make({**models, "nllb": folder}, "nllb")(["x"]))
    with pytest.raises(XnerError):
        convert_model(str(folder), tmp_path / "out")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["/no/such/folder", "./nothing", "a b", "x/../../y"])
def test_a_path_is_no_hub_name(name: str) -> None:
    for part in ("xner.Transformers.v1", "xner.CTranslate2.v1"):
        with pytest.raises(XnerError, match="not a"):
            found = get_part("xner_translators", part, model=name, source_lang="en", target_lang="is")
            list(found(["x"]))


def test_missing_extra(monkeypatch: pytest.MonkeyPatch, models: Dict[str, Path]) -> None:
    monkeypatch.setitem(sys.modules, "ctranslate2", None)
    with pytest.raises(MissingExtraError, match=r"\[ctranslate2\]"):
        list(make(models, "nllb-ct2")(["x"]))
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"\[transformers\]"):
        list(make(models, "nllb")(["x"]))
