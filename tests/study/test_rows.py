"""The table of results: what it can't hold is refused with its line, text in it is no formula."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.study.report_rows import grid_rows
from xner_spacy.errors import InputError
from xner_spacy.study.design.rows import COLUMNS, OLD_COLUMNS, read_rows, to_csv, write_rows

ROWS = sorted(grid_rows(["lug"], ["hard"], [320, 1000], [100], [(0, 0)]), key=lambda row: row.order)


def test_there_and_back(tmp_path: Path) -> None:
    rows = [
        replace(ROWS[0], reason="=cmd|' /C calc'!A0\nx", status="failed", f1=None),
        replace(ROWS[1], f1=0.72727, minus_teacher=-0.5, machine="@SUM(1)"),
    ]
    path = tmp_path / "results.csv"
    write_rows(path, rows)
    assert read_rows(path) == rows
    text = path.read_text()
    assert "'=cmd" in text and "'@SUM" in text and ",-0.5," in text and ",0.72727," in text


def cell(name: str, value: str) -> bytes:
    lines = to_csv(ROWS).split("\n")
    values = lines[2].split(",")
    values[COLUMNS.index(name)] = value
    return "\n".join([*lines[:2], ",".join(values), *lines[3:]]).encode("utf8")


GOOD = to_csv(ROWS).encode("utf8")


@pytest.mark.parametrize(
    "data, line, part",
    [
        (GOOD + b"\xff\n", 4, "is not UTF-8"),
        (cell("reason", "x" * 140_000), 3, "field larger than field limit"),
        (cell("f1", "nan"), 3, "no usable f1: 'nan'"),
        (cell("f1", "1e999"), 3, "no usable f1"),
        (cell("f1", "45.5"), 3, "no usable f1"),
        (GOOD + GOOD.split(b"\n")[1] + b"\n", 4, "is the cell of line 2 again"),
        (cell("seed", "9" * 5000), 3, "no usable seed"),
        (cell("seed", "-1"), 3, "no usable seed"),
        (cell("seconds", ""), 3, "no usable seconds"),
        (cell("lang", "../../x"), 3, "no code of a language"),
        (cell("lang", '"a b"'), 3, "no code of a language"),
        (cell("arm", "none"), 3, "unknown arm"),
        (GOOD + b"main,lug\n", 4, "has 2 values"),
        (GOOD.replace(b"\n", b",x\n").replace(b",x\n", b"\n", 1), 2, f"has {len(COLUMNS) + 1} values"),
        (b"", 1, "is not a table of study results"),
        (b'"', 1, "is not a table of study results"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, data: bytes, line: int, part: str) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(data)
    with pytest.raises(InputError) as error:
        read_rows(path)
    assert error.value.line == line and part in error.value.message, error.value.message


def test_a_table_from_before_students_had_a_bias(tmp_path: Path) -> None:
    new = len(COLUMNS) - len(OLD_COLUMNS)
    assert new == 4
    path = tmp_path / "results.csv"
    path.write_text(
        "\n".join(",".join(line.split(",")[:-new]) for line in GOOD.decode("utf8").splitlines()) + "\n", "utf8"
    )
    assert path.read_text("utf8").startswith(",".join(OLD_COLUMNS))
    assert read_rows(path) == ROWS


def test_a_bias_there_and_back(tmp_path: Path) -> None:
    rows = [replace(ROWS[0], bias=0.75, f1_bias_0=0.25, f1_bias_2=0.5), ROWS[1]]
    path = tmp_path / "results.csv"
    write_rows(path, rows)
    assert read_rows(path) == rows
    path.write_text(path.read_text("utf8").replace("0.75,0.25", "-1,0.25"), "utf8")
    with pytest.raises(InputError, match="no usable bias"):
        read_rows(path)


def test_a_table_that_a_spreadsheet_has_saved(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"))
    assert read_rows(path) == ROWS
