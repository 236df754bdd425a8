"""The page of `xner view`: served in parts, or written as one file that needs no network."""

import base64
import hashlib
from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from markupsafe import Markup

from ...about import __version__
from ...corpora.writing import atomic_write
from ...errors import XnerError, require
from ...evaluation.entities import KINDS
from ...types import PathLike
from ..templating import environment
from .comparing import Row, Rows
from .drawing import ERRORS, Drawn, Palette, draw, draw_flowing, reason_text, style
from .index import (
    BATCH,
    ERROR,
    LABEL,
    MARK,
    ORDERS,
    PAGE_SIZE,
    REASON,
    Facts,
    Query,
    counts_of,
    facts_of,
    first_in_order,
)

# The largest page that a number in an address may ask for.
LAST_PAGE = 10**9


class Choice(NamedTuple):
    """An entry of a list to choose from."""

    value: str
    text: str
    number: int


def parse_query(parameters: Mapping[str, str]) -> Tuple[Query, int]:
    """RETURNS (Tuple[Query, int]): What the parameters of an address ask for, and the page, from 0. RAISES: XnerError
    for a value that makes no sense.
    """
    order = parameters.get("order") or "text"
    require(order in ORDERS, f"Unknown order {order!r}.", f"Known: {', '.join(ORDERS)}.")
    numbers = {}
    for name, default in (("low", 0.0), ("high", 1.0), ("page", 0)):
        text = parameters.get(name) or str(default)
        try:
            numbers[name] = float(text)
        except ValueError:
            raise XnerError(f"{name} is {text[:40]!r}, which is no number.") from None
        most = LAST_PAGE if name == "page" else 1
        require(0 <= numbers[name] <= most, f"{name} is {text[:40]}.", f"Give a number from 0 to {most}.")
    query = Query(
        text=parameters.get("text", "").strip(),
        label=parameters.get("label", ""),
        low=numbers["low"],
        high=numbers["high"],
        reason=parameters.get("reason", ""),
        error=parameters.get("error", ""),
        differs=bool(parameters.get("differs")),
        noted=bool(parameters.get("noted")),
        order=order,
    )
    return query, int(numbers["page"])


class Pages:
    """Makes pages of some rows.

    rows (Rows): The sentences. palette (Optional[Palette]): Colours of labels.
    """

    def __init__(self, rows: Rows, palette: Optional[Palette] = None) -> None:
        self.rows = rows
        self.palette = palette or Palette()
        self.script = Markup(environment().get_template("view.js").render())
        digest = base64.b64encode(hashlib.sha256(str(self.script).encode()).digest()).decode()
        # Only this script runs, whatever a text holds.
        self.script_hash = f"'sha256-{digest}'"

    def draw_rows(self, rows: Sequence[Row]) -> Markup:
        """RETURNS (Markup): The HTML of some sentences."""
        drawn = [
            (row, [Drawn(panel, self.palette, spans) for panel, spans in zip(row.panels, row.differing, strict=True)])
            for row in rows
        ]
        template = environment().get_template("view_rows.html")
        return Markup(template.render(drawn=drawn, names=self.rows.names, draw=draw, gold=self._gold))

    def _gold(self, row: Row) -> Markup:
        return draw_flowing(row.panels[0].words, row.panels[0].spaces, row.gold or [], self.palette)

    def choices(self, counts: Dict[str, Dict[str, int]]) -> Dict[str, List[Choice]]:
        """RETURNS (Dict[str, List[Choice]]): What can be filtered by, by kind, with the number of sentences of each."""
        errors = [kind for kind in KINDS if kind in counts[ERROR]]
        return {
            LABEL: [Choice(label, label, n) for label, n in counts[LABEL].items()],
            REASON: [Choice(reason, reason_text(reason), n) for reason, n in counts[REASON].items()],
            ERROR: [Choice(kind, ERRORS[kind], counts[ERROR][kind]) for kind in errors],
            MARK: [Choice(mark, mark, n) for mark, n in counts[MARK].items()],
        }

    def whole(
        self,
        rows: Sequence[Row],
        counts: Dict[str, Dict[str, int]],
        *,
        total: int,
        facts: Optional[List[Facts]] = None,
        note: str = "",
        query: Query = Query(),
        page: int = 0,
    ) -> str:
        """RETURNS (str): A whole page.

        rows (Sequence[Row]): The sentences in it. counts (Dict[str, Dict[str, int]]): See `Index.counts`. total (int):
            How many fit the query. facts (Optional[List[Facts]]): Of a page in one file, what is asked of its sentences.
        note (str): What the page leaves out. query, page: What is shown.
        """
        connect = "'self'" if facts is None else "'none'"
        policy = (
            f"default-src 'none'; script-src {self.script_hash}; style-src 'unsafe-inline'; img-src data:; "
            f"connect-src {connect}; base-uri 'none'; form-action 'none'"
        )
        template = environment().get_template("view.html")
        return template.render(
            title=" – ".join(["xner view", *self.rows.names]),
            names=self.rows.names,
            policy=policy,
            script=self.script,
            style=style(),
            articles=self.draw_rows(rows),
            choices=self.choices(counts),
            has_gold=self.rows.gold is not None,
            of_all=len(self.rows),
            total=total,
            facts=facts,
            note=note,
            query=query,
            page=page,
            page_size=PAGE_SIZE,
            version=__version__,
        )  # fmt: skip


@contextmanager
def _silent(had: int, total: int) -> Iterator[Callable[[int], Any]]:
    yield lambda n: None


def write_page(rows: Rows, output: PathLike, *, limit: int, by: str = "text", progress: Any = None) -> Dict[str, int]:
    """Write a page in one file.

    rows (Rows): The sentences. output (PathLike): The file. limit (int): The most sentences; the others are counted.
    by (str): Which ones come first, see `ORDERS`.
    progress: A context manager (had, total) that yields a function to call with the number of sentences done.
    RETURNS (Dict[str, int]): `sentences` of the page, and `left out`. RAISES: InputError if the run is broken; nothing
        is written then.
    """
    require(by in ORDERS, f"Unknown order {by!r}.", f"Known: {', '.join(ORDERS)}.")
    # In the order of the text nothing but the sentences of the page is read.
    with (_silent if by == "text" else progress or _silent)(0, len(rows)) as tick:
        numbers = first_in_order(rows, by, limit, tick)
    chosen: List[Row] = []
    for start in range(0, len(numbers), BATCH):
        chosen += rows.read(numbers[start : start + BATCH])
    facts = [facts_of(row) for row in chosen]
    left_out = len(rows) - len(chosen)
    first = {"text": "first", "doubt": "most doubtful", "sure": "surest"}[by]
    note = f"These are the {len(chosen):,} {first} of {len(rows):,} sentences." if left_out else ""
    html = Pages(rows).whole(chosen, counts_of(facts), total=len(chosen), facts=facts, note=note, query=Query(order=by))
    with atomic_write(output) as file:
        file.write(html)
    return {"sentences": len(chosen), "left out": left_out}
