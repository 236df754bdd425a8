"""`xner init-config`: what it writes from the package's own bases is whole and valid, for every choice of options."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import spacy
from spacy.cli.debug_config import debug_config
from spacy.cli.train import train
from spacy.tokens import Doc, DocBin, Span
from spacy.util import load_config

from tests.cli.helpers import xner
from xner_spacy.cli.init_config import BASES, base_config, init_config
from xner_spacy.distillation.soft.soft_labels import set_soft
from xner_spacy.errors import XnerError
from xner_spacy.types import TokenLabels

CHOICES = [
    (base, dict(zip(options, values)))
    for base, options in BASES.items()
    for values in itertools.product(*options.values())
]


@pytest.mark.parametrize(
    "base, options", CHOICES, ids=lambda value: value if isinstance(value, str) else "-".join(value.values())
)
def test_is_whole(base: str, options: dict, tmp_path: Path) -> None:
    """`spacy debug config` says nothing against it, once it is told where the files lie."""
    if options.get("encoder") == "trf":
        pytest.importorskip("spacy_transformers")
    init_config(base, tmp_path / "out.cfg", "yo", **options)
    config = load_config(tmp_path / "out.cfg")
    assert config["nlp"]["lang"] == "yo"
    (tmp_path / "text").write_text("a\n")
    spacy.blank("en").to_disk(tmp_path / "source")
    given = {"source_text": "text", "target_text": "text", "source_model": "source", "train": "text", "dev": "text"}
    overrides = {f"paths.{key}": str(tmp_path / name) for key, name in given.items() if key in config["paths"]}
    debug_config(tmp_path / "out.cfg", overrides=overrides)


def test_options_choose_the_parts() -> None:
    student = base_config("student", labels="tsl", encoder="trf")
    assert student["nlp"]["pipeline"] == ["transformer", "xner_student"]
    assert student["components"]["xner_student"]["soft_loss"]["@losses"] == "xner.MeanSquaredError.v1"
    source = base_config("source", labels="soft")["components"]["xner_student"]
    assert (source["hard_weight"], source["store_soft"]) == (1.0, True)
    teacher = base_config("teacher", translator="apertium")["components"]["xner_translator"]["translator"]
    assert teacher["translator"]["@xner_translators"] == "xner.Apertium.v1"


@pytest.mark.parametrize("translator", ["nllb", "chat", "libretranslate"])
def test_a_translator_gets_the_language(translator: str, tmp_path: Path) -> None:
    init_config("teacher", tmp_path / "out.cfg", "lug", translator=translator)
    config = load_config(tmp_path / "out.cfg", interpolate=True)
    part = config["components"]["xner_translator"]["translator"]
    assert part["@xner_translators"] == "xner.Stored.v1"
    assert (part["translator"]["source_lang"], part["translator"]["target_lang"]) == ("lug", "en")


@pytest.mark.parametrize("translator", ["chat", "libretranslate"])
def test_a_server_is_named_by_the_variables(translator: str, tmp_path: Path) -> None:
    init_config("teacher", tmp_path / "out.cfg", "yo", translator=translator)
    address = {"vars.address": "https://example.org/v1", "vars.key_variable": "EXAMPLE_API_KEY"}
    config = load_config(tmp_path / "out.cfg", address, interpolate=True)
    part = config["components"]["xner_translator"]["translator"]["translator"]
    assert part["key_variable"] == "EXAMPLE_API_KEY" and "https://example.org/v1" in part.values()


def test_an_option_of_another_base_and_an_unknown_choice_are_named(tmp_path: Path) -> None:
    with pytest.raises(XnerError, match="'teacher' has no option --labels"):
        init_config("teacher", tmp_path / "out.cfg", "yo", labels="soft")
    with pytest.raises(XnerError, match="--labels gold is unknown"):
        init_config("student", tmp_path / "out.cfg", "yo", labels="gold")
    (tmp_path / "own.cfg").write_text('[nlp]\nlang = "xx"\npipeline = []\n')
    with pytest.raises(XnerError, match="no option --encoder"):
        init_config(tmp_path / "own.cfg", tmp_path / "out.cfg", "yo", encoder="trf")
    assert not (tmp_path / "out.cfg").exists()


def test_a_config_of_ones_own_is_copied(tmp_path: Path) -> None:
    (tmp_path / "own.cfg").write_text('[nlp]\nlang = "xx"\npipeline = []\n\n[mine]\nx = 1\n')
    done = xner("init-config", tmp_path / "own.cfg", tmp_path / "out.cfg", "--lang", "yor")
    assert done.code == 0, done.err
    config = load_config(tmp_path / "out.cfg")
    assert config["nlp"]["lang"] == "yo" and config["mine"] == {"x": 1}


def test_the_help_names_every_base_and_choice() -> None:
    said = " ".join(xner("init-config", "--help").out.split())
    assert all(base in said for base in BASES)
    for options in BASES.values():
        assert all(f"{', '.join(choices)}; the first is the default." in said for choices in options.values())


def test_says_what_became_of_the_language(tmp_path: Path) -> None:
    said = xner("init-config", "teacher", tmp_path / "t.cfg", "--lang", "twi").err
    assert "ℹ Twi (twi_Latn): spaCy has no class for it, so its code is 'xx'" in said
    assert load_config(tmp_path / "t.cfg")["components"]["xner_annotator"]["label_map"] == "auto"
    (tmp_path / "a.iob").write_text("Kofi\tB-PER\n")
    assert "Twi (twi_Latn)" in xner("convert", tmp_path / "a.iob", tmp_path / "a.spacy", "--lang", "twi").err


def trained(folder: Path, factory: str) -> Path:
    """RETURNS (Path): A pipeline of a shared encoder and a student that has seen one sentence, by `spacy train`."""
    docs = DocBin(store_user_data=True)
    doc = Doc(spacy.blank("is").vocab, words=["Anna", "býr", "í", "Bern"])
    doc.set_ents([Span(doc, 0, 1, "PER"), Span(doc, 3, 4, "LOC")])
    if factory == "xner_student":
        set_soft(doc, TokenLabels(["O", "B-PER", "I-PER"], np.eye(3, dtype="f")[[1, 0, 0, 0]]))
    docs.add(doc)
    docs.to_disk(folder / "train.spacy")
    labels = "soft" if factory == "xner_student" else "hard"
    init_config("student", folder / "student.cfg", "is", labels=labels)
    paths = {"paths.train": str(folder / "train.spacy"), "paths.dev": str(folder / "train.spacy")}
    train(folder / "student.cfg", folder / "student", overrides={**paths, "training.max_steps": 10})
    return folder / "student" / "model-last"


@pytest.mark.filterwarnings("ignore:.XW03.:UserWarning")
@pytest.mark.parametrize("factory", ["ner", "xner_student"])
def test_training_goes_on_with_gold(factory: str, tmp_path: Path) -> None:
    """A student of either kind learns the labels of a few gold sentences, the student of distributions too."""
    start = trained(tmp_path, factory)
    (tmp_path / "gold.iob").write_text("Bern\tB-LOC\ner\tO\nhér\tO\n\nJón\tB-PER\ner\tO\nhér\tO\n\n" * 4)
    assert xner("convert", tmp_path / "gold.iob", tmp_path / "gold.spacy", "--lang", "is").code == 0
    made = xner("init-config", "student", tmp_path / "tuned.cfg", "--lang", "is", "--from", start)
    assert made.code == 0, made.err
    config = load_config(tmp_path / "tuned.cfg")
    assert set(map(tuple, (part.items() for part in config["components"].values()))) == {(("source", str(start)),)}
    assert config["nlp"]["pipeline"] == ["tok2vec", factory]
    paths = {"paths.train": str(tmp_path / "gold.spacy"), "paths.dev": str(tmp_path / "gold.spacy")}
    train(tmp_path / "tuned.cfg", tmp_path / "tuned", overrides={**paths, "training.max_steps": 80})
    tuned = spacy.load(tmp_path / "tuned" / "model-last")
    assert [e.label_ for text in ("Bern er hér", "Jón er hér") for e in tuned(text).ents] == ["LOC", "PER"]


def test_training_goes_on_in_its_own_language_and_with_its_own_settings(tmp_path: Path) -> None:
    spacy.blank("is").to_disk(tmp_path / "model")
    for arguments, said in (
        (["student", "--lang", "en"], "has the language 'is'; en would be 'en'."),
        (["student", "--lang", "is", "--labels", "soft"], "--from and --labels don't go together."),
        (["teacher", "--lang", "is"], "--from and teacher don't go together."),
    ):
        base, *more = arguments
        result = xner("init-config", base, tmp_path / "out.cfg", *more, "--from", tmp_path / "model")
        assert result.code == 1 and said in result.err
    assert (
        "No pipeline 'nope'" in xner("init-config", "student", tmp_path / "out.cfg", "-l", "is", "--from", "nope").err
    )
    assert not (tmp_path / "out.cfg").exists()


def test_a_student_without_scores_is_named(tmp_path: Path) -> None:
    for options, expected in (((), True), (("--labels", "hard"), True), (("--labels", "soft"), False)):
        result = xner("init-config", "student", tmp_path / "x.cfg", "--lang", "is", *options)
        assert result.code == 0 and ("gives its entities no scores" in " ".join(result.err.split())) == expected
    assert "no scores" not in xner("init-config", "source", tmp_path / "x.cfg", "--lang", "en").err
