"""The neural aligners against the package simalign, and what they promise beyond it."""

import os
import pickle
import random
import shutil
import subprocess
import sys
import tracemalloc
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest

from tests.translation.test_broken_models import FAULTS
from xner_spacy.alignment.neural.aligners import Awesome, SimAlign, TranslationEncoder
from xner_spacy.alignment.neural.link_matching import max_weight
from xner_spacy.alignment.windows import windows
from xner_spacy.errors import MissingExtraError, XnerError
from xner_spacy.registry import get_part

LETTERS = {"inter": "a", "itermax": "i", "mwmf": "m", "fwd": "f", "rev": "r"}
KINDS = ("bert", "xlmr_generic")


def link_list(alignment):
    return [tuple(link) for link in alignment.links.tolist()]


@pytest.fixture(scope="session")
def peer():
    return pytest.importorskip("simalign").SentenceAligner


def short(corpus, words, count):
    return [pair for pair in corpus if max(map(len, pair)) <= words][:count]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("token_type", ["bpe", "word"])
@pytest.mark.parametrize("layer, distortion", [(3, 0.0), (4, 0.5)])
def test_links_are_simaligns(kind, token_type, layer, distortion, corpus, encoders, peer):
    pairs = corpus[::3] if (token_type, layer) == ("bpe", 3) else corpus[1::10]
    settings = {"token_type": token_type, "layer": layer, "distortion": distortion}
    theirs = peer(encoders[kind], matching_methods="aifr", **settings)
    expected = [theirs.get_word_aligns(*pair) for pair in pairs]
    for method in ("inter", "itermax", "fwd", "rev"):
        ours = SimAlign(encoders[kind], method, **settings)
        for got, want in zip(ours(pairs), expected, strict=True):
            assert link_list(got) == want[method], method


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("token_type, distortion", [("bpe", 0.0), ("word", 1.0)])
def test_maximum_weight_links_are_simaligns(kind, token_type, distortion, corpus, encoders, peer):
    pairs = short(corpus, 12, 60)
    settings = {"token_type": token_type, "layer": 3, "distortion": distortion}
    theirs = peer(encoders[kind], matching_methods="m", **settings)
    ours = SimAlign(encoders[kind], "mwmf", **settings)
    similarities = []
    match = theirs.get_max_weight_match
    theirs.get_max_weight_match = lambda sim: similarities.append(sim) or match(sim)
    compared = 0
    for pair, got in zip(pairs, ours(pairs), strict=True):
        expected = theirs.get_word_aligns(*pair)["mwmf"]
        # Two matchings of some twenty links can have the same total but for rounding, and then the processor decides.
        sim = similarities.pop()
        if max_weight(sim[None], np.ones((1, *sim.shape), dtype=bool)).margin[0] > 1e-5:
            assert link_list(got) == expected
            compared += 1
    assert compared >= 0.8 * len(pairs)


@pytest.mark.parametrize("layer", [0, 1, 4])
def test_lower_and_upper_ends_of_the_layers(layer, corpus, encoders, peer):
    theirs = peer(encoders["bert"], matching_methods="i", layer=layer)
    ours = SimAlign(encoders["bert"], layer=layer)
    for pair, got in zip(corpus[:20], ours(corpus[:20]), strict=True):
        assert link_list(got) == theirs.get_word_aligns(*pair)["itermax"]
    assert len(ours.loaded.model.forward.model.encoder.layer) == layer


