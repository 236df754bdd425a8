"""`xner convert`: its options are honoured or refused, and it says what it leaves out."""

import gzip
import json
import re
import subprocess
import sys

import pytest
import spacy
from spacy.tokens import Doc, DocBin, Span

from tests.cli.helpers import xner
from tests.conftest import ROOT
from xner_spacy.cli.convert import FORMATS
from xner_spacy.corpora.docs import make_doc, read_docs, write_docbin
from xner_spacy.languages import blank_vocab
from xner_spacy.types import Entity

IOB = "Ada\tB-PER\nbor\tO\ni\tO\nOslo\tB-LOC\n\nHej\tO\n\n"


@pytest.fixture()
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.iob").write_text(IOB, encoding="utf8")
    return tmp_path


def put(folder, name, text):
    (folder / name).write_text(text, encoding="utf8")


def test_conll2003_by_one_option(folder):
    put(folder, "x.conll", "-DOCSTART- -X- O O\n\nPeru NNP I-NP I-LOC\nChile NNP I-NP B-LOC\n")
    refused = xner("convert", "x.conll", "o.iob", "--from", "conll")
    assert refused.code == 1 and "--scheme iob1" in refused.err
    refused = xner("convert", "x.conll", "o.iob", "--from", "iob1")
    assert refused.code == 1 and "conll2003" in refused.err
    for options in (["--from", "conll2003"], ["--from", "conll", "--scheme", "IOB1"]):
        result = xner("convert", "x.conll", "o.iob", *options)
        assert result.code == 0 and "lines left out: -DOCSTART-: 1" in result.err
        assert (folder / "o.iob").read_text() == "Peru\tB-LOC\nChile\tB-LOC\n\n"


def test_columns_scheme_and_comments_by_option(folder):
    put(folder, "x", "# from here\nS-LOC x Oslo\nO x ligger\n")
    for token, tag in (("3", "1"), ("-1", "-3")):
        columns = ["--token-column", token, "--tag-column", tag]
        result = xner("convert", "x", "o.iob", *columns, "--scheme", "bioes", "--comments")
        assert result.code == 0, result.err
        assert "lines left out: comments: 1" in result.err
        assert (folder / "o.iob").read_text() == "Oslo\tB-LOC\nligger\tO\n\n"


@pytest.mark.parametrize(
    "options, said",
    [
        (["--limit", "-1"], "--limit"),
        (["--shard-size", "0"], "--shard-size"),
        (["--scheme", "iob3"], "iob3"),
        (["--from", "conl"], "conl"),
        (["--token-column", "0"], "columns count from 1"),
        (["--target", "in.iob"], "--target has no effect with the layout iob2"),
        (["--source-lang", "en"], "--source-lang has no effect"),
        (["--tokenized"], "--tokenized has no effect"),
        (["--shard-size", "3"], "--shard-size has no effect on o.iob"),
        (["--from", "docbin"], "is not a DocBin"),
        (["--from", "bitext"], "--target"),
        (["--labels", "PER"], "in.iob:1: unknown label 'LOC'"),
        (["--label-map", "conll", "--labels", "PER,ORG"], "unknown label 'LOC'"),
        (["--labels", ""], "has an empty label"),
    ],
)
def test_an_option_is_honoured_or_refused(folder, options, said):
    result = xner("convert", "in.iob", "o.iob", *options)
    assert result.code in (1, 2) and said in result.err, result.err
    assert not (folder / "o.iob").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--scheme", "iob2"],
        ["--token-column", "1"],
        ["--comments"],
        ["--numbered"],
        ["--repair"],
        ["--missing", "skip"],
        ["--spaces", "replace"],
        ["--join-sentences"],
    ],
)
def test_options_of_other_forms_are_refused_for_docbins(folder, options):
    write_docbin(folder / "x.spacy", [make_doc(blank_vocab("xx"), ["a"])])
    result = xner("convert", "x.spacy", "o.spacy", *options)
    assert result.code == 1 and f"{options[0]} has no effect" in result.err
    assert not (folder / "o.spacy").exists()


