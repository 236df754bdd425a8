"""The published report of a study: one page, the same as Markdown, and every figure as SVG and CSV.

Its text is in `templates/study.md`; the numbers are computed here.
"""

from itertools import product
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

import pandas as pd

from ...report.charts import with_interval
from ...report.document import Table, write_page
from ...types import Json
from ..analysis.analyse import Analysis, main_design
from ..analysis.compact import compact
from ..analysis.intervals import ALL, CELL, VARIANCE, measured
from ..analysis.ratios import best_ratios, equal_rates
from ..design.rows import ARMS, DONE
from .answer import answer_of, surfaces_json
from .calculator import calculator
from .findings import finding_table, findings_json, plain
from .study_figures import ARM_NAMES, DESCRIPTIONS, SHORT, View, make_figures, of_grid, only, records
from .wording import ALIKE, THESE, ratio, with_word

MAIN_ARMS = ("hard", "soft")
FORM_NAMES = {
    "plane": "plane",
    "interaction": "plane with interaction",
    "quadratic": "quadratic",
    "power": "power law",
}
FILTERS: Dict[str, Callable[..., str]] = {
    # Means are about the languages that were measured; gains and differences about languages like them.
    "points": lambda e, word=THESE: with_word(e, word, scale=100),
    "gain": lambda e, word=ALIKE: with_word(e, word, signs=True, scale=100),
    "percent": lambda e, word=ALIKE: with_word(e, word, digits=0, scale=100),
    "sentences": lambda e, word=ALIKE: with_word(e, word, digits=0),
    "ratio": ratio,
    # Two digits: what is read off a curve is no more exact.
    "rough": lambda n: f"{float(f'{n:.2g}'):,.0f}",
    "size": lambda e: f"{e['n_source']:,} labelled" + (f" and {e['n_target']:,} translated" if e["n_target"] else ""),
    "listed": lambda parts: " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])),
}


def write_report(analysis: Analysis, meta: Json, folder: Path) -> List[Path]:
    """Write the report of a study. The same analysis and meta give the same bytes.

    analysis (Analysis): The estimates. meta (Json): "title", "languages" (names by code), "command" and
        "report_command" (which reproduce the rows and the report), "signature" (versions, hashes), "limits"
        (sentences), "config" (name of the file, or its text), "question" (by default that of the study), "cells" (how
        many the design has, by block; by default those of the rows).
    folder (Path): The folder for `index.html`, `README.md` and `figures/`.
    RETURNS (List[Path]): The files written.
    """
    view = View(analysis, meta["languages"])
    arms = {arm: arm_facts(view, arm) for arm in ARMS if arm in set(analysis.means["arm"])}
    known = facts(view, arms, meta.get("cells", {}))
    best = known["best"]
    parts: Dict[str, Any] = {**make_figures(view), **make_tables(view, arms, meta)}
    if best and best["answer"]:
        data = compact(analysis.surfaces[best["arm"]])
        parts["calculator"] = calculator(analysis.surfaces[best["arm"]], data, best["answer"]["total"])
    return write_page(
        folder,
        "xner_spacy.study.page",
        "study.md",
        title=meta["title"],
        parts=parts,
        values={"question": "", **meta, **known},
        filters=FILTERS,
        footer=f"{len(analysis.rows):,} rows of results; made by {meta['report_command']}.",
        results={
            "answer": plain({"arm": best["arm"], **best["answer"]}) if best and best["answer"] else None,
            "hypotheses": findings_json(analysis.hypotheses),
            "surfaces": surfaces_json(analysis),
        },
    )


def facts(view: View, arms: Mapping[str, Dict[str, Any]], cells: Optional[Mapping[str, int]] = None) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The numbers in the text. `best` is the main arm with the best F1 with most data. cells
    (Optional[Mapping[str, int]]): See `write_report`.
    """
    analysis = view.analysis
    rows, done = analysis.rows, measured(analysis.rows)
    main_arms = [arms[arm] for arm in MAIN_ARMS if arm in arms] or list(arms.values())[:1]
    unknown: Dict[Tuple[str, str], List[str]] = {}
    for what, arm, reason in analysis.unknown:
        unknown.setdefault((what, reason.rstrip(".")[:1].lower() + reason.rstrip(".")[1:]), []).append(SHORT[arm])
    return {
        "best": max(main_arms, key=lambda arm: arm["corners"][-1]["value"], default=None),
        "soft_minus_hard": _first(analysis.contrasts, a="soft", b="hard", lang=ALL, n_source=0, design="steps"),
        "designs": next((_first(analysis.designs, arm=arm, lang=ALL, n_source=0) for arm in view.target_arms), None),
        "designs_arm": SHORT[view.target_arms[0]] if view.target_arms else "",
        "sizes": {name: sorted(set(rows[f"n_{name}"]) - {0}) for name in ("source", "target")},
        "replicates": _replicates(only(done, block="main")),
        "untranslated": [
            view.language(lang) for lang in view.languages if lang not in view.arm_languages.get("teacher", [lang])
        ],
        "form_names": {**FORM_NAMES, "mean": "mean of the language alone"},
        "unknown": [(what, arms, reason) for (what, reason), arms in unknown.items()],
        "tested": bool(finding_table(analysis.hypotheses)),
        "rows": len(rows),
        "planned": max(len(rows), sum((cells or {}).values())),
        "failed": int((rows["status"] != DONE).sum()),
        "hours": _seconds(rows) / 3600,
        "machines": sorted(set(done["machine"]) - {""}),
        "languages": [(lang, view.language(lang)) for lang in view.languages],
    }


def _replicates(rows: pd.DataFrame) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): The fewest and the most replicates of a cell; empty without rows."""
    counts = rows.groupby(["arm", *CELL], observed=True).size()
    return {"least": int(counts.min()), "most": int(counts.max())} if len(counts) else {}


