"""What a step of a project tells about its inputs."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Dict, List, Sequence

from spacy.tokens import Doc


@dataclass
class Notes:
    """What the user should know.

    warnings (List[str]): What is probably wrong, a message each. not_read (Dict[str, str]): Files that are left alone,
        and why.
    """

    warnings: List[str] = field(default_factory=list)
    not_read: Dict[str, str] = field(default_factory=dict)


def counted(counts: Counter) -> Dict[str, Dict[str, int]]:
    """RETURNS (Dict[str, Dict[str, int]]): Counts as two fields of a summary: what was `left_out`, and what was
    `changed` in reading.
    """
    reasons = {reason: n for reason, n in sorted(counts.items()) if n}
    left_out = {reason: n for reason, n in reasons.items() if "left out" in reason}
    return {"left_out": left_out, "changed": {reason: n for reason, n in reasons.items() if reason not in left_out}}


def sizes(docs: Sequence[Doc]) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): Sentences, tokens, and the sentences that repeat an earlier one (they are kept)."""
    texts = {doc.text for doc in docs}
    return {"sentences": len(docs), "tokens": sum(map(len, docs)), "duplicates": len(docs) - len(texts)}
