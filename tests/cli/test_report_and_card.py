"""`xner report` and `xner model-card`: files that hold something else, marks that don't belong together, text that is
data.
"""

import json
import time
from pathlib import Path

import pytest
import spacy
from spacy.training import Example
from spacy.util import load_config, load_model_from_config

from tests.cli.helpers import xner
from xner_spacy.cli.init_config import init_config
from xner_spacy.cli.overrides import find_origin

SCORES = {
    "precision": 0.5,
    "recall": 0.25,
    "f1": 0.33333,
    "f1_interval": [0.2, 0.4],
    "gold": 4,
    "sentences": 2,
    "per_type": {"PER": {"precision": 1.0, "recall": 1.0, "f1": 1.0}},
    "signature": "entity-f1",
}
CARD = "description: Names.\nlicense: MIT\nsources:\n  - name: a corpus\n    license: CC0\n"


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    (tmp_path / "x.json").write_text(json.dumps(SCORES))
    (tmp_path / "card.yml").write_text(CARD)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "meta.json").write_text('{"name": "is", "version": "1.0"}')
    (tmp_path / "model" / "config.cfg").write_text('[nlp]\nlang = "is"\npipeline = []\n\n[components]\n')
    return tmp_path


def card(f: Path, sources: str = "card.yml", scores: str = "x.json"):
    return xner("model-card", f / "model", f / "out.json", "--sources", f / sources, "--scores", f / scores)


@pytest.mark.parametrize(
    "text, part",
    [
        ("{}", "precision: Field required"),
        ("not json", "is not JSON"),
        ("[]", "does not hold what it should"),
        (json.dumps({**SCORES, "f1": "high"}), "f1: "),
        (json.dumps({**SCORES, "f1": 33.3}), "f1: "),
        (json.dumps({**SCORES, "f1_interval": [0.2]}), "f1_interval: "),
        (json.dumps({**SCORES, "per_type": {"PER": {}}}), "per_type.PER.precision: "),
        ('{"precision": NaN}', "NaN is no JSON number"),
        ("[" * 100_000, "nested too deep"),
    ],
)
def test_figures_that_are_none(folder: Path, text: str, part: str) -> None:
    (folder / "bad.json").write_text(text)
    for result in (
        xner("report", f"x={folder / 'bad.json'}", "--update", folder / "page.md", "--key", "k"),
        card(folder, scores="bad.json"),
    ):
        assert result.code == 1 and f"{folder / 'bad.json'}: " in result.err and part in result.err
        assert not (folder / "page.md").exists() and not (folder / "out.json").exists()


@pytest.mark.parametrize(
    "text, part",
    [
        ("a: *nope\n", "refers to another place"),
        ("license: x\n", "description: Field required"),
        ("a: [\n", "is not YAML"),
        ("description: x\nlicense: 1\n", "license: "),
        (CARD.replace("    license: CC0\n", ""), "sources.0.license: "),
        (CARD.replace("CC0", "' '"), "needs a name and a license"),
        ("- x\n", "does not hold what it should"),
    ],
)
def test_sources_that_lack_something(folder: Path, text: str, part: str) -> None:
    (folder / "bad.yml").write_text(text)
    result = card(folder, sources="bad.yml")
    assert result.code == 1 and f"{folder / 'bad.yml'}" in result.err and part in result.err
    assert not (folder / "out.json").exists()


@pytest.mark.parametrize("text", ["{", "{}", '{"name": 1, "version": "1"}'])
def test_a_model_without_a_sound_meta_json(folder: Path, text: str) -> None:
    (folder / "model" / "meta.json").write_text(text)
    result = card(folder)
    assert result.code == 1 and f"{folder / 'model' / 'meta.json'}: " in result.err


def test_a_card(folder: Path) -> None:
    (folder / "card.yml").write_text(CARD + "author:\n")
    assert card(folder).code == 0
    meta = json.loads((folder / "out.json").read_text())
    assert (meta["name"], meta["author"], meta["xner"]["scores"]) == ("is", "", SCORES)
    assert meta["sources"] == [{"name": "a corpus", "license": "CC0"}]


START, END = "<!-- xner: k -->", "<!-- xner: end k -->"


@pytest.mark.parametrize(
    "page, line",
    [
        (START, 1),
        (f"a\n{END}\n", 2),
        (f"{START}\n\n{START}\nmine\n{END}\n", 3),
        (f"{START}\n{END}\n{END}\n", 3),
        (START * 60_000, 1),
        (f"{START}\n" * 60_000 + END, 2),
    ],
)
def test_marks_that_do_not_belong_together(folder: Path, page: str, line: int) -> None:
    (folder / "p.md").write_text(page)
    began = time.monotonic()
    result = xner("report", f"x={folder / 'x.json'}", "--update", folder / "p.md", "--key", "k")
    assert time.monotonic() - began < 10
    assert result.code == 1 and f"{folder / 'p.md'}:{line}: the section" in result.err
    assert (folder / "p.md").read_text() == page and not result.out