@pytest.mark.parametrize("method", [*LETTERS, "softmax"])
def test_links_do_not_depend_on_batch_or_order(method, corpus, encoders):
    make = TranslationEncoder if method == "softmax" else SimAlign
    settings = {"source_lang": None} if method == "softmax" else {}
    pairs = corpus[:90]
    results = []
    for batch_size, batch_tokens in ((256, 2048), (7, 64)):
        ours = make(
            encoders["bert"],
            matching=method,
            layer=3,
            batch_size=batch_size,
            batch_tokens=batch_tokens,
            **settings,
        )
        results.append(list(ours(pairs)))
    order = list(range(len(pairs)))
    random.Random(1).shuffle(order)
    shuffled = list(ours(pairs[k] for k in order))
    # Scores too, to the last digit: see `Alignment.__eq__`.
    assert results[0] == results[1]
    assert [shuffled[order.index(k)] for k in range(len(pairs))] == results[0]
    assert [next(ours([pair])) for pair in pairs[:20]] == results[0][:20]
    for (source, target), alignment in zip(pairs, results[0], strict=True):
        links = link_list(alignment)
        assert links == sorted(set(links))
        assert all(i < len(source) and j < len(target) for i, j in links)


@pytest.mark.parametrize("dtype", ["bfloat16", "int8"])
def test_alone_in_a_batch_any_precision_is_the_same(dtype, corpus, encoders, monkeypatch):
    ours = SimAlign(encoders["bert"], layer=3, dtype=dtype, batch_tokens=1)
    pairs = corpus[:200]
    together = list(ours(pairs))
    assert [next(ours([pair])) for pair in pairs] == together
    # A pair whose links hang on a rounding is encoded again: now every pair is. Its two sentences must not share a batch.
    monkeypatch.setattr("xner_spacy.alignment.neural.aligners.COSINE_ROUNDING", 1.0)
    assert list(ours(pairs)) == together


@pytest.mark.parametrize("prefix", [True, False])
def test_byte_level_encoders(prefix, corpus, encoders, tmp_path):
    """RoBERTa's tokenizer refused words one by one. The vectors are those of the text with its spaces."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    folder = tmp_path / "model"
    shutil.copytree(encoders["roberta"], folder)
    AutoTokenizer.from_pretrained(folder, add_prefix_space=prefix).save_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder).eval()
    encoder = SimAlign(str(folder), layer=3).loaded
    for words in [source for source, _ in corpus[:10]]:
        encoded = tokenizer("".join(f" {word}" for word in words), return_tensors="pt")
        with torch.no_grad():
            whole = model(**encoded, output_hidden_states=True).hidden_states[3][0, 1:-1]
        (found,) = encoder([words], [0])
        assert torch.allclose(found.values, whole, atol=1e-4)
        assert sorted(set(found.words.tolist())) == list(range(len(words)))
    aligned = list(SimAlign(str(folder), layer=3)([(s, s) for s, _ in corpus[:10]]))
    for alignment, (source, _) in zip(aligned, corpus[:10], strict=True):
        assert {(k, k) for k in range(len(source))} <= set(link_list(alignment))


@pytest.mark.parametrize("kind", [*KINDS, "roberta"])
def test_one_character_or_two(kind, corpus, encoders):
    """NFC and NFD text are aligned alike."""
    ours = SimAlign(encoders[kind], layer=3)
    apart = [[[normalize("NFD", w) for w in side] for side in pair] for pair in corpus[:20]]
    assert apart[0][1] != corpus[0][1]
    assert list(ours(apart)) == list(ours(corpus[:20]))


@pytest.mark.parametrize("method", [*LETTERS, "softmax"])
def test_long_pairs_are_compared_in_windows(method, corpus, encoders):
    """Memory is linear in the length, and each word still finds its own copy."""
    words = [word for source, _ in corpus for word in source][:3000]
    make = TranslationEncoder if method == "softmax" else SimAlign
    settings = {"source_lang": None} if method == "softmax" else {}
    ours = make(encoders["bert"], matching=method, layer=2, **settings)
    tracemalloc.start()
    (alignment,) = ours([(words, words)])
    assert tracemalloc.get_traced_memory()[1] < 250e6
    tracemalloc.stop()
    own = {(k, k) for k in range(len(words))} & set(link_list(alignment))
    assert len(own) > 0.95 * len(words)
    (alone,) = ours([(words[:700], words[:700])])
    together = list(ours([*corpus[:5], (words[:700], words[:700])]))
    assert together[-1] == alone


def test_empty_sides_and_tokens_without_subwords(encoders):
    for kind in KINDS:
        for token_type in ("bpe", "word"):
            ours = SimAlign(encoders[kind], token_type=token_type, layer=2)
            pairs = [
                ([], ["a"]),
                (["Anna"], []),
                ([], []),
                (["Anna", " ", "", "\n", "Berlin"], ["\u200b", "Anna", "Berlin"]),
                (["\t"], ["Anna"]),
            ]
            found = list(ours(pairs))
            assert [len(a) for a in found[:3]] == [0, 0, 0]
            assert not set(found[3].links[:, 0].tolist()) & {1, 2, 3}
            assert len(found[3]) > 0
            assert len(found[4]) == 0
    assert list(ours([])) == []


def test_scores_are_similarities_or_probabilities(corpus, encoders):
    for alignment in SimAlign(encoders["bert"], layer=2)(corpus[:20]):
        assert np.all((alignment.scores > 0) & (alignment.scores <= 1))
    awesome = Awesome(encoders["bert"], layer=2, threshold=0.1)
    found = list(awesome(corpus[:20]))
    assert sum(map(len, found)) > 20
    for alignment in found:
        # Both probabilities exceed the threshold; their product is rounded.
        assert np.all((alignment.scores >= np.float32(0.01)) & (alignment.scores <= 1))


def test_awesome_against_the_formula(corpus, encoders):
    """One pair at a time, softmax over the rows and over the columns, in plain loops."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(encoders["bert"]).eval()
    tokenizer = AutoTokenizer.from_pretrained(encoders["bert"])
    pairs = corpus[:40]
    for (source, target), got in zip(pairs, Awesome(encoders["bert"], layer=3, threshold=0.05)(pairs), strict=True):
        sides = []
        for words in (source, target):
            encoded = tokenizer([words], is_split_into_words=True, return_tensors="pt")
            with torch.no_grad():
                hidden = model(**encoded, output_hidden_states=True).hidden_states[3][0, 1:-1]
            sides.append((hidden.numpy(), encoded.word_ids()[1:-1]))
        (a, a_words), (b, b_words) = sides
        dots = (a @ b.T).astype(np.float64)
        odds = np.exp(dots - dots.max())
        there, back = odds / odds.sum(1, keepdims=True), odds / odds.sum(0, keepdims=True)
        links = {(a_words[i], b_words[j]) for i, j in np.argwhere((there > 0.05) & (back > 0.05)).tolist()}
        assert link_list(got) == sorted(links)


