"""What is counted of annotated Docs: sentences, tokens, entities, and what was not projected and why."""

from collections import Counter
from typing import Dict, Iterable, Mapping

from spacy.tokens import Doc

from ..docdata import FAULT_KEY, SPANS_KEY, TEXT_FAULTS, is_untranslated


def count_doc(doc: Doc) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): What is counted of a Doc."""
    counts: Counter = Counter(sentences=1, tokens=len(doc), entities=len(doc.ents))
    counts["empty sentences"] = int(not len(doc))
    if SPANS_KEY in doc.spans:
        attrs = doc.spans[SPANS_KEY].attrs
        counts.update(f"not projected: {u['reason']}" for u in attrs.get("unprojected", ()))
        counts["without translation"] = int(is_untranslated(doc))
    if FAULT_KEY in doc.user_data:
        fault = doc.user_data[FAULT_KEY]
        what = "text" if fault in TEXT_FAULTS else "translation"
        counts[f"faulty {what}: {fault}"] = 1
    return counts


def summarise(docs: Iterable[Doc]) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): Sentences, tokens, entities, and per reason what was not projected."""
    counts: Counter = Counter(sentences=0, tokens=0, entities=0)
    for doc in docs:
        counts.update(count_doc(doc))
    return shown(counts)


def shown(counts: Mapping[str, int]) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): The counts by name, without zeros but for the first three."""
    always = ("sentences", "tokens", "entities")
    return {name: n for name, n in sorted(counts.items()) if n or name in always}