def _seconds(rows: pd.DataFrame) -> float:
    """RETURNS (float): The processor time of all jobs; several cells may come from one of them."""
    shared = rows["job"].ne("") & rows.duplicated("job")
    return float(rows.loc[~shared, "seconds"].sum())


def arm_facts(view: View, arm: str) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): What the answer says about an arm; unknown values are None or empty lists."""
    analysis = view.analysis
    means = only(analysis.means, arm=arm, lang=ALL)
    means = means[means["block"].ne(VARIANCE) | means["block"].eq(VARIANCE).all()]
    design = main_design(sorted(means["design"].unique()))
    means = of_grid(only(means, design=design)).drop_duplicates(["quantity", "n_source", "n_target"])
    cells = {name: records(part) for name, part in means.groupby("quantity")}
    by_size = {(cell["n_source"], cell["n_target"]): cell for cell in cells["f1"]}
    extremes = [sorted({min(sizes), max(sizes)}) for sizes in zip(*by_size, strict=True)]
    tenfolds = only(analysis.tenfolds, arm=arm, design=design)
    languages = tenfolds[tenfolds["lang"] != ALL].sort_values(["value", "lang"])
    surface = analysis.surfaces.get(arm)
    ratios = best_ratios(surface) if surface else []
    # Show the first, the last and one between.
    shown_ratios = ratios if len(ratios) <= 3 else [ratios[0], ratios[round((len(ratios) - 1) / 2)], ratios[-1]]
    robust = _first(analysis.robustness, arm=arm, design="steps")
    comparisons = {name: cells[f"minus_{name}"] for name in ("teacher", "transfer") if f"minus_{name}" in cells}
    return {
        "name": SHORT[arm],
        "languages": len(view.arm_languages.get(arm, [])),
        "corners": [by_size[size] for size in product(*extremes) if size in by_size],
        "tenfold": {
            name: _first(tenfolds, coefficient=name, lang=ALL)
            for name in ("source", "target", "source_minus_target", "interaction")
        },
        "between": {
            kind: [(line["value"], view.language(line["lang"])) for line in records(part)]
            for kind, part in languages.groupby("coefficient")
            if len(part) > 1 and kind in ("source", "target")
        },
        "ratios": shown_ratios,
        "all_ratios": ratios,
        "arm": arm,
        "answer": answer_of(analysis, arm),
        "rates": equal_rates(surface) if surface else [],
        "robust": robust,
        "worst": view.language(robust["worst"]) if robust else "",
        "against": {
            name: (min(cells, key=lambda cell: cell["value"]), max(cells, key=lambda cell: cell["value"]))
            for name, cells in comparisons.items()
        },
        "shares": records(only(analysis.components, arm=arm)),
        "errors": surface.errors if surface else {},
        "form": FORM_NAMES[surface.form] if surface else "",
    }


def _first(data: pd.DataFrame, **wanted: Any) -> Optional[Dict[str, Any]]:
    """RETURNS (Optional[Dict[str, Any]]): The first line of a frame with these values."""
    return next(iter(records(only(data, **wanted).head(1))), None)


def make_tables(view: View, arms: Mapping[str, Dict[str, Any]], meta: Json) -> Dict[str, Table]:
    """RETURNS (Dict[str, Table]): The tables, by the names that the text refers to; it has their captions too."""
    analysis = view.analysis
    points, gain = FILTERS["points"], FILTERS["gain"]
    key = [
        {
            "arm": arm_values["name"],
            "languages": arm_values["languages"],
            f"F1, smallest sizes ({THESE})": points(arm_values["corners"][0], ""),
            f"F1, largest sizes ({THESE})": points(arm_values["corners"][-1], ""),
            f"tenfold source ({ALIKE})": gain(arm_values["tenfold"]["source"] or {}, ""),
            f"tenfold target ({ALIKE})": gain(arm_values["tenfold"]["target"] or {}, ""),
            f"sd, run to run ({ALIKE})": points(arm_values["robust"] or {}, ""),
        }
        for arm, arm_values in ((arm, arms[arm]) for arm in view.target_arms)
        if arm not in view.one_cell
    ]
    robustness = [
        {
            "arm": SHORT[line["arm"]],
            "design": line["design"],
            "languages": line["languages"],
            f"sd over replicates ({ALIKE})": points(line, ""),
            "worst language": view.language(line["worst"]),
            "its F1": 100 * line["worst_f1"],
            "behind the mean": 100 * line["gap"],
            **{
                f"sd times, tenfold {name}": with_interval(analysis.trends[line["arm"]].get(name, {}), 2)
                if line["design"] == "steps"
                else "–"
                for name in ("source", "target")
            },
        }
        for line in records(analysis.robustness)
    ]
    fits = []
    for arm, surface in analysis.surfaces.items():
        for lang, one in {ALL: surface, **analysis.by_language.get(arm, {})}.items():
            fit = {"arm": SHORT[arm], "language": view.language(lang), "form": FORM_NAMES[one.form]}
            chosen = [f"{FORM_NAMES[form]} {share:.0%}" for form, share in one.chosen.items() if share > 0]
            errors = {FORM_NAMES.get(name, "mean alone"): 100 * error for name, error in one.errors.items()}
            fits.append({**fit, **errors, "chosen in samples": ", ".join(chosen)})
    failed = analysis.rows[analysis.rows["status"] != DONE]
    failed = failed.assign(arm=failed["arm"].map(ARM_NAMES).astype(str), language=failed["lang"].map(view.language))
    tables: Dict[str, Any] = {
        "key": key,
        "one-cell": [
            {"arm": SHORT[arm], "size": FILTERS["size"](cell), f"F1 ({THESE})": points(cell, ""), **_against(view, arm)}
            for arm in view.one_cell
            for cell in arms[arm]["corners"][:1]
        ],
        "arms": [
            {"arm": ARM_NAMES[arm], "what it is": DESCRIPTIONS[arm], "languages": len(langs)}
            for arm, langs in view.arm_languages.items()
        ],
        "robustness": robustness,
        "fit": fits,
        "hypotheses": finding_table(analysis.hypotheses),
        "variants": _variants(view),
        "missing": _missing(view.analysis.rows, meta.get("cells", {})),
        "failed": records(failed[["arm", "language", "n_source", "n_target", "seed", "draw", "reason"]]),
        "signature": [{"what": name, "value": _flat(value)} for name, value in meta["signature"].items()],
    }
    return {name: Table("", pd.DataFrame(lines), 2 if name == "fit" else 1) for name, lines in tables.items() if lines}


def _variants(view: View) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): The variants, at each pair of sizes and over all of theirs."""
    gain = FILTERS["gain"]
    return [
        {
            "what differs": line["variant"],
            "arm": SHORT[line["arm"]],
            "languages": _name_or_number([view.language(lang) for lang in line["languages"].split(",")]),
            "source / target": f"{line['n_source']:,} / {line['n_target']:,}"
            if line["n_source"]
            else "all that both have",
            "F1": 100 * line["f1"],
            "F1 of the study": 100 * line["f1_study"],
            f"difference ({ALIKE})": gain(line, ""),
        }
        for line in records(view.analysis.variants)
    ]


def _name_or_number(names: List[str]) -> str:
    """RETURNS (str): The only name, or how many there are."""
    return names[0] if len(names) == 1 else str(len(names))


def _missing(rows: pd.DataFrame, planned: Mapping[str, int]) -> List[Dict[str, Any]]:
    """RETURNS (List[Dict[str, Any]]): The blocks of which cells have no row yet."""
    counts = rows["block"].value_counts()
    found = {block: int(counts.get(block, 0)) for block in planned}
    return [
        {"block": block, "with a row": found[block], "in the design": n}
        for block, n in planned.items()
        if found[block] < n
    ]


def _against(view: View, arm: str) -> Dict[str, str]:
    """RETURNS (Dict[str, str]): An arm with one cell, minus the teacher and minus model transfer."""
    lines = {name: records(view.group(arm, quantity=f"minus_{name}")) for name in ("teacher", "transfer")}
    return {
        f"minus {name} ({THESE})": with_interval(part[0], signs=True) if part else "–" for name, part in lines.items()
    }


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    return "; ".join(map(_flat, value)) if isinstance(value, list) else str(value)
