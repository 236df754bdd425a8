"""Each command on good input, end to end."""

import json
import re
import subprocess
import sys

import pytest
import spacy

from tests.cli.helpers import xner
from tests.conftest import PAIRS
from xner_spacy.cli.init_config import BASES
from xner_spacy.corpora.docs import read_docs
from xner_spacy.corpora.formats.columns import read_columns
from xner_spacy.corpora.reading import read_config
from xner_spacy.errors import XnerError
from xner_spacy.languages import choose_tokenizer

GOLD = "Anna\tB-PER\nlives\tO\nin\tO\nNew\tB-LOC\nYork\tI-LOC\n\nYes\tO\n\n"


@pytest.fixture()
def gold(tmp_path):
    path = tmp_path / "gold.iob"
    path.write_text(GOLD)
    return path


def test_help_names_every_command():
    done = subprocess.run([sys.executable, "-m", "xner_spacy", "--help"], capture_output=True, text=True, check=True)
    for name in (
        "convert",
        "align",
        "project",
        "annotate",
        "evaluate",
        "compare",
        "info",
        "report",
    ):
        assert name in done.stdout


def test_convert_there_and_back(gold, tmp_path):
    assert xner("convert", gold, tmp_path / "x.spacy", "--lang", "en").code == 0
    assert xner("convert", tmp_path / "x.spacy", tmp_path / "shards", "--shard-size", 1).code == 0
    assert sorted(p.name for p in (tmp_path / "shards").iterdir()) == [
        "00000.spacy",
        "00001.spacy",
        "manifest.json",
    ]
    assert xner("convert", tmp_path / "shards", tmp_path / "back.iob").code == 0
    assert (tmp_path / "back.iob").read_text() == GOLD
    assert xner("convert", gold, tmp_path / "x.txt").code == 0
    assert (tmp_path / "x.txt").read_text() == "Anna lives in New York\nYes\n"


def test_convert_counts_what_it_drops_and_mends(tmp_path):
    path = tmp_path / "x.iob"
    path.write_bytes(b"a\tI-PER\r\nb\tB-MISC\r\n")
    result = xner("convert", path, tmp_path / "y.iob", "--repair", "--label-map", "conll")
    assert result.code == 0
    assert "dropped MISC: 1" in result.err and "repaired opening I-: 1" in result.err
    assert (tmp_path / "y.iob").read_text() == "a\tB-PER\nb\tO\n\n"


def test_convert_limit(gold, tmp_path):
    assert xner("convert", gold, tmp_path / "x.iob", "--limit", 1).code == 0
    assert len(list(read_columns(tmp_path / "x.iob"))) == 1


def test_convert_bitext(bitext, tmp_path):
    source, target = bitext
    out = tmp_path / "x.spacy"
    result = xner("convert", source, out, "--from", "bitext", "--target", target, "--lang", "is")
    assert result.code == 0
    docs = list(read_docs(out, spacy.blank("is").vocab))
    assert len(docs) == len(PAIRS) * 5
    assert docs[0].text == PAIRS[0][1] and docs[0]._.xner_source.text == PAIRS[0][0]


def test_align_writes_links_and_keeps_the_model(bitext, tmp_path):
    source, target = bitext
    model = tmp_path / "model"
    first = xner("align", source, target, "-o", tmp_path / "a.links", "--model", model)
    assert first.code == 0, first.err
    lines = (tmp_path / "a.links").read_text().splitlines()
    assert len(lines) == len(PAIRS) * 5
    assert "0-0" in lines[0].split() and "3-3" in lines[0].split()
    again = xner("align", source, target, "-o", tmp_path / "b.links", "--model", model)
    assert again.code == 0
    assert (tmp_path / "b.links").read_text() == (tmp_path / "a.links").read_text()
    # a saved aligner links sentences that it has not seen
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text("Jon met Anna in Paris .\n")
    other.write_text("Í París hitti Jon Anna .\n")
    assert xner("align", one, other, "-o", tmp_path / "c.links", "--model", model).code == 0
    assert {"2-4", "4-1"} <= set((tmp_path / "c.links").read_text().split())


