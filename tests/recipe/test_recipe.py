"""A project from `xner new` to the wheel, and its steps one by one."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import List, Literal

import pytest
import spacy
import srsly

from tests.conftest import ROOT
from tests.recipe.projects import SUMMARY
from tests.translation.test_libretranslate import Server
from xner_spacy.corpora.docs import doc_entities, make_doc, read_docs, write_docbin
from xner_spacy.distillation.corrected import COPIES
from xner_spacy.distillation.soft.soft_labels import get_soft, set_soft
from xner_spacy.distillation.teachers.mixtures import mix_docs
from xner_spacy.errors import XnerError
from xner_spacy.recipe import english as english_step
from xner_spacy.recipe import transfer as transfer_step
from xner_spacy.recipe.data import find_data
from xner_spacy.recipe.english import english_corpora, make_english
from xner_spacy.recipe.inputs import gather_inputs
from xner_spacy.recipe.labels import fit_mixture_bias, make_labels
from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.new import FOLDERS, new
from xner_spacy.recipe.steps import STEPS, estimate
from xner_spacy.recipe.teacher import label_by_projection
from xner_spacy.recipe.training import Training, set_values, train_all
from xner_spacy.recipe.transfer import label_by_transfer, transfer_sources
from xner_spacy.recipe.translators import choose_translator
from xner_spacy.types import Entity, TokenLabels

NLP = spacy.blank("xx")


def run(*command: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, encoding="utf8", errors="replace", timeout=1200
    )


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded corpus as DocBin files and a bitext."""
    folder = tmp_path_factory.mktemp("embedded")
    made = run(sys.executable, ROOT / "scripts" / "embedded.py", ROOT / "assets" / "is-en", folder, cwd=ROOT)
    assert made.returncode == 0, made.stderr
    return folder


def fill(project: Path, embedded: Path) -> None:
    """Put the embedded corpus where a user would, with a list of its English names as the English pipeline."""
    nlp = spacy.blank("en")
    splits = {split: list(read_docs(embedded / f"{split}.en.spacy", nlp.vocab)) for split in ("train", "dev", "test")}
    names = sorted({(ent.text, ent.label_) for docs in splits.values() for doc in docs for ent in doc.ents})
    nlp.add_pipe("entity_ruler").add_patterns([{"pattern": text, "label": label} for text, label in names])
    nlp.to_disk(project / "english" / "names")
    (project / "bitext" / "en.txt").write_bytes((embedded / "en.txt").read_bytes())
    (project / "bitext" / "is.txt").write_bytes((embedded / "is.txt").read_bytes())
    lines = [doc.text for split in ("train", "dev") for doc in read_docs(embedded / f"{split}.is.spacy", NLP.vocab)]
    (project / "text" / "news.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf8")
    (project / "gold" / "test.spacy").write_bytes((embedded / "test.is.spacy").read_bytes())


