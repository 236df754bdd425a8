"""A teacher that is quick to load, and what an undisturbed run makes of a corpus."""

from pathlib import Path
from typing import Any, Dict, List

import spacy

from tests.conftest import PAIRS

NAMES = {"Anna": "PER", "Jon": "PER", "Paris": "LOC", "London": "LOC", "Marel": "ORG"}


def make_teacher(folder: Path) -> Path:
    """Its own translation is the text; a rule-based source pipeline finds the names."""
    source = spacy.blank("xx")
    ruler = source.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": k, "pattern": [{"ORTH": n}]} for n, k in NAMES.items()])  # type: ignore[attr-defined]
    source.to_disk(folder / "source")
    nlp = spacy.blank("xx")
    nlp.add_pipe("xner_translator", config={"source_lang": "xx"})
    nlp.add_pipe("xner_annotator", config={"model": str(folder / "source")})
    nlp.to_disk(folder / "teacher")
    return folder / "teacher"


def sentences(n: int) -> List[str]:
    """Sentences of many lengths, some empty."""
    texts = [pair[0] for pair in PAIRS]
    return ["" if k % 17 == 5 else " ".join([texts[k % 7], *(["and so on"] * (k % 5)), f"nr {k}"]) for k in range(n)]


def shard_bytes(folder: Path) -> Dict[str, bytes]:
    """The shards by name."""
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.spacy"))}


def facts(manifest: Dict[str, Any]) -> Dict[str, Any]:
    """What two runs of the same must agree on."""
    shards = {k: {n: v for n, v in e.items() if n != "seconds"} for k, e in manifest["shards"].items()}
    return {"identity": manifest["identity"], "shards": shards, "totals": manifest["totals"]}