def test_labels_of_a_docbin_are_checked(folder):
    put(folder, "x.iob", "Peru\tB-LOC\n\nFIFA\tB-ORGG\n")
    assert xner("convert", "x.iob", "x.spacy").code == 0
    result = xner("convert", "x.spacy", "o.spacy", "--labels", "LOC,ORG")
    assert result.code == 1
    assert "x.spacy: sentence 2: unknown label 'ORGG'; expected LOC, ORG" in result.err
    assert not (folder / "o.spacy").exists()


def test_labels_are_those_after_the_map(folder):
    put(folder, "x.iob", "Peru\tB-GPE_LOC\nspill\tB-EVT\n")
    result = xner("convert", "x.iob", "o.iob", "-m", "norne", "--labels", "PER, LOC")
    assert result.code == 0 and "dropped EVT: 1" in result.err
    assert (folder / "o.iob").read_text() == "Peru\tB-LOC\nspill\tO\n\n"


@pytest.mark.parametrize("lang", ["vi", "ja", "th", "ko", "zh", "my"])
def test_tokens_need_no_tokenizer(folder, lang):
    put(folder, "x.iob", "Hà Nội\tB-LOC\nđẹp\tO\n")
    assert xner("convert", "x.iob", "o.spacy", "-l", lang).code == 0
    assert xner("convert", "o.spacy", "o.iob", "-l", lang).code == 0
    assert (folder / "o.iob").read_text(encoding="utf8") == "Hà Nội\tB-LOC\nđẹp\tO\n\n"
    put(folder, "a", "x y\n")
    put(folder, "b", "ほん です\n")
    options = ["--from", "bitext", "--target", "b", "-l", lang, "--source-lang", "ja"]
    assert xner("convert", "a", "o.spacy", *options, "--tokenized").code == 0
    [doc] = read_docs("o.spacy", blank_vocab("xx"))
    assert [t.text for t in doc] == ["ほん", "です"]
    assert [t.text for t in doc._.xner_source] == ["x", "y"]


def test_attributes_are_kept(folder):
    doc = Doc(blank_vocab("en"), words=["I", "love", "Oslo"], tags=["P", "V", "N"], lemmas=["i", "l", "o"])
    doc.set_ents([Span(doc, 2, 3, "GPE", kb_id="Q585", span_id="x")])
    DocBin(docs=[doc], store_user_data=True).to_disk("x.spacy")
    assert xner("convert", "x.spacy", "o.spacy", "-m", "ontonotes").code == 0
    [found] = DocBin().from_disk("o.spacy").get_docs(spacy.blank("en").vocab)
    token = found[2]
    assert (token.tag_, token.lemma_, token.ent_id_, token.ent_kb_id_, token.ent_type_) == (
        *("N", "o", "x", "Q585", "LOC"),
    )  # fmt: skip
    result = xner("convert", "x.spacy", "o.iob")
    for what in ("TAG of tokens: 3", "LEMMA of tokens: 3", "ENT_ID of entities: 1"):
        assert f"not kept by .iob: {what}" in result.err


def test_missing_values_are_refused_unless_told(folder):
    doc = make_doc(blank_vocab("xx"), ["a", "b"], [Entity(0, 1, "X")])
    doc.set_ents([], missing=[doc[1:2]], default="unmodified")
    write_docbin(folder / "x.spacy", [doc])
    result = xner("convert", "x.spacy", "o.iob")
    assert result.code == 1 and "x.spacy: sentence 1 " in result.err
    assert "--missing outside" in result.err
    result = xner("convert", "x.spacy", "o.iob", "--missing", "outside")
    assert result.code == 0 and "missing values written as O: 1" in result.err


