"""The calculator of the page: the best division of a budget at the prices of either sentence.

It computes in the browser, from the numbers of the fit. Where scripts do not run, and in Markdown, a table stands for
it.
"""

import json
from pathlib import Path
from typing import Any, Dict, List

import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from ...report.document import Table, Widget
from ...types import Json
from ..analysis.divisions import Prices, divide
from ..analysis.surface import Surface
from .wording import ALIKE, THESE, share_of, with_word

TEMPLATES = Path(__file__).parent / "templates"
# Prices of a source and of a target sentence that the table shows.
PRICES = ((5.0, 1.0), (2.0, 1.0), (1.0, 1.0), (1.0, 2.0), (1.0, 5.0))


def calculator(surface: Surface, data: Json, budget: float) -> Widget:
    """RETURNS (Widget): The calculator, with the table. data (Json): See `compact`. budget (float): To begin with."""
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    template = environment.from_string((TEMPLATES / "calculator.html").read_text(encoding="utf8"))
    # In JSON a slash can't end the element.
    text = Markup(json.dumps(data, separators=(",", ":")).replace("<", "\\u003c"))
    html = template.render(budget=f"{budget:.0f}", data=text)
    script = (TEMPLATES / "calculator.js").read_text(encoding="utf8")
    return Widget(Markup(html), script, Table("", pd.DataFrame(_examples(surface, budget))))


def _examples(surface: Surface, budget: float) -> List[Dict[str, Any]]:
    lines = []
    for prices in PRICES:
        best = divide(surface, budget, prices)
        if best:
            lines.append(_example(best, prices))
    return lines


def _example(best: Dict[str, Any], prices: Prices) -> Dict[str, Any]:
    share = {
        name: share_of(best[part], prices) for name, part in (("value", "ratio"), ("low", "low"), ("high", "high"))
    }
    near = [share_of(ratio, prices) for ratio in best["near"]]
    return {
        "price of a source sentence": f"{prices[0]:g}",
        "of a target sentence": f"{prices[1]:g}",
        "buy source": f"{best['n_source']:,.0f}",
        "buy target": f"{best['n_target']:,.0f}",
        f"% spent on source ({ALIKE})": with_word(share, "", digits=0, scale=100),
        "matters little": f"{100 * near[0]:.0f}–{100 * near[1]:.0f}",
        f"F1 ({THESE})": with_word(best["f1"], "", scale=100),
    }
