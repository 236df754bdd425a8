"""The published report of a study: one page, its Markdown twin, every figure as SVG and CSV.

What it says is written in `templates/study.md`; the numbers are computed here.
"""

from itertools import product
from pathlib import Path
from typing import Any, Dict, List, Mapping, Optional, Tuple

import pandas as pd

from ...report.charts import with_interval
from ...report.document import Table, write_page
from ...types import Json
from ..analysis.analyse import Analysis, main_design
from ..analysis.intervals import ALL, VARIANCE, measured
from ..analysis.ratios import best_ratios, equal_rates, total_gain
from ..design.rows import ARM_NAMES, ARMS, DONE
from .study_figures import SHORT, View, make_figures, ratio, records

QUESTION = (
    "How does the ratio of labelled source to unlabelled target data affect the F1, and its robustness, of cross-lingual "
    "NER with teacher-student distillation?"
)
MAIN_ARMS = ("hard", "soft")
WHAT = {
    "teacher": "the source model labels the translation of the test sentences, and the labels are projected back; it needs "
    "that translation, which a student does not",
    "transfer": "the source model, applied to the target language as it is",
    "hard": "a student of the entities that the teacher projected on the target text",
    "soft": "a student of the teacher's probabilities, projected on the target text",
    "tsl": "a student of the probabilities of model transfer, by mean squared error",
    "prototypes": "soft projection, with a loss against prototypes of the classes as well",
    "surest": "soft projection, on the sentences the teacher is surest of",
    "translate_train": "a student of the labelled source text, translated word by word with a lexicon from the target text "
    "and its translation",
    "ensemble": "the mean of the probabilities of the soft student and the teacher",
}
FILTERS = {
    "points": lambda e: with_interval(e, scale=100),
    "gain": lambda e: with_interval(e, signs=True, scale=100),
    "ratio": ratio,
    "size": lambda e: f"{e['n_source']:,} labelled" + (f" and {e['n_target']:,} unlabelled" if e["n_target"] else ""),
    "listed": lambda parts: " and ".join(filter(None, [", ".join(parts[:-1]), *parts[-1:]])),
}


def write_report(analysis: Analysis, meta: Json, folder: Path) -> List[Path]:
    """Write the report of a study. The same analysis and meta give the same bytes.

    analysis (Analysis): The estimates. meta (Json): "title", "languages" (names by code), "command" and "report_command"
        (that make the rows and the report again), "signature" (versions, hashes), "limits" (sentences), "config" (name of
        the file, or its text), "question" (the study's by default).
    folder (Path): Gets `index.html`, `README.md` and `figures/`.
    RETURNS (List[Path]): The files written.
    """
    view = View(analysis, meta["languages"])
    arms = {arm: arm_facts(view, arm) for arm in ARMS if arm in set(analysis.means["arm"])}
    return write_page(
        folder,
        "xner_spacy.study.page",
        "study.md",
        title=meta["title"],
        parts={**make_figures(view), **make_tables(view, arms, meta)},
        values={"question": QUESTION, **meta, **facts(view, arms)},
        filters=FILTERS,
        footer=f"{len(analysis.rows):,} rows of results; made by {meta['report_command']}.",
    )


