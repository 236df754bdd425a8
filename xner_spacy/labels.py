"""Label maps: from what an annotator or a data set calls its entities to the project's labels PER, LOC and ORG, or to
None (dropped). A label that a map does not know is dropped too; whoever applies the map counts what it drops.
"""

from typing import Dict, Mapping, Optional, Union

from .errors import XnerError

LABELS = ("PER", "LOC", "ORG")

LabelMap = Mapping[str, Optional[str]]


def _map(names: str = "PER=PER LOC=LOC ORG=ORG", dropped: str = "") -> LabelMap:
    """A map as it is written below: the labels that are kept, and those that are dropped."""
    kept = dict(pair.split("=") for pair in names.split())
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
    # NorNE: a place that acts, and an organisation that is a place, by what they are here
    "norne": _map("PER=PER LOC=LOC ORG=ORG GPE_LOC=LOC GPE_ORG=ORG", "PROD EVT DRV MISC"),
    # GermEval 2014: its derivations (deutsch) and parts of words are no names
    "germeval": _map(dropped="OTH PERderiv PERpart LOCderiv LOCpart ORGderiv ORGpart OTHderiv OTHpart"),
    # MultiCoNER 2022
    "multiconer": _map("PER=PER LOC=LOC CORP=ORG GRP=ORG", "PROD CW"),
    # WNUT 2017
    "wnut17": _map("person=PER location=LOC corporation=ORG group=ORG", "product creative-work"),
}


def get_label_map(name: Union[str, LabelMap, None]) -> Optional[LabelMap]:
    """RETURNS (Optional[LabelMap]): The map of a name of `LABEL_MAPS`; what is no name is given back. RAISES: XnerError
    that lists the known names.
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
