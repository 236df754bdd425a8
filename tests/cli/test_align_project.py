"""`xner align` and `xner project` where things are not as usual: blank lines, other forms of links, models, configs."""

import json
from random import Random

import pytest

from xner_spacy.registry import registry
from xner_spacy.types import Alignment, Translation

from .helpers import xner

WORDS = {"red": "rot", "green": "gruen", "blue": "blau", "white": "weiss", "black": "schwarz"}
BITEXT = [[a, b, c] for a in WORDS for b in WORDS for c in WORDS if len({a, b, c}) == 3]


def write(path, sentences):
    path.write_text("".join(" ".join(words) + "\n" for words in sentences))
    return path


@pytest.fixture
def texts(tmp_path):
    source = write(tmp_path / "s.txt", BITEXT)
    target = write(tmp_path / "t.txt", [[WORDS[word] for word in words] for words in BITEXT])
    return source, target


def fails(result, *parts):
    assert result.code == 1, result.out + result.err
    for part in parts:
        assert part in result.err, result.err


def test_blank_lines_stay_in_place_and_are_not_learned_from(texts, tmp_path, caplog):
    whole = tmp_path / "whole"
    assert xner("align", *texts, "-o", whole).code == 0
    lines = whole.read_text().split("\n")
    assert lines[0] == "0-0 1-1 2-2"
    source, target = (path.read_text().splitlines() for path in texts)
    # Empty on both sides, then on one, then on the other.
    texts[0].write_text("\n".join(["", *source[:5], "red", "", *source[5:]]) + "\n")
    texts[1].write_text("\n".join(["", *target[:5], "", "rot", *target[5:]]) + "\n")
    caplog.clear()
    assert xner("align", *texts, "-o", tmp_path / "l").code == 0
    assert (tmp_path / "l").read_text().split("\n") == ["", *lines[:5], "", "", *lines[5:]]
    assert "63 sentence pairs to learn from; left out because a side is empty: 3" in caplog.text


def test_blank_lines_in_the_bitext(texts, tmp_path, caplog):
    one, other = (
        write(tmp_path / "1", [["red", "green"]]),
        write(tmp_path / "2", [["rot", "gruen"]]),
    )
    for path, at in zip(texts, (3, 9), strict=True):
        lines = path.read_text().splitlines()
        path.write_text("\n".join([*lines[:at], "", *lines[at:]]) + "\n")
    for path in texts:
        path.write_text(path.read_text() + "\n")
    assert xner("align", one, other, "-o", tmp_path / "l", "--bitext", *texts).code == 0
    assert "1 lines left out: empty on both sides" in caplog.text
    assert "2 lines left out: empty on one side" in caplog.text


def test_long_lines(texts, tmp_path, caplog):
    """300 pairs of 500 words ended in "got no sentence pairs to learn from"."""
    random = Random(0)
    long = [[f"{random.randrange(300)}th" for _ in range(150)] for _ in range(30)]
    source = write(tmp_path / "s", long)
    target = write(tmp_path / "t", [[f"{word[:-2]}ster" for word in words] for words in long])
    assert xner("align", source, target, "-o", tmp_path / "l").code == 0
    assert "long and cut into pieces: 30" in caplog.text
    links = [line.split() for line in (tmp_path / "l").read_text().splitlines()]
    right = sum(f"{k}-{k}" in found for found in links for k in range(150))
    assert right > 0.9 * 30 * 150


# --- The folder of a model


def test_a_model_and_more_to_learn_from_is_refused(texts, tmp_path):
    model = tmp_path / "m"
    assert xner("align", *texts, "-o", tmp_path / "l", "--model", model).code == 0
    before = (model / "aligner").read_bytes()
    again = ("align", *texts, "-o", tmp_path / "l2", "--model", model)
    fails(xner(*again, "--bitext", *texts), "holds a trained aligner", "Leave --bitext out")
    assert not (tmp_path / "l2").exists() and (model / "aligner").read_bytes() == before
    assert xner(*again).code == 0
    assert (tmp_path / "l2").read_bytes() == (tmp_path / "l").read_bytes()


@pytest.mark.parametrize("length", [0, 1, 100, -1])
def test_a_model_cut_short_is_named(texts, tmp_path, length):
    model = tmp_path / "m"
    assert xner("align", *texts, "-o", tmp_path / "l", "--model", model).code == 0
    state = model / "aligner"
    state.write_bytes(state.read_bytes()[:length])
    result = xner("align", *texts, "-o", tmp_path / "l2", "--model", model)
    fails(result, f"{state}: can't be used", "train the aligner anew")
    assert not (tmp_path / "l2").exists()


