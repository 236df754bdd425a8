"""The published report of a study: one page, its Markdown twin, every figure as SVG and CSV."""

from collections import Counter
from pathlib import Path
from typing import Any, List, Sequence, Union

from ..report.figure import Figure, Section, Table, Value
from ..report.render import write_page
from ..types import Json
from .caveats import limits, unknown
from .estimates import (
    contrasts,
    designs,
    iso_lines,
    mirrored,
    rates,
    slopes,
    spread,
    tenfolds,
    variance,
)
from .figures import against_teacher, by_language, measured
from .rows import ARM_NAMES, DONE, Row
from .tables import fit_table, key_figures, robustness_table
from .view import View
from .words import QUESTION, answer, arms_table, worth

Item = Union[Figure, Table, None]


def write_report(rows: Sequence[Row], analysis: Json, meta: Json, folder: Path) -> List[Path]:
    """Write the report of a study. The same rows, analysis and meta give the same bytes.

    rows (Sequence[Row]): The results. analysis (Json): Of `study.analysis.analyse`, of these rows.
    meta (Json): "title", "languages" (names by code), "command" and "report_command" (that make the
        rows and the report again), "signature" (versions, hashes), "limits" (sentences), "config"
        (name of the file, or its text), "question" (the study's by default).
    folder (Path): Gets `index.html`, `README.md` and `figures/`.
    RETURNS (List[Path]): The files written.
    """
    view = View(analysis, meta["languages"])
    return write_page(
        folder,
        title=meta["title"],
        question=meta.get("question") or QUESTION,
        sections=sections(view, rows, meta),
        footer=f"{len(rows):,} rows of results; made by {meta['report_command']}.",
    )


def sections(view: View, rows: Sequence[Row], meta: Json) -> List[Section]:
    """RETURNS (List[Section]): The parts of the report in order; a part without content is left out."""
    languages = by_language(view)
    parts = [
        Section(
            "answer",
            "The answer",
            answer(view),
            items=_known(key_figures(view)),
            bullets_title="What would change it",
            bullets=[*limits(view, rows), *meta["limits"]],
        ),
        Section(
            "measured",
            "What was measured",
            items=[arms_table(view), *measured(view)] if view.arms else [],
        ),
        Section("teacher", "Students against their teachers", items=[*against_teacher(view)]),
        Section(
            "ratio",
            "Ratio, total and marginal rates",
            [
                "A ratio by itself says little, because the total changes with it. Here the fitted "
                "surface is read along lines of one total and of one ratio, and for what more sentences "
                "of either kind bring.",
                *filter(None, [worth(view)]),
            ],
            items=_known(
                tenfolds(view),
                iso_lines(view, "total"),
                iso_lines(view, "ratio"),
                mirrored(view),
                rates(view),
                fit_table(view),
            ),
        ),
        Section(
            "robustness",
            "Robustness",
            items=_known(robustness_table(view), spread(view), slopes(view), variance(view)),
        ),
        Section("arms", "Arms and designs", items=_known(contrasts(view), designs(view))),
        Section(
            "languages",
            "Language by language",
            groups=[
                Section(f"language-{lang}", view.language(lang), items=[*figures])
                for lang, figures in languages.items()
            ],
            group_title="Language",
        ),
        _missing(view, rows),
        _made(rows, meta),
    ]
    return [p for p in parts if p.paragraphs or p.bullets or p.items or p.groups or p.listings]


def _known(*items: Item) -> List[Union[Figure, Table]]:
    return [item for item in items if item is not None]


def _missing(view: View, rows: Sequence[Row]) -> Section:
    """RETURNS (Section): Cells that failed, and what could not be estimated."""
    failed = [row for row in rows if row.status != DONE]
    count = len(rows) - len(failed)
    text = f"{count:,} of {len(rows):,} cells were measured. "
    text += "No cell failed." if not failed else f"{len(failed):,} failed; they are in no mean."
    items: List[Union[Figure, Table]] = []
    if failed:
        lines: List[List[Value]] = [
            [
                ARM_NAMES[row.arm],
                view.language(row.lang),
                row.n_source,
                row.n_target,
                row.seed,
                row.draw,
                row.reason,
            ]
            for row in sorted(failed, key=lambda row: row.order)
        ]
        columns = ["arm", "language", "n_source", "n_target", "seed", "draw", "reason"]
        items.append(Table("Cells that failed", columns, lines))
    reasons = unknown(view)
    title = "What could not be estimated" if reasons else ""
    return Section("missing", "What is missing", [text], title, reasons, items)


def _made(rows: Sequence[Row], meta: Json) -> Section:
    """RETURNS (Section): Where the rows come from and how the page is made again."""
    machines = Counter(row.machine for row in rows if row.status == DONE and row.machine)
    hours = sum(row.seconds for row in rows) / 3600
    text = f"The cells took {hours:.1f} hours of processor time"
    if machines:
        text += f" on {', '.join(sorted(machines))}"
    signature = Table("Signature", ["what", "value"], [[name, _flat(v)] for name, v in meta["signature"].items()])
    listings = [
        ("The command that makes the rows", meta["command"]),
        ("The command that makes this page from the rows", meta["report_command"]),
        ("The config of the study", meta["config"].strip()),
    ]
    return Section(
        "made",
        "How it was made",
        [
            f"{text}. Every figure on this page comes from the rows of results.csv. What is computed "
            "from them, and how often the intervals hold, is written in docs/study-methods.md."
        ],
        items=[signature],
        listings=listings,
    )


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(_flat(part) for part in value)
    return str(value)