def test_from_an_empty_folder_to_the_wheel(embedded: Path, tmp_path: Path) -> None:
    made = run(sys.executable, "-m", "xner_spacy", "new", "is", "ours", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    project = tmp_path / "ours"
    fill(project, embedded)
    command = (
        sys.executable,
        "-m",
        "spacy",
        "project",
        "run",
        "all",
        ".",
        "--vars.quality",
        "fast",
        "--vars.steps",
        "200",
    )
    done = run(*command, cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    scores = srsly.read_json(project / "metrics" / "fast" / "student.json")
    # Chance gives nothing; this is what 200 steps on some 500 sentences give, less a margin.
    assert scores["f1"] > 0.45
    assert srsly.read_json(project / "metrics" / "fast" / "teacher.json")["f1"] > 0.8
    for number, step in enumerate(STEPS, 1):
        assert f"[{number}/{len(STEPS)}] {step}" in done.stdout or step == "student"
    [wheel] = project.glob("packages/*/dist/*.whl")
    assert wheel.name.startswith("is_ner-0.1.0")
    page = (project / "page.html").read_text(encoding="utf8")
    assert f"{100 * scores['f1']:.1f}" in page and not re.search(r"""(?:src|href)=["'](?!#|data:)""", page)
    # The run ends by naming it, and it has the curve of the student.
    assert "Page in" in done.stderr.splitlines()[-1] and '<th scope="row">student</th>' in page
    assert (project / "training" / "fast" / "student" / "curve.jsonl").read_text(encoding="utf8").count("step") >= 2
    # A second run does nothing again that is there: the student is not trained again.
    before = (project / "training" / "fast" / "student" / "model-best" / "meta.json").stat().st_mtime_ns
    again = run(*command, cwd=project)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Skipping 'student'" in again.stdout and "Skipping 'english'" in again.stdout
    assert (project / "training" / "fast" / "student" / "model-best" / "meta.json").stat().st_mtime_ns == before


def test_a_new_project_says_what_goes_where(tmp_path: Path) -> None:
    folder = new("yo", tmp_path / "ours")
    for name in FOLDERS:
        assert "Yoruba" in (folder / name / "README.md").read_text(encoding="utf8") or name not in ("text", "gold")
    config = srsly.read_yaml(folder / "project.yml")
    assert config["vars"]["lang"] == "yo"
    assert set(config["workflows"]["all"]) == {command["name"] for command in config["commands"]}
    assert "Yoruba" in (folder / "README.md").read_text(encoding="utf8")
    with pytest.raises(XnerError, match="there already"):
        new("yo", folder)


@pytest.mark.parametrize(
    ("lang", "name", "message"),
    [("xyzzy", "ner", "xyzzy"), ("en", "ner", "English"), ("eng_Latn", "ner", "English"), ("yo", "my-ner", "my-ner")],
)
def test_refused_projects(lang: str, name: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(XnerError, match=message):
        new(lang, tmp_path / "ours", name=name)
    assert not (tmp_path / "ours").exists()


def project_with(tmp_path: Path, **inputs: object) -> Project:
    """RETURNS (Project): A project whose step `inputs` has run."""
    (tmp_path / "corpus").mkdir(parents=True, exist_ok=True)
    summary = {**SUMMARY, **inputs}
    (tmp_path / "corpus" / "inputs.json").write_text(json.dumps(summary), encoding="utf8")
    return Project(root=tmp_path, lang="is", workers=1)


def test_a_project_without_inputs_names_the_step(tmp_path: Path) -> None:
    with pytest.raises(XnerError, match=r"inputs\.json") as error:
        Project(root=tmp_path).inputs()
    assert "xner recipe inputs" in error.value.hint


# --- the translator


def test_raw_text_alone(embedded: Path, tmp_path: Path) -> None:
    """Without a bitext a translator, here a server of the test, translates the text; nothing is asked twice."""
    fill(new("is", tmp_path / "ours"), embedded)
    project = Project(root=tmp_path / "ours", lang="is", workers=1)
    sides = [(project.root / "bitext" / f"{side}.txt").read_text(encoding="utf8").splitlines() for side in ("is", "en")]
    for side in ("is", "en"):
        (project.root / "bitext" / f"{side}.txt").unlink()
    english = dict(zip(*sides, strict=True))
    server = Server(lambda texts, _: [english[text] for text in texts])
    try:
        project.translator = f"libretranslate={server.url}"
        assert gather_inputs(project.root, "is")["road"] == "translator"
        make_english(project)
        docs = list(read_docs(label_by_projection(project), NLP.vocab))
        n_asked = sum(map(len, server.asked))
        label_by_projection(project)
    finally:
        server.close()
    gold = list(read_docs(embedded / "train.is.spacy", NLP.vocab))
    assert n_asked == len({doc.text for doc in docs}) == sum(map(len, server.asked))
    # The names of the English pipeline are those of the corpus, so that most must arrive.
    assert sum(len(doc.ents) for doc in docs) > 0.7 * sum(len(doc.ents) for doc in gold)


def test_a_bitext_goes_first(tmp_path: Path) -> None:
    project = project_with(tmp_path, road="bitext")
    name, section = choose_translator(project, project.inputs())
    assert name == "the bitext" and section["@xner_translators"] == "xner.Bitext.v1"


@pytest.mark.parametrize(
    ("setting", "part", "key"),
    [
        ("apertium=isl-eng", "xner.Apertium.v1", "mode"),
        ("ctranslate2=models/x", "xner.CTranslate2.v1", "model"),
        ("transformers=facebook/nllb-200-distilled-600M", "xner.Transformers.v1", "model"),
        ("chat=gpt", "xner.Chat.v1", "model"),
        ("libretranslate=localhost:5000", "xner.LibreTranslate.v1", "url"),
    ],
)
def test_a_named_translator_is_stored(setting: str, part: str, key: str, tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.translator = setting
    _, section = choose_translator(project, project.inputs())
    assert section["@xner_translators"] == "xner.Stored.v1"
    assert section["translator"]["@xner_translators"] == part
    assert section["translator"][key] == setting.partition("=")[2]


@pytest.mark.parametrize("setting", ["apertium", "nothing=x", "bitext", ""])
def test_a_translator_that_is_none(setting: str, tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.translator = setting
    with pytest.raises(XnerError, match="translator"):
        choose_translator(project, project.inputs())


def test_no_translator_says_what_to_install(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.lang = "lug"
    with pytest.raises(XnerError, match="Nothing here translates lug") as error:
        choose_translator(project, project.inputs())
    assert "GB to download" in error.value.hint and "xner convert-model" in error.value.hint
    assert "bitext/" in error.value.hint


# --- English


def source_language(folder: Path, labelled: List[str], english: List[str]) -> None:
    """Write a source language whose words are the English ones, with one name in each sentence: its first word."""
    docs = [make_doc(NLP.vocab, text.split(), [Entity(0, 1, "PER")]) for text in labelled]
    write_docbin(folder / "train.spacy", docs)
    (folder / "target.tok").write_text("".join(f"{text}\n" for text in labelled), encoding="utf8")
    (folder / "en.tok").write_text("".join(f"{text}\n" for text in english), encoding="utf8")


def public_data(project: Project) -> None:
    """Write the smallest public corpora."""
    for data_set in english_step.PUBLIC:
        for name in (*data_set.files, *data_set.dev):
            file = project.root / "assets" / "downloads" / data_set.name / name
            file.parent.mkdir(parents=True, exist_ok=True)
            rows = {"panx": "0\tRome\tB-LOC\n1\tis\tO\n", "uner": "1\tRome\tB-LOC\t-\t-\n2\tis\tO\t-\t-\n"}
            file.write_text(
                rows.get(data_set.style, "Rome B-PER\nis O\n").replace(
                    "B-PER",
                    "I-PER" if data_set.style == "iob1" else ("B-person" if data_set.name == "wnut17" else "B-LOC"),
                )
                + "\n",
                encoding="utf8",
            )


def test_labels_of_a_source_language_are_carried_to_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(english_step, "MIN_TRANSLATED", 8)
    project = project_with(tmp_path)
    public_data(project)
    names = ["Anna", "Bela", "Carla", "Dora"] * 6
    labelled = [f"{name} nyumbani kwake leo" for name in names]
    english = [f"today {name} is at home" for name in names]
    source_language(project.sources / "swa", labelled, english)
    train, dev = english_corpora(project)
    [carried] = [file for file in train.iterdir() if "carried" in file.name]
    docs = list(read_docs(carried, NLP.vocab))
    assert len(docs) == len(names)
    right = sum(
        [(ent.text, ent.label_) for ent in doc.ents] == [(name, "PER")] for doc, name in zip(docs, names, strict=True)
    )
    assert right >= 0.9 * len(names)
    # Swahili is no English, so its own text is not among the training data.
    assert not (train / "swa.spacy").exists()
    assert len(list(dev.iterdir())) == 1
    # They are made again only if the source changes.
    stamp = carried.stat().st_mtime_ns
    english_corpora(project)
    assert carried.stat().st_mtime_ns == stamp
    source_language(project.sources / "swa", labelled[:8], english[:8])
    english_corpora(project)
    assert len(list(read_docs(carried, NLP.vocab))) == 8
    # Too few are not carried.
    source_language(project.sources / "swa", labelled[:7], english[:7])
    english_corpora(project)
    assert not carried.exists()


def test_an_english_creole_is_read_as_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(english_step, "MIN_TRANSLATED", 8)
    project = project_with(tmp_path)
    public_data(project)
    labelled = [f"{name} dey for house today" for name in ["Anna", "Bela"] * 8]
    source_language(project.sources / "pcm", labelled, [line.replace("dey for", "is in the") for line in labelled])
    train, _ = english_corpora(project)
    assert len(list(read_docs(train / "pcm.spacy", NLP.vocab))) == 16


def test_missing_data_sets_are_named(tmp_path: Path) -> None:
    with pytest.raises(XnerError, match="wikineural"):
        english_corpora(project_with(tmp_path))


def test_data_that_cant_be_fetched_is_named_with_the_reason(tmp_path: Path) -> None:
    asset = {"dest": "assets/downloads/btc", "git": {"repo": "file:///no/such/place", "branch": "main", "path": ""}}
    srsly.write_yaml(tmp_path / "project.yml", {"title": "x", "assets": [{**asset, "extra": True}], "commands": []})
    with pytest.raises(XnerError, match=r"Data sets could not be fetched: btc \(fatal: .*no/such/place") as error:
        find_data(tmp_path, ["btc"])
    assert "--vars.shared FOLDER" in error.value.hint and list((tmp_path / "assets" / "downloads").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("corpus/inputs.json", "{}"), ("training/best/english.json", '{"models": [], "soft": true}'), ("x", "")],
)
def test_results_of_earlier_steps_that_were_edited(tmp_path: Path, name: str, text: str) -> None:
    project = project_with(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)
    (tmp_path / "training" / "best").mkdir(parents=True, exist_ok=True)
    (tmp_path / "training" / "best" / "times.json").write_text('{"inputs": "long"}')
    assert project.times() == {}
    with pytest.raises(XnerError, match=r"\.json") as error:
        (project.inputs(), project.english())
    assert "he step `xner recipe" in error.value.hint


# --- labels


def soft_docs(texts: List[str], mass: float) -> list:
    docs = []
    for text in texts:
        doc = make_doc(NLP.vocab, text.split(), [Entity(0, 1, "PER")])
        rows = [[1 - mass, mass, 0.0]] + [[1.0, 0.0, 0.0]] * (len(doc) - 1)
        set_soft(doc, TokenLabels(["O", "B-PER", "I-PER"], rows))
        docs.append(doc)
    return docs


def test_transfer_is_mixed_in_and_corrected_sentences_replace_the_teachers(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    texts = [f"Anna{k} runs here" for k in range(40)]
    for name, mass in (("projected", 0.9), ("transferred", 0.5)):
        folder = project.labelled / name
        folder.mkdir(parents=True)
        write_docbin(folder / "00000.spacy", soft_docs(texts, mass))
    corrected = make_doc(NLP.vocab, texts[3].split(), [Entity(0, 1, "ORG")])
    write_docbin(project.corpus / "corrected.spacy", [corrected])
    train, dev = (list(read_docs(path, NLP.vocab)) for path in make_labels(project))
    assert len({doc.text for doc in [*train, *dev]}) == 40
    assert not {doc.text for doc in train} & {doc.text for doc in dev}
    ours = [doc for doc in train if doc.text == texts[3]]
    assert len(ours) == COPIES
    assert [ent.label for ent in doc_entities(ours[0])] == ["ORG"]
    for doc in train:
        soft = get_soft(doc)
        assert soft is not None
        if doc.text != texts[3]:
            assert soft.probs[0, list(soft.labels).index("B-PER")] == pytest.approx(0.8, abs=0.01)
    assert "xner_student" in (project.training / "student.cfg").read_text(encoding="utf8")


def test_a_mixture_has_as_many_entities_as_the_projected_labels() -> None:
    texts = [f"Anna{k} runs" for k in range(60)]
    sure, unsure = soft_docs(texts, 0.6), soft_docs(texts, 0.05)
    bias = fit_mixture_bias(sure, unsure, [0.5, 0.5], 0)
    assert bias > 0
    mixed = list(mix_docs([sure, unsure], [0.5, 0.5], bias=bias))
    assert sum(len(doc.ents) for doc in mixed) == 60
    assert not any(doc.ents for doc in mix_docs([soft_docs(texts, 0.6), unsure], [0.5, 0.5]))


def test_hard_labels_make_a_student_of_spacy(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    (project.labelled / "projected").mkdir(parents=True)
    docs = [make_doc(NLP.vocab, [f"Anna{k}", "runs"], [Entity(0, 1, "PER")]) for k in range(20)]
    write_docbin(project.labelled / "projected" / "00000.spacy", docs)
    make_labels(project)
    assert 'factory = "ner"' in (project.training / "student.cfg").read_text(encoding="utf8")


def test_the_fast_recipe_learns_from_hard_labels_alone(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    project.quality = "fast"
    (project.labelled / "projected").mkdir(parents=True)
    docs = soft_docs([f"Anna{k} runs" for k in range(20)], 0.9)
    write_docbin(project.labelled / "projected" / "00000.spacy", docs)
    make_labels(project)
    assert 'factory = "ner"' in (project.training / "student.cfg").read_text(encoding="utf8")


@pytest.mark.parametrize("quality", ["best", "fast"])
def test_names_get_the_types_that_they_have_elsewhere_by_the_best_recipe(
    tmp_path: Path, quality: Literal["best", "fast"]
) -> None:
    project = project_with(tmp_path)
    project.quality = quality
    docs = []
    for k in range(24):
        doc = make_doc(NLP.vocab, [f"Week{k}", "Museveni", "came"], [Entity(1, 2, "PER" if k else "LOC")])
        person, place = (0.9, 0.05) if k else (0.4, 0.5)
        rows = [[1.0, 0, 0, 0, 0], [0.05, person, 0, place, 0], [1.0, 0, 0, 0, 0]]
        set_soft(doc, TokenLabels(["O", "B-PER", "I-PER", "B-LOC", "I-LOC"], rows))
        docs.append(doc)
    (project.labelled / "projected").mkdir(parents=True)
    write_docbin(project.labelled / "projected" / "00000.spacy", docs)
    made = [doc for path in make_labels(project) for doc in read_docs(path, NLP.vocab)]
    labels = Counter(entity.label for doc in made for entity in doc_entities(doc))
    assert labels == ({"PER": 24} if quality == "best" else {"PER": 23, "LOC": 1})


def test_labels_of_sources_that_are_gone_are_not_mixed_in(tmp_path: Path) -> None:
    project = project_with(tmp_path)
    stale = project.labelled / "transferred"
    stale.mkdir(parents=True)
    write_docbin(stale / "00000.spacy", soft_docs(["Anna runs"], 0.5))
    assert label_by_transfer(project) is None
    assert not stale.exists()


def test_vectors_are_learned_anew_only_if_their_text_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("floret")
    learn, calls = transfer_step.vectors, []

    def small(*arguments: Path, seed: int) -> Path:
        calls.append(seed)
        return learn(*arguments, seed=seed, bucket=50, dim=4, epochs=1)

    monkeypatch.setattr(transfer_step, "vectors", small)
    project = project_with(tmp_path)
    for side, word in zip(project.bitext, ("rain", "regn"), strict=True):
        side.parent.mkdir(parents=True, exist_ok=True)
        side.write_text(f"{word} and {word}\n" * 5)
    table = transfer_step._make_vectors(project, [])
    content = (table / "vocab" / "vectors").read_bytes()
    assert transfer_step._make_vectors(project, []) == table and calls == [0]
    project.seed = 1
    transfer_step._make_vectors(project, [])
    project.seed = 0
    transfer_step._make_vectors(project, [])
    assert calls == [0, 1, 0] and (table / "vocab" / "vectors").read_bytes() == content
    # A run that was killed between the table and its record learns them again.
    (table.parent / "recipe.json").unlink()
    transfer_step._make_vectors(project, [])
    assert len(calls) == 4


# --- training


def test_what_is_trained_is_not_trained_again_and_a_failure_shows_its_log(tmp_path: Path) -> None:
    from xner_spacy.cli.init_config import base_config

    project = project_with(tmp_path)
    docs = [make_doc(NLP.vocab, ["Anna", "runs"], [Entity(0, 1, "PER")])] * 5
    data = tmp_path / "train.spacy"
    write_docbin(data, docs)
    values = {"paths.train": str(data), "paths.dev": str(data), "training.max_steps": 2, "training.eval_frequency": 1}
    config = set_values(base_config("source", labels="soft"), values)
    training = Training(tmp_path / "model", config, [data])
    train_all(project, [training])
    assert training.is_made()
    stamp = (training.best / "meta.json").stat().st_mtime_ns
    train_all(project, [training])
    assert (training.best / "meta.json").stat().st_mtime_ns == stamp
    write_docbin(data, docs * 2)
    assert not training.is_made()
    broken = set_values(base_config("source", labels="soft"), {**values, "paths.train": str(tmp_path / "none.spacy")})
    with pytest.raises(XnerError, match="ended with code") as error:
        train_all(project, [Training(tmp_path / "broken", broken, [])])
    assert "none.spacy" in error.value.hint
    assert not (tmp_path / "broken" / "recipe.json").exists()


def test_the_estimate_grows_with_the_work(tmp_path: Path) -> None:
    text = {"sentences": 1000, "tokens": 9000}
    source = {"hrv": {"train": {"sentences": 9}, "bitext": {"sentences": 9}}}
    small = project_with(tmp_path / "a", text=text)
    large = project_with(tmp_path / "b", text={"sentences": 100_000, "tokens": 900_000}, sources=source)
    large.lang = "srp"
    few, many = (estimate(project, project.inputs()) for project in (small, large))
    assert sum(many.values()) > sum(few.values()) and few["transfer"] == 0 < many["transfer"]
    given = project_with(tmp_path / "c", text=text, english=["en_core_web_sm"])
    assert estimate(given, given.inputs())["english"] == 0


@pytest.mark.parametrize(
    ("lang", "relatives"),
    [("lug", ["swa"]), ("tsn", ["swa"]), ("yor", []), ("luo", []), ("srp", ["hrv"]), ("xx", [])],
)
def test_only_relatives_with_a_bitext_are_transferred_from(lang: str, relatives: List[str]) -> None:
    sources = {source: {"bitext": {}} for source in ("hau", "pcm", "swa", "hrv")}
    assert transfer_sources(lang, {"sources": {**sources, "kin": {}}}) == relatives