def test_align_learns_from_more_text(bitext, tmp_path):
    source, target = bitext
    one, other = tmp_path / "one.txt", tmp_path / "other.txt"
    one.write_text("Jon met Anna in Paris .\n")
    other.write_text("Í París hitti Jon Anna .\n")
    result = xner("align", one, other, "-o", tmp_path / "x.links", "--bitext", source, target)
    assert result.code == 0, result.err
    assert {"2-4", "4-1"} <= set((tmp_path / "x.links").read_text().split())


@pytest.mark.parametrize("projector", ["heuristic", "greedy", "exact", "xner.Matching.v1"])
def test_project_with_links(tmp_path, projector):
    source, target, links = (tmp_path / n for n in ("s.iob", "t.txt", "x.links"))
    source.write_text("Anna\tB-PER\nlives\tO\nin\tO\nNew\tB-LOC\nYork\tI-LOC\n\nSaab\tB-ORG\n\n")
    target.write_text("Í New York býr Anna\nÞað\n")
    links.write_text("0-4 1-3 2-0 3-1 4-2\n\n")
    out, report = tmp_path / "t.iob", tmp_path / "x.json"
    result = xner("project", source, target, "-o", out, "--links", links, "--json", report, "-p", projector)  # fmt: skip
    assert result.code == 0, result.err
    assert out.read_text() == "Í\tO\nNew\tB-LOC\nYork\tI-LOC\nbýr\tO\nAnna\tB-PER\n\nÞað\tO\n\n"
    data = json.loads(report.read_text())
    assert [s["source"] for s in data["sentences"][0]["spans"]] == [[3, 5], [0, 1]]
    [lost] = data["sentences"][1]["unprojected"]
    assert (lost["label"], lost["reason"]) == ("ORG", "no_links")
    assert data["counts"]["not projected: no_links"] == 1
    assert "not projected: no_links: 1" in result.err


def test_project_agrees_with_the_pipeline(bitext, source_model, tmp_path):
    """The same entities through the command line and through `nlp`."""
    from tests.pipeline.test_teacher import build

    nlp = build(bitext, source_model)
    english = spacy.load(source_model)
    source, target = tmp_path / "s.iob", tmp_path / "t.txt"
    rows = []
    for s, _ in PAIRS:
        doc = english(s)
        kept = {e.start: e for e in doc.ents if e.label_ != "MISC"}
        tags = ["O"] * len(doc)
        for e in kept.values():
            tags[e.start] = f"B-{e.label_}"
        rows.append("".join(f"{t.text}\t{tag}\n" for t, tag in zip(doc, tags)))
    source.write_text("\n".join(rows) + "\n", encoding="utf8")
    target.write_text("\n".join(t for _, t in PAIRS) + "\n", encoding="utf8")
    out = tmp_path / "t.iob"
    result = xner("project", source, target, "-o", out, "--bitext", *bitext)
    assert result.code == 0, result.err
    for sentence, (_, text) in zip(read_columns(out), PAIRS):
        assert [(e.start, e.end, e.label) for e in sentence.entities] == [
            (e.start, e.end, e.label_) for e in nlp(text).ents
        ]


def test_evaluate(gold, tmp_path):
    pred, report = tmp_path / "p.iob", tmp_path / "x.json"
    pred.write_text(GOLD.replace("I-LOC", "O"))
    result = xner("evaluate", gold, pred, "--json", report)
    assert result.code == 0
    assert json.loads(report.read_text())["f1"] == 0.5
    assert "boundary 1" in result.out and "| all" in result.out


