"""The alignment benchmark's own sums and its command line."""

import json
import xml.etree.ElementTree as ET

import pytest

from benchmarks import alignment, alignment_cost


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
    assert result["exponent_repeated"] == pytest.approx(exponent)
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