def test_a_section_is_replaced_and_the_rest_is_left_alone(folder: Path) -> None:
    other = "<!-- xner: k2 -->\nother\n<!-- xner: end k2 -->\n"
    (folder / "p.md").write_text(f"# Mine\n\n{START}\nold\n{END}\n\nafter\n\n{other}")
    result = xner("report", f"x={folder / 'x.json'}", "--update", folder / "p.md", "--key", "k")
    text = (folder / "p.md").read_text()
    assert result.code == 0 and "old" not in text and "| x " in text
    assert text.startswith(f"# Mine\n\n{START}\n### Results") and text.endswith(f"\nafter\n\n{other}")


@pytest.mark.parametrize("key", ["a --> b", "a--b", "", "x\ny", "-a"])
def test_a_key_that_would_end_its_mark(folder: Path, key: str) -> None:
    result = xner("report", f"x={folder / 'x.json'}", "--update", folder / "p.md", "--key", key)
    assert result.code == 1 and "can't be the name of a section" in result.err
    assert not (folder / "p.md").exists()


def test_options_that_belong_together(folder: Path) -> None:
    scores = f"x={folder / 'x.json'}"
    assert "--update needs --key" in xner("report", scores, "--update", folder / "p.md").err
    assert "--key needs --update" in xner("report", scores, "--key", "k").err
    assert "given twice" in xner("report", scores, scores).err


def test_text_from_data_is_no_markup_and_no_command(folder: Path) -> None:
    odd = "<img onerror>|\x1b[2J"
    scores = {**SCORES, "per_type": {odd: SCORES["per_type"]["PER"]}, "signature": "a`<b>`"}  # type: ignore[index]
    (folder / "odd.json").write_text(json.dumps(scores))
    result = xner(
        "report", f"{odd}={folder / 'odd.json'}", "--title", "[x](javascript:y)", "--command", "a`b",
        "--update", folder / "p.md", "--key", "k",
    )  # fmt: skip
    assert result.code == 0, result.err
    for text in (result.out, (folder / "p.md").read_text()):
        assert "<img" not in text and "\x1b" not in text
        assert "F1 &lt;img onerror&gt;\\|\\\\x1b\\[2J" in text
        assert "### \\[x\\](javascript:y)" in text and "``a`b``" in text and "`` a`<b>` ``" in text


@pytest.mark.parametrize("labels", ["hard", "soft", "tsl"])
def test_the_card_names_what_was_changed(folder: Path, labels: str) -> None:
    init_config("student", folder / "model" / "config.cfg", "is", labels=labels)
    base = "student" if labels == "hard" else f"student --labels {labels}"
    assert card(folder).code == 0
    made = json.loads((folder / "out.json").read_text())
    assert made["xner"]["signature"] == f"entity-f1|student:{base}"
    assert made["xner"]["made_from"] == {"student": {"base": base, "changed": {}}}
    assert ("have no scores" in made["notes"]) == (labels == "hard")

    config = load_config(folder / "model" / "config.cfg")
    config["training"]["max_steps"] = 600
    config["system"]["seed"] = 3
    config["paths"].update(train="mine.spacy", dev="other.spacy")
    config.to_disk(folder / "model" / "config.cfg")
    init_config("teacher", folder / "config.cfg", "is")
    assert xner(
        "model-card", folder / "model", folder / "out.json", "--sources", folder / "card.yml", "--scores", folder / "x.json",
        "--teacher-model", folder,
    ).code == 0  # fmt: skip
    made = json.loads((folder / "out.json").read_text())
    changed = "system.seed=3|training.max_steps=600"
    assert made["xner"]["signature"] == f"entity-f1|student:{base}|{changed}|teacher:teacher"
    assert f"The student's config: `{base}|{changed}`." in made["notes"]


def test_what_was_changed_by_the_command_line_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A setting that only the base has, one that only the trained pipeline has, and one in place of a section."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "dev.spacy").touch()
    init_config("student", tmp_path / "config.cfg", "is", labels="soft")
    config = load_config(tmp_path / "config.cfg", interpolate=False)
    config["training"]["before_to_disk"]["missed_share"] = 0.0
    config["training"]["batcher"]["size"] = 600
    config["nlp"]["after_creation"] = None
    config["components"]["xner_student"]["auxiliary"] = {"@misc": "xner.PrototypeStudent.v1", "weight": 0.5}
    # Defaults, as spaCy fills them in, and files are no choice.
    config["training"]["before_to_disk"]["path"] = "corpus/dev.spacy"
    config["corpora"]["dev"]["path"] = "/home/me/dev.spacy"
    config["training"]["logger"]["progress_bar"] = False
    config["training"]["frozen_components"] = []
    config.to_disk(tmp_path / "config.cfg")
    origin = find_origin(tmp_path)
    assert origin is not None and origin.base == "student --labels soft"
    assert origin.changed == {
        "components.xner_student.auxiliary.@misc": "xner.PrototypeStudent.v1",
        "components.xner_student.auxiliary.weight": 0.5,
        "nlp.after_creation": None,
        "training.batcher.size": 600,
        "training.before_to_disk.missed_share": 0.0,
    }