@pytest.mark.parametrize("kind, codes", [("nllb", ("eng_Latn", "isl_Latn")), ("m2m", ("en", "is"))])
def test_encoder_of_a_translation_model(kind, codes, corpus, encoders):
    """The vectors are those of the whole model's encoder at that layer, with the language codes."""
    import torch
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    whole = AutoModelForSeq2SeqLM.from_pretrained(encoders[kind]).get_encoder().eval()
    tokenizer = AutoTokenizer.from_pretrained(encoders[kind])
    for layer in (2, 3):
        ours = TranslationEncoder(encoders[kind], *codes, layer=layer)
        for side, code in enumerate(codes):
            tokenizer.src_lang = code
            words = corpus[0][side]
            encoded = tokenizer([words], is_split_into_words=True, return_tensors="pt")
            with torch.no_grad():
                states = whole(**encoded, output_hidden_states=True).hidden_states[layer][0]
            (vectors,) = ours.loaded([words], [side])
            frame = ours.loaded.frames[side]
            inner = states[len(frame.prefix) : len(states) - len(frame.suffix)]
            assert torch.allclose(vectors.values, inner, atol=1e-4)
            code_id = encoded["input_ids"][0, 0].item()
            assert frame.prefix == (code_id,)
        assert sum(map(len, ours(corpus[:10]))) > 0
    with pytest.raises(XnerError, match="does not know the language"):
        next(TranslationEncoder(encoders[kind], "qqq_Qqqq", layer=2)([(["a"], ["b"])]))


