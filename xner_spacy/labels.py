"""Label maps: from the labels of an annotator or a data set to the project's labels PER, LOC and ORG, or to None
(dropped). A label that is not in a map is dropped too; the caller that applies the map counts the dropped entities.
"""

from typing import Dict, Mapping, Optional, Union

from .errors import XnerError

LABELS = ("PER", "LOC", "ORG")

LabelMap = Mapping[str, Optional[str]]


def _map(pairs: str = "PER=PER LOC=LOC ORG=ORG", dropped: str = "") -> LabelMap:
    """Make a map from pairs of labels, written as below, and from labels to drop."""
    kept = dict(pair.split("=") for pair in pairs.split())
    return {**kept, **dict.fromkeys(dropped.split())}


LABEL_MAPS: Dict[str, LabelMap] = {
    # CoNLL-2002/2003, WikiNEuRal, wikigold, Europarl-NER
    "conll": _map(dropped="MISC"),
    # OntoNotes 5, as in spaCy's own English pipelines
    "ontonotes": _map(
        "PERSON=PER GPE=LOC LOC=LOC FAC=LOC ORG=ORG",
        "NORP PRODUCT EVENT WORK_OF_ART LAW LANGUAGE DATE TIME PERCENT MONEY QUANTITY ORDINAL CARDINAL",
    ),
    # MasakhaNER 2.0: the seed paper drops DATE
    "masakhaner": _map(dropped="DATE"),
    # Universal NER
    "uner": _map(dropped="OTH"),
    # NorNE: GPE_LOC and GPE_ORG are mapped by how the sentence uses the name
    "norne": _map("PER=PER LOC=LOC ORG=ORG GPE_LOC=LOC GPE_ORG=ORG", "PROD EVT DRV MISC"),
    # GermEval 2014: derivations (deutsch) and names inside words are not names
    "germeval": _map(dropped="OTH PERderiv PERpart LOCderiv LOCpart ORGderiv ORGpart OTHderiv OTHpart"),
    # MultiCoNER 2022
    "multiconer": _map("PER=PER LOC=LOC CORP=ORG GRP=ORG", "PROD CW"),
    # WNUT 2017
    "wnut17": _map("person=PER location=LOC corporation=ORG group=ORG", "product creative-work"),
}


def get_label_map(name: Union[str, LabelMap, None]) -> Optional[LabelMap]:
    """RETURNS (Optional[LabelMap]): The map with this name in `LABEL_MAPS`; a map or None is returned unchanged.
    RAISES: XnerError that lists the known names.
    """
    if not isinstance(name, str):
        return name
    if name not in LABEL_MAPS:
        known = ", ".join(sorted(LABEL_MAPS))
        raise XnerError(f"Unknown label map {name!r}.", f"Known: {known}; or give the map itself in the config.")
    return LABEL_MAPS[name]


def map_label(label: str, label_map: Optional[LabelMap]) -> Optional[str]:
    """RETURNS (Optional[str]): The project's label, or None if the map drops `label`."""
    return label if label_map is None else label_map.get(label)
