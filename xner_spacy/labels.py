"""Label maps: from the labels of an annotator or a data set to the project's labels PER, LOC and ORG, or to None
(dropped). A label that is not in a map is dropped too; the caller that applies the map counts the dropped entities.
"""

from typing import Dict, Iterable, Mapping, Optional, Union

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
    # What spaCy's own pipelines for Polish (NKJP), Swedish (SUC 3.0), Korean (KLUE) and Romanian (RONEC) give
    "nkjp": _map("persName=PER placeName=LOC geogName=LOC orgName=ORG", "date time"),
    "suc": _map("PRS=PER LOC=LOC ORG=ORG", "OBJ EVN WRK TME MSR"),
    "klue": _map("PS=PER LC=LOC OG=ORG", "DT TI QT"),
    "ronec": _map(
        "PERSON=PER GPE=LOC LOC=LOC FACILITY=LOC ORGANIZATION=ORG",
        "DATETIME EVENT LANGUAGE MONEY NAT_REL_POL NUMERIC_VALUE ORDINAL PERIOD PRODUCT QUANTITY WORK_OF_ART",
    ),
}
# The name of the map for any annotator: its labels say which of the maps is meant.
AUTO = "auto"
# What each label becomes that any map knows. No two maps say different things of one label.
EVERY_LABEL: LabelMap = {label: mapped for label_map in LABEL_MAPS.values() for label, mapped in label_map.items()}


def require_a_known_label(labels: Iterable[str], whose: str) -> None:
    """RAISES: XnerError if `EVERY_LABEL` drops all labels of an annotator. whose (str): The annotator, for the message."""
    labels = sorted(set(labels))
    if not any(map(EVERY_LABEL.get, labels)):
        raise XnerError(
            f"No label of {whose} is known as a person, a place or an organisation: {', '.join(labels)}.",
            "Keep its labels with label_map = null, or say in the config what they become: "
            f'label_map = {{"{labels[0]}": "PER"}}',
        )


def describe_label_map(labels: Iterable[str], label_map: Optional[LabelMap]) -> str:
    """RETURNS (str): What becomes of labels, in one line: "GPE → LOC, PERSON → PER; dropped: DATE; not known: FOO"."""
    labels = sorted(set(labels))
    if label_map is None:
        return f"{', '.join(labels)} (kept as they are)"
    kept = [f"{label} → {label_map[label]}" for label in labels if label_map.get(label) is not None]
    dropped = [label for label in labels if label in label_map and label_map[label] is None]
    unknown = [label for label in labels if label not in label_map]
    parts = [", ".join(kept), f"dropped: {', '.join(dropped)}", f"not known, and dropped: {', '.join(unknown)}"]
    return "; ".join(part for part, names in zip(parts, (kept, dropped, unknown), strict=True) if names)


def get_label_map(name: Union[str, LabelMap, None]) -> Optional[LabelMap]:
    """RETURNS (Optional[LabelMap]): The map with this name in `LABEL_MAPS`, or for "auto" `EVERY_LABEL`; a map or None
    is returned unchanged. RAISES: XnerError that lists the known names.
    """
    if not isinstance(name, str):
        return name
    if name == AUTO:
        return EVERY_LABEL
    if name not in LABEL_MAPS:
        known = ", ".join([AUTO, *sorted(LABEL_MAPS)])
        raise XnerError(f"Unknown label map {name!r}.", f"Known: {known}; or give the map itself in the config.")
    return LABEL_MAPS[name]


def map_label(label: str, label_map: Optional[LabelMap]) -> Optional[str]:
    """RETURNS (Optional[str]): The project's label, or None if the map drops `label`."""
    return label if label_map is None else label_map.get(label)