def test_a_language_for_a_model_without_is_an_error(encoders):
    with pytest.raises(XnerError, match="takes no language code"):
        next(TranslationEncoder(encoders["bert"], "eng_Latn", layer=2)([(["a"], ["b"])]))


def test_windows_cover_the_sentence_once():
    for n in (1, 9, 10, 11, 25, 100, 999):
        for room in (4, 10, 126):
            pieces = windows(n, room)
            kept = [k for _, _, a, b in pieces for k in range(a, b)]
            assert kept == list(range(n))
            assert all(0 <= s <= a < b <= e <= n and e - s <= room for s, e, a, b in pieces)
    assert windows(0, 10) == []


@pytest.mark.parametrize("kind", KINDS)
def test_long_sentences_are_joined_from_windows(kind, corpus, encoders):
    """The peer cuts or crashes here. Each word finds its own copy, over many times the limit."""
    words = [word for source, _ in corpus[:60] for word in source]
    ours = SimAlign(encoders[kind], "inter", layer=2)
    (alignment,) = ours([(words, words)])
    assert alignment.links[:, 0].max() == len(words) - 1
    assert set(map(tuple, np.repeat(np.arange(len(words)), 2).reshape(-1, 2).tolist())) <= set(link_list(alignment))
    # Within the limit windows change nothing; with a lower one, vectors come from several.
    (whole,) = ours.loaded([words[:30]], [0])
    cut = SimAlign(encoders[kind], "inter", layer=2, max_length=24)
    (parts,) = cut.loaded([words[:30]], [0])
    assert len(parts.values) == len(whole.values)


def test_errors_name_what_to_do(encoders, tmp_path):
    pair = [(["a"], ["b"])]
    with pytest.raises(XnerError, match="has 4 layers"):
        next(SimAlign(encoders["bert"], layer=5)(pair))
    with pytest.raises(XnerError, match=r"could not be loaded|No model"):
        next(SimAlign(str(tmp_path), layer=2)(pair))
    with pytest.raises(XnerError, match="Unknown matching"):
        SimAlign(matching="best")  # type: ignore[arg-type]
    with pytest.raises(XnerError, match="between 0 and 1"):
        SimAlign(distortion=2.0)
    with pytest.raises(XnerError, match="room"):
        next(SimAlign(encoders["bert"], layer=2, max_length=3)(pair))
    with pytest.raises(XnerError, match="backend = torch"):
        pytest.importorskip("ctranslate2")
        codes = ("eng_Latn", "isl_Latn")
        next(TranslationEncoder(encoders["nllb"], *codes, layer=2, backend="ctranslate2")(pair))


