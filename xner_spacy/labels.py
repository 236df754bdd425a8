"""Label maps: from what an annotator or a data set calls its entities to the project's labels PER, LOC and ORG.

A map sends a label to a label or, explicitly, to None (dropped). A label that a map does not know is dropped too; whoever
applies the map counts what it drops.
"""

from typing import Dict, Mapping, Optional, Union

from .errors import XnerError

LABELS = ("PER", "LOC", "ORG")

LabelMap = Mapping[str, Optional[str]]

_PLAIN: Dict[str, Optional[str]] = {"PER": "PER", "LOC": "LOC", "ORG": "ORG"}

LABEL_MAPS: Dict[str, LabelMap] = {
    # CoNLL-2002/2003, WikiNEuRal, wikigold, Europarl-NER
    "conll": {**_PLAIN, "MISC": None},
    # OntoNotes 5, as in spaCy's own English pipelines
    "ontonotes": {
        "PERSON": "PER",
        "GPE": "LOC",
        "LOC": "LOC",
        "FAC": "LOC",
        "ORG": "ORG",
        **dict.fromkeys(
            [
                "NORP",
                "PRODUCT",
                "EVENT",
                "WORK_OF_ART",
                "LAW",
                "LANGUAGE",
                "DATE",
                "TIME",
                "PERCENT",
                "MONEY",
                "QUANTITY",
                "ORDINAL",
                "CARDINAL",
            ]
        ),
    },
    # MasakhaNER 2.0: the seed paper drops DATE
    "masakhaner": {**_PLAIN, "DATE": None},
    # Universal NER
    "uner": {**_PLAIN, "OTH": None},
    # NorNE: a place that acts, and an organisation that is a place, by what they are here
    "norne": {**_PLAIN, "GPE_LOC": "LOC", "GPE_ORG": "ORG", **dict.fromkeys(["PROD", "EVT", "DRV", "MISC"])},
    # GermEval 2014: its derivations (deutsch) and parts of words are no names
    "germeval": {
        **_PLAIN,
        "OTH": None,
        **dict.fromkeys(f"{label}{kind}" for label in (*LABELS, "OTH") for kind in ("deriv", "part")),
    },
    # MultiCoNER 2022
    "multiconer": {"PER": "PER", "LOC": "LOC", "CORP": "ORG", "GRP": "ORG", "PROD": None, "CW": None},
    # WNUT 2017
    "wnut17": {
        "person": "PER",
        "location": "LOC",
        "corporation": "ORG",
        "group": "ORG",
        "product": None,
        "creative-work": None,
    },
}


def get_label_map(name: Union[str, LabelMap, None]) -> Optional[LabelMap]:
    """Look a label map up.

    name (Union[str, LabelMap, None]): A name of `LABEL_MAPS`, a map, or None to keep every label as it is.
    RETURNS (Optional[LabelMap]): The map.
    RAISES: XnerError that lists the known names.
    """
    if name is None or not isinstance(name, str):
        return name
    if name not in LABEL_MAPS:
        raise XnerError(
            f"Unknown label map {name!r}.",
            f"Known: {', '.join(sorted(LABEL_MAPS))}; or give the map itself in the config.",
        )
    return LABEL_MAPS[name]


def map_label(label: str, label_map: Optional[LabelMap]) -> Optional[str]:
    """RETURNS (Optional[str]): The project's label, or None if the map drops `label`."""
    return label if label_map is None else label_map.get(label)
