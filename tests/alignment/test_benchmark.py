"""The alignment benchmark's own sums and its command line."""

import json
import sys
import xml.etree.ElementTree as ET

import pytest

from benchmarks import alignment, alignment_compiled, alignment_cost, alignment_peers
from xner_spacy import native
from xner_spacy.evaluation.alignments import GoldLinks


def rows(exponent: float) -> list:
    return [
        {
            "pairs": size,
            "aligned": 100,
            "train_cpu_seconds": 1e-3 * size**exponent,
            "cpu_seconds": 1e-3 * size**exponent + 1.0,
            "peak_gib": 0.5,
        }
        for size in (10_000, 20_000, 40_000, 80_000, 160_000)
    ]


@pytest.mark.parametrize("exponent", [0.7, 1.0, 1.5])
def test_the_exponent_of_a_curve(exponent):
    result = alignment_cost.summary(rows(exponent))
    assert result["exponent_new"] == pytest.approx(exponent)
    assert result["exponent_made"] == pytest.approx(exponent)
    picture = ET.fromstring(alignment_cost.curve_svg(result))
    circles = [one for one in picture.iter() if one.tag.endswith("circle")]
    assert len(circles) == 2 * len(result["rows"])
    assert f"{exponent:.2f} up to" in "\n".join(alignment_cost.to_markdown({"curve": result}))


def test_each_part_from_one_command(monkeypatch, tmp_path, capsys):
    neural = {"pairs": 1, "rounds": 1, "threads": 1, "device": "cpu", "subwords_per_sentence": 3.0}
    row = {
        "pairs_per_second": 2.0,
        "ratio": 3.0,
        "ratio_range": [2.5, 3.5],
        "cpu_ratio": 3.1,
        "links_f1": 1.0,
        "equal_pairs": 1,
        "pairs": 1,
    }
    neural.update(itermax={"simalign": row}, mwmf={"simalign": row})
    monkeypatch.setattr(alignment.alignment_neural, "run", lambda: neural)
    monkeypatch.setattr(alignment.cost, "curve", lambda data: alignment_cost.summary(rows(1.0)))
    alignment.main(["--parts", "curve,african_f1,neural", "--out", str(tmp_path)])
    assert set(json.loads((tmp_path / "alignment.json").read_text())) == {
        "curve",
        "african_f1",
        "neural",
    }
    text = (tmp_path / "alignment.md").read_text()
    assert "| 160,000 |" in text and "| mwmf | simalign | 2.0 | 3.00 (2.50-3.50) |" in text
    assert (tmp_path / "alignment-cost.svg").is_file()
    assert "--source-model" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        alignment.main(["--parts", "curves"])
    assert "no part curves" in capsys.readouterr().err


@pytest.fixture
def tiny_gold(monkeypatch):
    pairs = [(["anna", "sees", "berlin"], ["anna", "sieht", "berlin"])] * 3
    gold = [GoldLinks({(0, 0), (1, 1), (2, 2)}, {(0, 0), (1, 1), (2, 2)})] * 2
    monkeypatch.setattr(alignment_peers, "gold_set", lambda name: (pairs[:2], gold, pairs * 4))


@pytest.mark.parametrize("name", alignment_peers.ALIGNERS)
def test_every_peer_on_tiny_input(name, tiny_gold):
    module = {"systran-align": "systran_align", "xner.Lexical.v1": "xner_spacy"}.get(name, "thot")
    pytest.importorskip(module)
    row = alignment_peers.measure(name, "de-en", 8)
    assert row["pairs"] == 8 and 0.0 <= row["aer"] <= 1.0 and row["peak_gib"] > 0
    if name == "xner.Lexical.v1":
        assert row["aer"] == 0.0


def test_a_peer_that_is_not_installed_is_left_out_with_the_reason(tiny_gold, monkeypatch, tmp_path, capsys):
    for module in ("systran_align", "thot", "thot.alignment"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.setattr(
        alignment_peers, "run", lambda names, gold, size, _: [alignment_peers.measure(n, gold, size) for n in names]
    )
    alignment_peers.main(["--pairs", "5", "--out", str(tmp_path)])
    own, *others = json.loads((tmp_path / "alignment-peers.json").read_text())
    assert own["aer"] == 0.0 and all("is not installed" in row["left_out"] for row in others)
    assert "| sil-thot, IBM 4 | 5 | left out: thot" in capsys.readouterr().out


def test_pairs_behind_the_end_of_the_bitext_are_all_different(tmp_path):
    lines = {lang: [f"{lang}{n}a {lang}{n}b {lang}{n}c {lang}{n}d" for n in range(12)] for lang in ("en", "de")}
    for lang, text in lines.items():
        (tmp_path / f"bitext.{lang}").write_text("\n".join(text) + "\n", encoding="utf8")
    pairs = list(alignment_cost.bitext(tmp_path, 100))
    assert len(pairs) == 100 and len({(*source, *target) for source, target in pairs}) == 100
    assert [" ".join(source) for source, _ in pairs[:12]] == lines["en"]
    for source, target in pairs:
        assert len(source) == 4 and [word.replace("en", "de") for word in source] == target
    assert pairs == list(alignment_cost.bitext(tmp_path, 100))
    assert len(list(alignment_cost.bitext(tmp_path, 5))) == 5


@pytest.mark.skipif(native.LIBRARY is None, reason="this installation has no compiled part")
def test_both_paths_of_a_few_pairs(tmp_path):
    folder = tmp_path / "bitext" / "en-de"
    folder.mkdir(parents=True)
    for lang in ("en", "de"):
        lines = (" ".join(f"{lang}{(k * j) % 17}" for j in range(1, 14)) for k in range(40))
        (folder / f"bitext.{lang}").write_text("\n".join(lines) + "\n", encoding="utf8")
    result = alignment_compiled.run(tmp_path, 40, 1)
    assert [row["path"] for row in result["rows"]] == ["compiled", "NumPy"]
    assert result["links"] > 40 and result["other_links"] == 0 and result["largest_difference"] <= 1e-5
    assert f"{result['links']:,} links; pairs with other links: 0" in alignment_compiled.to_markdown(result)