def test_only_safe_and_complete_weights(encoders, corpus, tmp_path):
    import torch
    from safetensors.torch import load_file, save_file

    old = tmp_path / "old"
    shutil.copytree(encoders["bert"], old)
    weights = load_file(old / "model.safetensors")
    (old / "model.safetensors").unlink()
    torch.save(weights, old / "pytorch_model.bin")
    with pytest.raises(XnerError, match="legacy_weights"):
        next(SimAlign(str(old), layer=2)(corpus[:1]))
    (read,) = SimAlign(str(old), layer=2, legacy_weights=True)(corpus[:1])
    (safe,) = SimAlign(encoders["bert"], layer=2)(corpus[:1])
    assert read == safe
    torn = tmp_path / "torn"
    shutil.copytree(encoders["bert"], torn)
    kept = {key: value for key, value in weights.items() if "layer.1.output" not in key}
    save_file(kept, torn / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(XnerError, match="lacks 4 of its weights"):
        next(SimAlign(str(torn), layer=2)(corpus[:1]))


@pytest.mark.parametrize("kind", ["bert", "roberta", "nllb", "m2m"])
@pytest.mark.parametrize("spoil", FAULTS)
def test_each_file_of_an_encoder(kind, spoil, encoders, tmp_path):
    for file in sorted(path.name for path in Path(encoders[kind]).iterdir()):
        folder = tmp_path / "model"
        shutil.copytree(encoders[kind], folder)
        spoil(folder / file)
        try:
            assert len(list(SimAlign(str(folder), layer=2)([(["a"], ["b"])]))) == 1
        except XnerError as error:
            assert "model" in str(error) and "\n" not in error.message, (file, str(error))
        shutil.rmtree(folder)


@pytest.mark.parametrize("backend", ["torch", "ctranslate2"])
@pytest.mark.parametrize("kind", KINDS)
def test_int8_and_the_other_backend(kind, backend, corpus, encoders):
    if backend == "ctranslate2":
        pytest.importorskip("ctranslate2")
    sentences = [source for source, _ in corpus[:40]]

    def vectors(**settings):
        encoder = SimAlign(encoders[kind], layer=3, **settings).loaded
        found = encoder(sentences, [0] * len(sentences))
        return np.concatenate([sentence.values.numpy() for sentence in found])

    whole, plain, small = (
        vectors(),
        vectors(backend=backend),
        vectors(backend=backend, dtype="int8"),
    )
    assert np.allclose(whole, plain, atol=1e-3)
    cosines = (whole * small).sum(1) / np.linalg.norm(whole, axis=1) / np.linalg.norm(small, axis=1)
    assert cosines.mean() > 0.998
    # And they are not the same numbers: it is 8 bits that were computed.
    assert not np.allclose(whole, small, atol=1e-3)
    # Padding changes nothing.
    (alone,) = SimAlign(encoders[kind], layer=3, backend=backend).loaded([sentences[0]], [0])
    assert np.allclose(alone.values.numpy(), plain[: len(alone.words)], atol=1e-3)


def test_int8_is_as_good_on_processors_without_vnni(corpus, encoders):
    """Their sums of two products have 16 bits; weights of 8 bits overflowed them: cosine 0.96."""
    pytest.importorskip("ctranslate2")
    code = """
import sys, numpy as np
from xner_spacy.alignment.neural.aligners import SimAlign
sentences = [line.split() for line in sys.stdin.read().splitlines()]
found = []
for dtype in ("float32", "int8"):
    encoder = SimAlign(sys.argv[1], layer=3, dtype=dtype, backend="ctranslate2").loaded
    values = [v.values.numpy() for v in encoder(sentences, [0] * len(sentences))]
    found.append(np.concatenate(values))
whole, small = found
cosines = (whole * small).sum(1) / np.linalg.norm(whole, axis=1) / np.linalg.norm(small, axis=1)
print(cosines.mean())
"""
    text = "\n".join(" ".join(source) for source, _ in corpus[:10])
    emulated = {"ONEDNN_MAX_CPU_ISA": "AVX2", "CT2_FORCE_CPU_ISA": "AVX2", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code, encoders["xlmr_generic"]],
        input=text, capture_output=True, text=True, check=True, env={**os.environ, **emulated},
    )  # fmt: skip
    assert float(done.stdout) > 0.998


def test_packed_layers_give_the_same_vectors(corpus, encoders):
    """Batches run on packed layers; a pair by itself has the model's own vectors, to the last digit."""
    import torch
    from transformers import AutoModel

    from xner_spacy.alignment.neural.backends import TorchForward

    for kind in KINDS:
        ours = SimAlign(encoders[kind], layer=3)
        forward = ours.loaded.model.forward
        if forward.packed is None:
            pytest.skip("no oneDNN here")
        # What is not packed is shared, not kept twice.
        plain, packed = (dict(m.named_parameters()) | dict(m.named_buffers()) for m in (forward.model, forward.packed))
        assert {name for name in plain if name not in packed} == {
            f"{name}.{kind}"
            for name, layer in forward.model.named_modules()
            if isinstance(layer, torch.nn.Linear)
            for kind in ("weight", "bias")
        }
        assert all(packed[name].data_ptr() == plain[name].data_ptr() for name in packed)
        ids = np.tile(np.arange(20), (5, 1))
        lengths = np.array([20, 20, 20, 7, 1])
        many, slow = forward(ids, lengths), TorchForward(forward.model, "cpu")(ids, lengths)
        for row, length in enumerate(lengths):
            assert torch.allclose(many[row, :length], slow[row, :length], atol=1e-4)
        whole = AutoModel.from_pretrained(encoders[kind]).eval()
        with torch.no_grad():
            two = whole(torch.tensor(ids[:2]), output_hidden_states=True).hidden_states[3]
        assert torch.equal(forward(ids[:2], lengths[:2]), two)


