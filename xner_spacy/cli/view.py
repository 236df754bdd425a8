"""`xner view`: look at a run."""

import webbrowser
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, Optional

from ..report.view.comparing import Rows
from ..report.view.index import ORDERS
from ..report.view.pages import Pages, write_page
from ..report.view.server import Server
from ..types import PathLike
from .options import choices, command, option, size
from .output import bar, done, note


def view(
    run: PathLike,
    output: Optional[PathLike] = None,
    *,
    against: Optional[PathLike] = None,
    gold: Optional[PathLike] = None,
    limit: int = 500,
    by: str = "text",
    port: int = 0,
    open_browser: bool = False,
) -> Dict[str, int]:
    """Look at what was labelled, and why: text, reading, links, spans with scores, and what was dropped.

    Without --output: a page on this computer, until you press Ctrl-C.

    run (PathLike): A folder of `xner annotate`, a .spacy file, or what `xner project --json` wrote.
    output (Optional[PathLike]): Write one HTML file instead, which needs no network.
    against (Optional[PathLike]): Another run over the same sentences, to see where they differ.
    gold (Optional[PathLike]): The same sentences with gold labels (.iob, .spacy or a folder), to see the errors by kind.
    limit (int): With --output: the most sentences of the page; the others are counted.
    by (str): With --output: which sentences come first: text (as they stand), doubt (the lowest scores) or sure.
    port (int): The port of the page; 0 for a free one.
    open_browser (bool): Open the page in your browser.
    RETURNS (Dict[str, int]): `sentences` that were shown, and those `left out` of a page.
    RAISES: InputError if a run can't be read or the runs do not belong together.
    """
    rows = Rows(run, against, gold)
    if output is not None:
        counts = write_page(rows, output, limit=limit, by=by, progress=bar)
        if open_browser:
            webbrowser.open(Path(output).resolve().as_uri())
        return counts
    server = Server(Pages(rows), port)
    try:
        with suppress(KeyboardInterrupt):
            note(f"{len(rows):,} sentences: {server.address} (Ctrl-C ends it)")
            if open_browser:
                webbrowser.open(server.address)
            with bar(0, len(rows)) as tick:
                server.serve(tick)
    finally:
        server.close()
    return {"sentences": len(rows), "left out": 0}


@command(
    view,
    run="RUN",
    output=option("-o", metavar="PAGE"),
    limit=size(),
    by=option(kind=choices(ORDERS)),
    port=option(min=0, max=65535),
    open_browser=option("--open"),
)
def view_cli(call: Any, output: Optional[Path]) -> None:
    """Show a run, or write its page."""
    counts = call()
    if output is not None:
        left_out = f"; {counts['left out']:,} are left out (see --limit)" if counts["left out"] else ""
        done(f"{counts['sentences']:,} sentences{left_out}: page", output)
    else:
        done("Ended")
