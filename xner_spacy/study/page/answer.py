"""The answer of a study in one sentence, and the numbers behind it, all computed from the surface of one arm."""

from typing import Any, Dict, Optional

from ...types import Json
from ..analysis.analyse import Analysis
from ..analysis.compact import expectations
from ..analysis.divisions import LITTLE, source_gain, target_first
from ..analysis.ratios import best_ratios, total_gain
from .wording import share_of


def answer_of(analysis: Analysis, arm: str) -> Optional[Dict[str, Any]]:
    """Read the answer off a surface, at the total that can be divided in the most ways.

    RETURNS (Optional[Dict[str, Any]]): None without a surface over both kinds of text. `total`; `share`, the best share
        of source sentences, with `low` and `high`; `near`, the shares between which it matters little; `edge`, see
        `divide`; `gain` over the worst division, `worst`; `f1` of the best division; `first`, see `target_first`,
        and `all`, whether it reaches the most target text; `few`, the least target sentences, and `source_gain` there;
        `tenfold`, the gain of ten times as many of both.
    """
    surface = analysis.surfaces.get(arm)
    best = max(best_ratios(surface), key=lambda one: one["most"] / one["least"], default=None) if surface else None
    if surface is None or best is None:
        return None
    limits = {name: share_of(best[part]) for name, part in (("value", "ratio"), ("low", "low"), ("high", "high"))}
    first = target_first(surface)
    return {
        "total": best["total"],
        "share": limits,
        "near": [share_of(ratio) for ratio in best["near"]],
        "little": LITTLE,
        "edge": best["edge"],
        "gain": best["gain"],
        "worst": share_of(best["worst"]),
        "f1": best["f1"],
        "first": first,
        "all": first is not None and first["value"] >= float(surface.target.max()) * 0.999,
        "few": float(surface.target.min()),
        "source_gain": source_gain(surface, float(surface.target.min())),
        "tenfold": total_gain(surface),
    }


def surfaces_json(analysis: Analysis) -> Json:
    """RETURNS (Json): By arm the surfaces over both kinds of text as numbers, see `expectations`."""
    return {
        arm: expectations(surface, analysis.by_language.get(arm, {}))
        for arm, surface in analysis.surfaces.items()
        if surface.has_source and surface.has_target
    }