def test_without_the_operators_models_stay_as_they_are(monkeypatch, corpus, encoders):
    import torch

    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    ours = SimAlign(encoders["bert"], layer=2)
    assert ours.loaded.model.forward.packed is None
    assert list(ours(corpus[:9])) == list(SimAlign(encoders["bert"], layer=2)(corpus[:9]))


def test_weights_in_half_precision_are_computed_in_the_precision_asked_for(tmp_path, encoders):
    import torch
    from transformers import AutoModel, AutoTokenizer

    AutoModel.from_pretrained(encoders["bert"]).half().save_pretrained(tmp_path / "half")
    AutoTokenizer.from_pretrained(encoders["bert"]).save_pretrained(tmp_path / "half")
    for dtype in ("float32", "bfloat16"):
        forward = SimAlign(str(tmp_path / "half"), layer=2, dtype=dtype).loaded.model.forward
        assert next(forward.model.parameters()).dtype == getattr(torch, dtype)


def test_a_device_is_never_taken_without_being_named(monkeypatch, corpus, encoders):
    """With a GPU in sight everything stays on the CPU; one that is named and not there is an error."""
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    ours = SimAlign(encoders["bert"], layer=2)
    assert sum(map(len, ours(corpus[:3]))) > 0
    assert {p.device.type for p in ours.loaded.model.forward.model.parameters()} == {"cpu"}
    monkeypatch.undo()
    for device in ("cuda", "cuda:7", "gpu"):
        if device != "gpu" and torch.cuda.is_available():
            continue
        with pytest.raises(XnerError, match=f"device {device!r}"):
            next(SimAlign(encoders["bert"], layer=2, device=device)(corpus[:1]))


def test_reduced_precision_runs(corpus, encoders):
    found = SimAlign(encoders["bert"], layer=2, dtype="bfloat16")(corpus[:5])
    assert sum(map(len, found)) > 5


def test_registered_names_pickles_and_lazy_loading(corpus, encoders):
    ours = get_part("xner_aligners", "xner.SimAlign.v1", model=encoders["bert"], layer=2)
    assert "loaded" not in vars(ours)
    first = list(ours(corpus[:5]))
    again = pickle.loads(pickle.dumps(ours))
    assert "loaded" not in vars(again)
    assert list(again(corpus[:5])) == first
    assert get_part("xner_aligners", "xner.Awesome.v1").threshold == 0.001
    assert get_part("xner_aligners", "xner.Encoder.v1").layer == 12


def test_the_folder_of_a_model_is_named(encoders):
    assert SimAlign(encoders["bert"]).files == [encoders["bert"]]
    assert SimAlign("a-name/on-the-hub").files == []


def test_nothing_is_imported_until_it_is_needed():
    code = (
        # spaCy itself imports torch where it is installed.
        "import sys; sys.modules.update(torch=None, transformers=None, ctranslate2=None);"
        "from xner_spacy.alignment import backtranslation;from xner_spacy.alignment.neural import aligners, backends;"
        "aligners.SimAlign()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "transformers", None)
    with pytest.raises(MissingExtraError, match=r"xner.SimAlign.v1 needs the extra \[transformers\]"):
        next(SimAlign()([(["a"], ["b"])]))