def test_the_folder_of_something_else_is_not_written_into(texts, tmp_path):
    import spacy

    folder = tmp_path / "pipeline"
    spacy.blank("xx").to_disk(folder)
    before = sorted(folder.rglob("*"))
    result = xner("align", *texts, "-o", tmp_path / "l", "--model", folder)
    fails(result, f"{folder}: is a folder of something else")
    assert sorted(folder.rglob("*")) == before and not (tmp_path / "l").exists()
    fails(xner("align", *texts, "-o", tmp_path / "l", "--model", texts[0]), "is not a folder")


def test_no_model_stays_behind_where_the_links_could_not_be_written(texts, tmp_path):
    folder = tmp_path / "l"
    folder.mkdir()
    result = xner("align", *texts, "-o", folder, "--model", tmp_path / "m")
    fails(result, f"{folder}: could not be written (Is a directory)")
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path not in texts]


def test_the_model_of_another_aligner_is_refused(texts, tmp_path):
    model = tmp_path / "m"
    assert xner("align", *texts, "-o", tmp_path / "l", "--model", model).code == 0
    (model / "aligner.json").write_text('{"aligner": "other"}\n')
    result = xner("align", *texts, "-o", tmp_path / "l2", "--model", model)
    fails(result, "is of the aligner 'other', not of 'lexical'")
    result = xner("align", *texts, "-o", tmp_path / "l2", "--model", tmp_path / "e", "-a", "eflomal")
    fails(result, "'eflomal' keeps no model")


# --- Configs

CONFIGS = {
    "an option twice": ("[aligner]\na = 1\na = 2\n", "is not a config"),
    "no name": ("[aligner]\nthreshold = 0.4\n", "@xner_aligners must be a name"),
    "a name that is none": ("[aligner]\n@xner_aligners = 5\n", "@xner_aligners must be a name"),
    "an unknown name": ('[aligner]\n@xner_aligners = "xner.None.v1"\n', "xner.None.v1"),
    "an unknown setting": ('[aligner]\n@xner_aligners = "xner.Lexical.v1"\nx = 1\n', "x"),
    "another type": ('[aligner]\n@xner_aligners = "xner.Lexical.v1"\nnull = "a"\n', "null"),
    "another registry": ('[aligner]\n@xner_scores = "xner.Lexical.v1"\n', "must be a name"),
    "no section": ("[projector]\n", "has no section [aligner]"),
    "no config": ("x\n", "is not a config"),
    "no text": (b'[aligner]\nx = "\xff"\n', "is not a config"),
    "a setting out of its range": (
        '[aligner]\n@xner_aligners = "xner.Lexical.v1"\nthreshold = 2\n',
        "[aligner]: threshold is 2.",
    ),
}


@pytest.mark.parametrize("name", CONFIGS)
def test_faults_of_a_config(texts, tmp_path, name):
    data, part = CONFIGS[name]
    config = tmp_path / "c.cfg"
    config.write_bytes(data if isinstance(data, bytes) else data.encode())
    fails(xner("align", *texts, "-o", tmp_path / "l", "-c", config), f"{config}:", part)
    assert not (tmp_path / "l").exists()


def test_an_option_that_the_aligner_does_not_have(texts, tmp_path):
    result = xner("align", *texts, "-o", tmp_path / "l", "--symmetrize", "union")
    fails(result, "xner.Lexical.v1 can't be built with symmetrize = union")
    fails(xner("align", *texts, "-o", tmp_path / "l", "-a", "misc"), "Unknown name 'misc'")


# --- Projection


@pytest.fixture
def labelled(tmp_path):
    source = tmp_path / "s.iob"
    source.write_text("Anna\tB-PER\nsaw\tO\nRome\tB-LOC\n\n")
    return source, write(tmp_path / "t.txt", [["Roma", "vidit", "Anna"]])


FORMS = {
    "as usual": ("0-2 1-1 2-0", ()),
    "from 1": ("1-3 2-2 3-1", ("--one-indexed",)),
    "reversed": ("2-0 1-1 0-2", ("--reverse",)),
    "from 1, reversed": ("3-1 2-2 1-3", ("--one-indexed", "--reverse")),
    "possible ones kept": ("0-2 1p1 2p0", ("--possible", "keep")),
    "possible ones dropped": ("0-2 2-0 2p1 0p1", ("--possible", "drop")),
}