def test_empty_pairs_of_a_bitext_are_counted(folder):
    put(folder, "a", "x y\n\nz\n\n")
    put(folder, "b", "u v\n\nw\nq\n")
    result = xner("convert", "a", "o.spacy", "--from", "bitext", "--target", "b")
    assert result.code == 0 and "2 sentences in o.spacy" in result.err
    assert "lines left out: empty on both sides: 1" in result.err
    assert "lines left out: empty on one side: 1" in result.err


def test_a_pair_of_a_million_characters_is_counted_with_its_line(folder, caplog):
    put(folder, "a", "x\n" + "a " * 500_001 + "\n")
    put(folder, "b", "y\nz\n")
    result = xner("convert", "a", "o.spacy", "--from", "bitext", "--target", "b")
    assert result.code == 0 and "1 sentences in o.spacy" in result.err
    assert "sentences left out: over 1,000,000 characters: 1" in result.err
    assert "a:2: sentences left out" in caplog.text


def test_empty_sentences(folder):
    put(folder, "x.txt", "a b\n\nc\n")
    assert xner("convert", "x.txt", "x.spacy", "--from", "txt").code == 0
    assert xner("convert", "x.spacy", "o.txt").code == 0
    assert (folder / "o.txt").read_text() == "a b\n\nc\n"
    result = xner("convert", "x.spacy", "o.iob", "--missing", "outside")
    assert "sentences left out: without tokens: 1" in result.err
    assert (folder / "o.iob").read_text() == "a\tO\nb\tO\n\nc\tO\n\n"
    assert "2 sentences in o.iob" in result.err
    assert xner("convert", "o.iob", "back.spacy").code == 0


def test_prodigy_and_doccano(folder):
    prodigy = {"text": "Eva left Rome.", "spans": [{"start": 9, "end": 13, "label": "LOC"}]}
    doccano = {"text": "Eva left Rome.", "label": [[9, 13, "LOC"]]}
    for name, record in (("prodigy", prodigy), ("doccano", doccano)):
        put(folder, "x.jsonl", json.dumps(record) + "\n")
        for options in ([], ["--from", name], ["--from", "jsonl"]):
            assert xner("convert", "x.jsonl", "o.iob", *options).code == 0
            assert (folder / "o.iob").read_text() == "Eva\tO\nleft\tO\nRome\tB-LOC\n.\tO\n\n"
    put(folder, "x.json", "[]")
    assert "--from labelstudio" in xner("convert", "x.json", "o.iob").err


def test_packed_files(folder):
    assert xner("convert", "in.iob", "x.iob.gz").code == 0
    assert gzip.decompress((folder / "x.iob.gz").read_bytes()).decode() == IOB
    assert xner("convert", "x.iob.gz", "o.txt.gz").code == 0
    assert gzip.decompress((folder / "o.txt.gz").read_bytes()) == b"Ada bor i Oslo\nHej\n"
    (folder / "x.iob.gz").write_bytes((folder / "x.iob.gz").read_bytes()[:-9])
    result = xner("convert", "x.iob.gz", "o.spacy")
    assert result.code == 1 and "is a gzip file that is cut short or broken" in result.err
    assert not (folder / "o.spacy").exists()


def test_pipes_and_standard_streams(folder):
    command = f"{sys.executable} -m xner_spacy convert"
    script = (
        f"cat in.iob | {command} - - --to iob | cmp - in.iob && "
        f"{command} <(cat in.iob | gzip) o.txt && {command} in.iob /dev/stdout --to txt | cmp - o.txt && "
        f"{command} in.iob >(cat > p.iob) --to iob"
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "o.txt").read_text() == "Ada bor i Oslo\nHej\n"
    for out in ("-", "/dev/null", "x.foo"):
        result = xner("convert", "in.iob", out)
        assert result.code == 1 and "form" in result.err