def test_evaluate_links(tmp_path):
    (tmp_path / "gold").write_text("1-1 2p2\n1-1\n")
    (tmp_path / "pred").write_text("0-0 1-1\n0-1\n")
    result = xner(
        "evaluate", tmp_path / "gold", tmp_path / "pred", "--links", "--one-indexed", "--json", tmp_path / "x.json",
    )  # fmt: skip
    assert result.code == 0 and "AER" in result.out and "2 sentence pairs, 3 links" in result.out
    rates = json.loads((tmp_path / "x.json").read_text())
    # one of two sure links found, two of three links possible: 1 - (1 + 2) / (3 + 2)
    assert rates["aer"] == pytest.approx(0.4)
    (tmp_path / "pred").write_text("0-0\n")
    assert xner("evaluate", tmp_path / "gold", tmp_path / "pred", "--links").code == 1


def test_evaluate_reads_every_form(gold, tmp_path):
    xner("convert", gold, tmp_path / "x.spacy")
    xner("convert", gold, tmp_path / "shards")
    for path in (tmp_path / "x.spacy", tmp_path / "shards"):
        out = xner("evaluate", gold, path).out
        assert re.search(r"\| all +\| 100\.0 \| 100\.0 \| 100\.0 \|", out)


def test_compare(gold, tmp_path):
    pred = tmp_path / "p.iob"
    pred.write_text(GOLD.replace("B-PER", "O"))
    result = xner("compare", gold, gold, pred, "--samples", 200, "--json", tmp_path / "x.json")
    assert result.code == 0 and "A 100.0" in result.out and "p = " in result.out
    assert json.loads((tmp_path / "x.json").read_text())["difference"] > 0


def test_report_keeps_one_section_a_key(gold, tmp_path):
    xner("evaluate", gold, gold, "--json", tmp_path / "x.json")
    page = tmp_path / "results.md"
    page.write_text("# Results\n\nBefore.\n")
    for _ in range(2):
        result = xner("report", f"mine={tmp_path / 'x.json'}", "--update", page, "--key", "k", "--command", "make x")  # fmt: skip
        assert result.code == 0
    text = page.read_text()
    assert text.count("<!-- xner: k -->") == 1 and text.count("| mine") == 1
    assert text.startswith("# Results\n\nBefore.") and "`make x`" in text
    assert xner("report", f"mine={tmp_path / 'none.json'}").code == 1


def test_init_config_sets_spacys_code(tmp_path):
    base = tmp_path / "base.cfg"
    base.write_text('[paths]\nx = null\n\n[nlp]\nlang = "xx"\nname = ${paths.x}\n')
    for lang, code in (("lug", "lg"), ("luo", "xx"), ("is", "is")):
        assert xner("init-config", base, tmp_path / "out.cfg", "--lang", lang).code == 0
        text = (tmp_path / "out.cfg").read_text()
        assert f'lang = "{code}"' in text and "${paths.x}" in text
    assert xner("init-config", base, tmp_path / "out.cfg", "--lang", "klingon").code == 1


@pytest.mark.parametrize(
    "lang, spacys, tokenizer",
    [
        ("zh", "zh", "spacy.zh.ChineseTokenizer"),
        ("zho_Hant", "zh", "spacy.zh.ChineseTokenizer"),
        ("ja", "ja", "spacy.ja.JapaneseTokenizer"),
        ("th", "th", "spacy.th.ThaiTokenizer"),
        ("ko", "ko", "spacy.ko.KoreanTokenizer"),
        ("vi", "vi", "spacy.vi.VietnameseTokenizer"),
        ("my", "xx", "xner.Syllables.v1"),
        ("bo", "bo", "xner.Syllables.v1"),
        ("is", "is", "spacy.Tokenizer.v1"),
        ("luo", "xx", "spacy.Tokenizer.v1"),
    ],
)
def test_init_config_sets_the_tokenizer_with_the_language(tmp_path, lang, spacys, tokenizer):
    out = tmp_path / "out.cfg"
    for base in BASES:
        result = xner("init-config", base, out, "--lang", lang)
        assert result.code == 0
        config = read_config(out)
        assert config["nlp"]["lang"] == spacys
        assert config["nlp"]["tokenizer"]["@tokenizers"] == tokenizer
        # And back: nothing of the other language is left.
        assert xner("init-config", out, out, "--lang", "is").code == 0
        assert read_config(out)["nlp"]["tokenizer"] == {"@tokenizers": "spacy.Tokenizer.v1"}
        assert not read_config(out).get("initialize", {}).get("tokenizer")
    if tokenizer == "xner.Syllables.v1":
        assert "written without spaces" in result.err