@pytest.mark.parametrize("form", FORMS)
def test_links_of_any_form(labelled, tmp_path, form):
    links, options = FORMS[form]
    (tmp_path / "l").write_text(links + "\n")
    out = tmp_path / "o.iob"
    result = xner("project", *labelled, "-o", out, "--links", tmp_path / "l", *options)
    assert result.code == 0, result.err
    assert out.read_text() == "Roma\tB-LOC\nvidit\tO\nAnna\tB-PER\n\n"


def test_links_of_another_form_are_refused(labelled, tmp_path):
    links = tmp_path / "l"
    run = ("project", *labelled, "-o", tmp_path / "o.iob")
    links.write_text("0p2\n")
    fails(xner(*run, "--links", links), f"{links}:1: holds possible links", "keep or drop")
    fails(xner(*run, "--links", links, "--possible", "x"), "keep, drop or refuse")
    links.write_text("0-2\n")
    fails(xner(*run, "--links", links, "--one-indexed"), f"{links}:1:", "counting from 1")
    links.write_text("3-0\n")
    fails(xner(*run, "--links", links), f"{links}:1:", "link 3-0 is outside")
    fails(xner(*run, "--reverse"), "say how --links are written")
    links.write_text("0-0\n\n")
    fails(xner(*run, "--links", links), "has more lines than the 1 sentence pairs")
    assert not (tmp_path / "o.iob").exists()


class ToyTranslator:
    """Source to target, word by word; it keeps brackets, and turns the sentence round."""

    def __call__(self, texts):
        for text in texts:
            apart = text.replace("[", "[ ").replace("]", " ]").split()
            words = {"saw": "vidit", "Rome": "Roma", "[": "]", "]": "["}
            found = " ".join(words.get(w, w) for w in reversed(apart))
            yield Translation(found.replace("[ ", "[").replace(" ]", "]"))


CONFIG = """
[projector]
@xner_projectors = "xner.Matching.v1"

[aligner]
@xner_aligners = "xner.BackTranslation.v1"
target_lang = "la"

[aligner.translator]
@xner_translators = "test.Toy.v1"

[aligner.aligner]
@xner_aligners = "xner.Links.v1"
path = "{links}"
"""


def test_project_by_back_translation(labelled, tmp_path):
    """The entities are marked, as docs/alignment-neural.md says: no links between source and target are needed."""
    registry.xner_translators.register("test.Toy.v1", func=ToyTranslator)
    links = tmp_path / "l"
    # Between the back-translation and the target, which are in the same language and order here.
    links.write_text("0-0 1-1 2-2\n")
    config = tmp_path / "c.cfg"
    config.write_text(CONFIG.format(links=links))
    out = tmp_path / "o.iob"
    result = xner("project", *labelled, "-o", out, "--aligner", "config", "-c", config)
    assert result.code == 0, result.err
    assert out.read_text() == "Roma\tB-LOC\nvidit\tO\nAnna\tB-PER\n\n"


def test_the_json_and_the_links_agree(labelled, tmp_path):
    (tmp_path / "l").write_text("0-2 2p0\n")
    run = ("project", *labelled, "-o", tmp_path / "o.iob", "--links", tmp_path / "l")
    assert xner(*run, "--possible", "drop", "--json", tmp_path / "j").code == 0
    data = json.loads((tmp_path / "j").read_text())
    assert data["counts"]["projected spans"] == 1
    assert "texts of several sentences, written as one each" not in data["counts"]
    assert data["sentences"][0]["unprojected"][0]["reason"] == "no_links"


@pytest.mark.parametrize("n, words", [(0, "gave 0 alignments for 1"), (2, "gave more than 1")])
def test_an_aligner_that_gives_too_few_or_too_many_is_named(labelled, tmp_path, n, words):
    class Odd:
        def __call__(self, pairs):
            return [Alignment([(0, 0)])] * n

    registry.xner_aligners.register("test.Odd.v1", func=Odd)
    text = write(tmp_path / "s.txt", [["Anna", "saw", "Rome"]])
    out = tmp_path / "o.iob"
    for run in (("align", text, labelled[1]), ("project", *labelled)):
        result = xner(*run, "-o", out, "-a", "test.Odd.v1")
        fails(result, f"The aligner Odd {words}", "sentence pair")
        assert not out.exists()
