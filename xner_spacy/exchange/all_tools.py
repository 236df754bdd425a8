"""The annotation tools by their names on the command line."""

from typing import Dict

from ..errors import XnerError
from .argilla import Argilla
from .doccano import Doccano
from .inception import Inception
from .iob2 import Iob2
from .label_studio import LabelStudio
from .prodigy import Prodigy
from .tools import AnnotationTool

TOOLS: Dict[str, AnnotationTool] = {
    "prodigy": Prodigy(),
    "label-studio": LabelStudio(),
    "doccano": Doccano(),
    "argilla": Argilla(),
    "inception": Inception(),
    "iob2": Iob2(),
}


def get_tool(name: str) -> AnnotationTool:
    """RETURNS (AnnotationTool): A tool by its name. RAISES: XnerError for an unknown name."""
    if name not in TOOLS:
        raise XnerError(f"Unknown annotation tool {name!r}.", f"Known: {', '.join(TOOLS)}.")
    return TOOLS[name]