def facts(view: View, arms: Mapping[str, Dict[str, Any]]) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): The numbers of the text. `best` is the arm to speak of: of the main ones, the one with the
    best F1 with most data.
    """
    analysis = view.analysis
    rows, done = analysis.rows, measured(analysis.rows)
    main = done[done["block"] == "main"]
    spoken = [arms[arm] for arm in MAIN_ARMS if arm in arms] or list(arms.values())[:1]
    unknown: Dict[Tuple[str, str], List[str]] = {}
    for what, arm, reason in analysis.unknown:
        unknown.setdefault((what, reason.rstrip(".")[:1].lower() + reason.rstrip(".")[1:]), []).append(SHORT[arm])
    return {
        "best": max(spoken, key=lambda arm: arm["corners"][-1]["value"], default=None),
        "soft_minus_hard": _first(analysis.contrasts, a="soft", b="hard", lang=ALL, n_source=0, design="steps"),
        "designs": next((_first(analysis.designs, arm=arm, lang=ALL, n_source=0) for arm in view.target_arms), None),
        "designs_arm": SHORT[view.target_arms[0]] if view.target_arms else "",
        "sizes": {name: sorted(set(rows[f"n_{name}"]) - {0}) for name in ("source", "target")},
        "replicates": len(main.drop_duplicates(["seed", "draw"])),
        "untranslated": [
            view.language(code) for code in view.languages if code not in view.spoken.get("teacher", [code])
        ],
        "unknown": [(what, arms, reason) for (what, reason), arms in unknown.items()],
        "rows": len(rows),
        "failed": int((rows["status"] != DONE).sum()),
        "hours": rows["seconds"].sum() / 3600,
        "machines": sorted(set(done["machine"]) - {""}),
        "languages": [(code, view.language(code)) for code in view.languages],
    }


def arm_facts(view: View, arm: str) -> Dict[str, Any]:
    """RETURNS (Dict[str, Any]): What the answer says of an arm; None, or nothing in a list, for what is not known."""
    analysis, means = view.analysis, view.analysis.means
    means = means[(means["arm"] == arm) & (means["lang"] == ALL)]
    means = means[means["block"].ne(VARIANCE) | means["block"].eq(VARIANCE).all()]
    design = main_design(sorted(means["design"].unique()))
    means = means[means["design"] == design].sort_values("block", key=lambda block: block.ne("main"), kind="stable")
    means = means.drop_duplicates(["quantity", "n_source", "n_target"])
    cells = {name: records(part) for name, part in means.groupby("quantity")}
    by_size = {(cell["n_source"], cell["n_target"]): cell for cell in cells["f1"]}
    ends = [sorted({min(sizes), max(sizes)}) for sizes in zip(*by_size, strict=True)]
    tenfolds = analysis.tenfolds
    own = tenfolds[(tenfolds["arm"] == arm) & (tenfolds["design"] == design)]
    languages = own[own["lang"] != ALL].sort_values(["value", "lang"])
    surface = analysis.surfaces.get(arm)
    ratios = best_ratios(surface) if surface else []
    against = {name: cells.get(f"minus_{name}") for name in ("teacher", "transfer")}
    return {
        "name": SHORT[arm],
        "languages": len(view.spoken.get(arm, [])),
        "corners": [by_size[size] for size in product(*ends) if size in by_size],
        "tenfold": {
            name: _first(own, coefficient=name, lang=ALL)
            for name in ("source", "target", "source_minus_target", "interaction")
        },
        "between": {
            kind: [(line["value"], view.language(line["lang"])) for line in records(part)]
            for kind, part in languages.groupby("coefficient")
            if len(part) > 1 and kind in ("source", "target")
        },
        "ratios": _spread_out(ratios),
        "all_ratios": ratios,
        "cost": max(ratios, key=lambda one: one["most"] / one["least"], default=None),
        "total": total_gain(surface) if surface else None,
        "rates": equal_rates(surface) if surface else [],
        "robust": _first(analysis.robustness, arm=arm, design="steps"),
        "worst": view.language(analysis.robustness.set_index(["arm", "design"])["worst"].get((arm, "steps"), "")),
        "trend": analysis.trends[arm].get("ratio"),
        "against": {
            name: (min(known, key=lambda cell: cell["value"]), max(known, key=lambda cell: cell["value"]))
            for name, known in against.items()
            if known
        },
        "shares": records(analysis.components[analysis.components["arm"] == arm]),
        "errors": surface.errors if surface else {},
    }


def _first(data: pd.DataFrame, **wanted: Any) -> Optional[Dict[str, Any]]:
    """RETURNS (Optional[Dict[str, Any]]): The first line of a frame with these values."""
    found = data[(data[list(wanted)] == list(wanted.values())).all(axis=1)]
    return records(found.head(1))[0] if len(found) else None


def _spread_out(entries: List[Any], most: int = 3) -> List[Any]:
    """RETURNS (List[Any]): The first, the last and those between, evenly."""
    if len(entries) <= most:
        return entries
    return [entries[round(i * (len(entries) - 1) / (most - 1))] for i in range(most)]


def make_tables(view: View, arms: Mapping[str, Dict[str, Any]], meta: Json) -> Dict[str, Table]:
    """RETURNS (Dict[str, Table]): By the names that the text has for them."""
    analysis = view.analysis
    columns = ["arm", "languages", "F1, smallest sizes", "F1, largest sizes", "tenfold labelled source"]
    columns += ["tenfold unlabelled target", "tenfold ratio, same total", "sd, run to run"]
    key, points, gain = [], FILTERS["points"], FILTERS["gain"]
    for arm in view.target_arms:
        found = arms[arm]
        robust, corners = found["robust"] or {}, found["corners"]
        line = [found["name"], found["languages"], points(corners[0]), points(corners[-1])]
        line += [gain(found["tenfold"][kind] or {}) for kind in ("source", "target")]
        key.append([*line, gain(_slope(robust)), points(robust)])
    robustness = [
        [
            SHORT[e["arm"]],
            e["design"],
            e["languages"],
            points(e),
            view.language(e["worst"]),
            100 * e["worst_f1"],
            100 * e["gap"],
            gain(_slope(e)),
        ]
        for e in records(analysis.robustness)
    ]
    fits = []
    for arm, surface in analysis.surfaces.items():
        params, errors = surface.parameters(), surface.errors.get("each", {})
        line = [SHORT[arm], *(with_interval(params.get(name, {}), 3) for name in ("c", "a", "alpha", "b", "beta"))]
        fits.append(
            [*line, surface.r2(), *(100 * errors.get(name, float("nan")) for name in ("surface", "plane", "mean"))]
        )
    failed = analysis.rows[analysis.rows["status"] != DONE]
    failed = failed.assign(arm=failed["arm"].map(ARM_NAMES).astype(str), language=failed["lang"].map(view.language))
    named = [[ARM_NAMES[arm], WHAT[arm], len(langs)] for arm, langs in view.spoken.items()]
    tables = {
        "key": (key, columns, "The answer in figures, in points of F1 with 95% intervals"),
        "arms": (named, ["arm", "what it is", "languages"], "The arms"),
        "robustness": (
            robustness,
            [
                "arm",
                "design",
                "languages",
                "sd over replicates",
                "worst language",
                "its F1",
                "behind the mean",
                "F1 per tenfold ratio",
            ],
            "Robustness of each arm, in points of F1, with 95% intervals",
        ),
        "fit": (
            fits,
            ["arm", "c", "a", "alpha", "b", "beta", "R²", "error, this form", "error, log-linear", "error, mean alone"],
            "The fitted surfaces, F1 in [0, 1], with 95% bootstrap intervals; the errors are root mean squares on cells left "
            "out of the fit, in points",
        ),
        "failed": (
            failed[["arm", "language", "n_source", "n_target", "seed", "draw", "reason"]].to_numpy(object).tolist(),
            ["arm", "language", "n_source", "n_target", "seed", "draw", "reason"],
            "Cells that failed",
        ),
        "signature": (
            [[name, _flat(value)] for name, value in meta["signature"].items()],
            ["what", "value"],
            "Signature",
        ),
    }
    return {
        name: Table(caption, pd.DataFrame(lines, columns=heads), 2 if name == "fit" else 1)
        for name, (lines, heads, caption) in tables.items()
        if lines
    }


def _slope(entry: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: entry.get(f"slope_{name}") for name in ("value", "low", "high")}


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {part}" for name, part in value.items())
    if isinstance(value, list):
        return "; ".join(_flat(part) for part in value)
    return str(value)
