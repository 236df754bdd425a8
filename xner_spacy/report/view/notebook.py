"""`xner_spacy.render`: the drawing of `xner view` for notebooks and web pages of one's own."""

from typing import Iterable, Mapping, Optional, Union

from markupsafe import Markup
from spacy.tokens import Doc, Span
from spacy.util import is_in_jupyter

from ...errors import XnerError
from ..templating import environment
from .drawing import Drawn, Palette, draw, style
from .sentences import of_doc


def render(
    docs: Union[Doc, Span, Iterable[Union[Doc, Span]]],
    *,
    page: bool = False,
    jupyter: Optional[bool] = None,
    links: bool = True,
    colors: Optional[Mapping[str, str]] = None,
) -> Optional[str]:
    """Draw labelled Docs as `xner view` does: the text above its reading, links between them, spans with scores, and
    what was dropped with its reason. Works like `displacy.render`.

    docs (Union[Doc, Span, Iterable[Union[Doc, Span]]]): One or more Docs. A Span is drawn as a Doc of its own; it has
        no reading.
    page (bool): Return a whole HTML page instead of a part of one.
    jupyter (Optional[bool]): Show the drawing in a notebook and return nothing, or return HTML; None finds out.
    links (bool): Draw the links; without, text and reading flow as lines.
    colors (Optional[Mapping[str, str]]): Colours of labels, as in displaCy: {"PER": "#aa9cfc"}.
    RETURNS (Optional[str]): HTML, with all text escaped; None if it was shown in a notebook.
    RAISES: XnerError for anything else than Docs, and for a colour that is none.

    EXAMPLE:
        >>> doc = teacher("Anna býr í París.")
        >>> xner_spacy.render(doc)
    """
    palette = Palette(colors)
    sentences = []
    for doc in [docs] if isinstance(docs, (Doc, Span)) else docs:
        if isinstance(doc, Span):
            doc = doc.as_doc()
        if not isinstance(doc, Doc):
            message = f"render draws Docs, not {type(doc).__name__}."
            raise XnerError(message, "Call the pipeline first: xner_spacy.render(nlp(text)).")
        sentences.append(draw(Drawn(of_doc(doc), palette)))
    template = environment().get_template("view_notebook.html")
    html = template.render(sentences=sentences, style=style(), links=links, page=page)
    if jupyter or (jupyter is None and is_in_jupyter()):
        from IPython.core.display import HTML  # type: ignore[import-not-found]
        from IPython.display import display  # type: ignore[import-not-found]

        display(HTML(html))
        return None
    return str(Markup(html))
