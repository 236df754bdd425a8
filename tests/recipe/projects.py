"""Small projects in made-up files, for the tests of the steps."""

from pathlib import Path
from typing import Dict, List, Union

import spacy
from spacy.tokens import Doc

from xner_spacy.corpora.docs import read_docs

Content = Union[str, bytes, List[str]]

# What the other steps read of corpus/inputs.json.
SUMMARY: Dict[str, object] = {
    "language": {"name": "Icelandic"}, "english": [], "text": {"sentences": 3, "tokens": 9}, "labelled_text": "text.spacy",
    "road": "translator", "sources": {}, "warnings": [],
}  # fmt: skip


def make_project(root: Path, files: Dict[str, Content]) -> Path:
    """Write files below a folder; lists are lines."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, list):
            content = "".join(f"{line}\n" for line in content)
        path.write_bytes(content.encode("utf8") if isinstance(content, str) else content)
    return root


def docs(root: Path, name: str) -> List[Doc]:
    return list(read_docs(root / "corpus" / name, spacy.blank("xx").vocab))


def texts(root: Path, name: str) -> List[str]:
    return [doc.text for doc in docs(root, name)]


def lines(root: Path, name: str) -> List[str]:
    return (root / "corpus" / name).read_text(encoding="utf8").splitlines()


def tagged(*sentences: str) -> str:
    """IOB2 of sentences whose entities are written as Ada/PER."""
    rows = []
    for sentence in sentences:
        for word in sentence.split():
            token, _, label = word.partition("/")
            rows.append(f"{token}\t{'B-' + label if label else 'O'}")
        rows.append("")
    return "\n".join(rows)