def test_a_chinese_sentence_is_more_than_one_token(tmp_path):
    xner("init-config", "teacher", tmp_path / "zh.cfg", "--lang", "zh")  # fmt: skip
    nlp = spacy.util.load_model_from_config(read_config(tmp_path / "zh.cfg"), auto_fill=True)
    assert len(nlp.make_doc("他在北京工作。")) == 7


def test_init_config_names_the_package_that_is_missing(tmp_path):
    for lang, package in (("ja", "udachi"), ("ko", "mecab"), ("th", "yTha"), ("vi", "yvi")):
        result = xner("init-config", "student", tmp_path / "o.cfg", "--lang", lang)
        assert result.code == 0 and (package in result.err or not choose_tokenizer(lang).note)


def test_init_config_keeps_a_tokenizer_of_ones_own(tmp_path):
    base = tmp_path / "base.cfg"
    base.write_text('[nlp]\nlang = "xx"\n\n[nlp.tokenizer]\n@tokenizers = "mine.Own.v1"\n')
    result = xner("init-config", base, tmp_path / "out.cfg", "--lang", "zh")
    assert result.code == 0 and "'mine.Own.v1'" in result.err
    assert 'mine.Own.v1"' in (tmp_path / "out.cfg").read_text()


@pytest.mark.parametrize(
    "text, message",
    [
        ("[x]\na = 1\n", "has no section [nlp]"),
        ('[nlp]\nlang = "en"\nlang = "en"\n', "option 'lang' in section 'nlp' already exists"),
        ("[nlp]\n[nlp]\n", "section 'nlp' already exists"),
        ("nlp = 5\n", "is not a config"),
        ('[nlp]\nlang = "\udcff"\n', "is not a config"),
        ("", "has no section [nlp]"),
    ],
)
def test_init_config_refuses_what_is_no_config(tmp_path, text, message):
    base, out = tmp_path / "base.cfg", tmp_path / "out.cfg"
    base.write_bytes(text.encode("utf8", "surrogateescape"))
    result = xner("init-config", base, out, "--lang", "is")
    assert result.code == 1 and message in result.err and "base.cfg" in result.err
    assert not out.exists()


def test_init_config_suggests_languages(tmp_path):
    result = xner("init-config", "student", tmp_path / "o.cfg", "--lang", "icelandc")
    assert result.code == 1 and "Did you mean isl (Icelandic)" in result.err
    assert not (tmp_path / "o.cfg").exists()


def test_info_lists_the_languages():
    result = xner("info", "--languages")
    assert result.code == 0
    rows = {line.split("|")[3].strip(): line for line in result.out.splitlines()}
    assert "xner.Syllables.v1" in rows["lao_Laoo"] and "Lao" in rows["lao_Laoo"]
    assert "spacy.zh.ChineseTokenizer" in rows["zho_Hant"]
    assert len(result.out.splitlines()) > 205


def test_info_lists_the_parts():
    result = xner("info")
    assert result.code == 0
    for name in ("xner.Lexical.v1", "xner.Matching.v1", "xner.Bitext.v1"):
        assert name in result.out


def test_a_usage_error_is_exit_code_2():
    assert xner("convert").code == 2
    assert xner("nothing").code == 2


def test_functions_raise_where_commands_print(tmp_path):
    from xner_spacy.cli.evaluate import evaluate

    with pytest.raises(XnerError):
        evaluate(tmp_path / "none.iob", tmp_path / "none.iob")


def test_import_is_light():
    code = (
        "import sys, spacy; before = set(sys.modules); import xner_spacy; "
        "new = set(sys.modules) - before; "
        "heavy = {'torch', 'scipy', 'simalign', 'transformers', 'ctranslate2', 'typer'}; "
        "found = {m.split('.')[0] for m in new} & heavy; "
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
