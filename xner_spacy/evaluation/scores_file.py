"""The figures of an evaluation as a file: what `xner evaluate --json` writes and other commands read."""

from typing import Annotated, Dict, List

from pydantic import Field
from typing_extensions import TypedDict

from ..corpora.reading import read_json
from ..types import Json, PathLike

Share = Annotated[float, Field(ge=0, le=1)]
Interval = Annotated[List[float], Field(min_length=2, max_length=2)]


class Row(TypedDict):
    """The figures of one label."""

    precision: Share
    recall: Share
    f1: Share


class Scores(TypedDict):
    """What `xner evaluate --json` writes, as far as others read it."""

    precision: Share
    recall: Share
    f1: Share
    f1_interval: Interval
    gold: int
    sentences: int
    per_type: Dict[str, Row]
    signature: str


def read_scores(path: PathLike) -> Json:
    """RETURNS (Json): What an evaluation wrote. RAISES: InputError if there is no such file, or it holds something
    else.
    """
    return read_json(path, Scores, hint="Make it with `xner evaluate GOLD PRED --json FILE`.")