@pytest.mark.parametrize(
    "data, hint",
    [
        (DocBin().to_bytes(), "DocBin: give it the ending .spacy"),
        ("Ada\tO\n".encode("utf-16"), "iconv -f UTF-16"),
        (b"PK\x03\x04\xff", "zip"),
        (b"\x00\xff\xfe\x01", "no text file"),
        (b"J\xf3n\tO\n", "iconv -f ISO-8859-1"),
    ],
)
def test_hints_lead_somewhere(folder, data, hint):
    (folder / "x").write_bytes(data)
    result = xner("convert", "x", "o.iob")
    assert result.code == 1 and hint in result.err, result.err
    assert ("iconv" in result.err) == ("iconv" in hint)


@pytest.mark.parametrize(
    "name, text",
    [
        ("train.txt", "París B-LOC\n"),
        ("train.txt", "La O\nde O\n\nParís B-LOC\n"),
        ("train.txt", "La\tDET\tO\nParís\tPROPN\tS-LOC\n"),
        ("x.json", '[{"text": "a"}]\n'),
        ("x.csv", "text\na\n"),
        ("x.conllu", "1\ta\n"),
    ],
)
def test_what_is_no_text_is_not_annotated(folder, name, text):
    spacy.blank("xx").to_disk("model")
    put(folder, name, text)
    result = xner("annotate", "model", name, "out")
    assert result.code == 1 and name in result.err and ".txt" in result.err + " .txt"
    assert "convert" in result.err or "Save its texts" in result.err
    assert not list(folder.glob("out/*.spacy"))


def test_a_text_is_annotated(folder):
    spacy.blank("xx").to_disk("model")
    put(folder, "x.txt", "Vitamin B-12\nBlood group O\nLa vita\n")
    assert xner("annotate", "model", "x.txt", "out").code == 0
    (folder / "y.txt").write_bytes(b"\xef\xbb\xbfAda\r\nBo\r\n")
    assert xner("annotate", "model", "y.txt", "out2").code == 0
    assert [d.text for d in read_docs("out2", blank_vocab("xx"))] == ["Ada", "Bo"]
    (folder / "z.txt.gz").write_bytes(gzip.compress(b"Ada\n"))
    result = xner("annotate", "model", "z.txt.gz", "out3")
    assert result.code == 1 and "gzip" in result.err


def test_project_writes_the_form_of_its_output(folder):
    put(folder, "t.txt", "Ada býr í Ósló\nHæ\n")
    put(folder, "l", "0-0 1-1 2-2 3-3\n0-0\n")
    common = ["project", "in.iob", "t.txt", "--links", "l", "-o"]
    assert xner(*common, "o.iob").code == 0
    assert xner(*common, "o.spacy").code == 0
    found = list(read_docs("o.spacy", blank_vocab("xx")))
    assert [[(e.text, e.label_) for e in doc.ents] for doc in found] == [
        [("Ada", "PER"), ("Ósló", "LOC")],
        [],
    ]
    assert xner("convert", "o.spacy", "o2.iob").code == 0
    assert (folder / "o2.iob").read_bytes() == (folder / "o.iob").read_bytes()
    for name, said in (("o.xyz", "no form of corpus"), ("o.txt", ".txt holds no entities")):
        result = xner(*common, name)
        assert result.code == 1 and said in result.err
        assert not (folder / name).exists()
    assert xner(*common, "/dev/null").code == 0
    assert xner("convert", "in.iob", "in.spacy").code == 0
    assert xner("project", "in.spacy", *common[2:], "o3.iob").code == 0
    assert (folder / "o3.iob").read_bytes() == (folder / "o.iob").read_bytes()


def test_the_page_names_every_layout_and_option():
    page = (ROOT / "docs" / "formats.md").read_text(encoding="utf8")
    for layout in FORMATS:
        assert f"`{layout}`" in page or f"--from {layout}" in page or layout in ("jsonl", "docbin")
    options = set(re.findall(r"--[a-z][a-z-]+", xner("convert", "--help").out))
    assert options - set(re.findall(r"--[a-z][a-z-]+", page)) <= {
        *("--help", "--limit", "--shard-size", "--source-lang"),
    }