BASES_HERE = [("student", "hard"), ("student", "soft"), ("source", "prokd"), ("teacher", "bitext"), ("teacher", "nllb")]


@pytest.mark.parametrize("base, choice", BASES_HERE)
def test_what_spacy_fills_in_is_no_change(tmp_path: Path, base: str, choice: str) -> None:
    init_config(base, tmp_path / "config.cfg", "is", **{"translator" if base == "teacher" else "labels": choice})
    config = load_config(tmp_path / "config.cfg", interpolate=False, overrides={"training.max_steps": 7})
    if base == "teacher":
        config["paths"].update(source_model=None)
    filled = load_model_from_config(config, auto_fill=True, validate=False).config
    filled.to_disk(tmp_path / "config.cfg")
    origin = find_origin(tmp_path)
    assert origin is not None and origin.base.startswith(base) and origin.changed == {"training.max_steps": 7}


def test_figures_and_tables_name_what_was_changed(folder: Path) -> None:
    init_config("student", folder / "base.cfg", "is")
    config = load_config(folder / "base.cfg", overrides={"training.max_steps": 600})
    nlp = load_model_from_config(config, auto_fill=True, validate=False)
    nlp.initialize(lambda: [Example.from_dict(nlp.make_doc("Ada fer"), {"entities": [(0, 3, "PER")]})])
    nlp.to_disk(folder / "student")
    (folder / "gold.iob").write_text("Ada\tB-PER\nfer\tO\n\n")
    assert xner("annotate", folder / "student", folder / "gold.iob", folder / "pred").code == 0
    scored = xner("evaluate", folder / "gold.iob", folder / "pred", "--json", folder / "s.json", "--samples", 20)
    assert scored.code == 0 and "Config of the pipeline: student|training.max_steps=600" in scored.out
    made_from = json.loads((folder / "s.json").read_text())["made_from"]
    assert made_from == {"base": "student", "changed": {"training.max_steps": 600}}

    table = xner("report", f"old={folder / 'x.json'}", f"mine={folder / 's.json'}")
    assert table.code == 0, table.err
    assert "\nConfig of mine: `xner init-config student` with `training.max_steps=600`.\n" in table.out
    assert "Config of old" not in table.out
    # What no pipeline made has no settings; neither has a run without a known config.
    plain = xner("evaluate", folder / "gold.iob", folder / "gold.iob", "--samples", 20)
    assert plain.code == 0 and "Config of" not in plain.out
    manifest = json.loads((folder / "pred" / "manifest.json").read_text())
    for text in ("[nlp]\nlang = 'is'\n", 3):
        (folder / "pred" / "manifest.json").write_text(json.dumps({**manifest, "config": text}))
        again = xner("evaluate", folder / "gold.iob", folder / "pred", "--samples", 20)
        assert again.code == 0 and "Config of" not in again.out
    (folder / "pred" / "manifest.json").write_text(json.dumps({**manifest, "config": "[nlp"}))
    broken = xner("evaluate", folder / "gold.iob", folder / "pred", "--samples", 20)
    assert broken.code == 1 and "manifest.json" in broken.err


def test_systems_without_figures_can_be_left_out(folder: Path) -> None:
    figures = [f"teacher={folder / 'none.json'}", f"student={folder / 'x.json'}"]
    assert xner("report", *figures).code == 1
    result = xner("report", *figures, "--skip-missing")
    assert result.code == 0 and "| student" in result.out and "| teacher" not in result.out
    assert "No figures of teacher" in result.err
    alone = xner("report", figures[0], "--skip-missing")
    assert alone.code == 1 and "None of the figures is there" in alone.err


def test_a_config_of_another_origin_has_none(tmp_path: Path) -> None:
    spacy.blank("is").to_disk(tmp_path / "blank")
    assert find_origin(tmp_path / "blank") is None
    for base, options in (("source", {"labels": "prokd"}), ("teacher", {"translator": "apertium"})):
        init_config(base, tmp_path / "config.cfg", "is", **options)
        [(name, value)] = options.items()
        assert find_origin(tmp_path) == (f"{base} --{name} {value}", {})
