"""The Markdown files as they stand in the repository: short lines, links that lead somewhere, examples that run."""

import importlib
import re
from importlib.metadata import distribution
from itertools import pairwise
from pathlib import Path
from typing import Any, Iterator, List, Tuple

import pytest

from tests.conftest import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "assets" / "README.md"]
# Made by commands, with captions that hold many figures.
MADE = {"study/masakhane-cpu", "students"}
PAGES += [
    page for page in sorted((ROOT / "docs").glob("**/*.md")) if not any(f"docs/{name}/" in str(page) for name in MADE)
]
WIDTH = 120
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\]\(([^()\s]+)\)")
FENCE = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"<!-- tried -->\n+```python\n(.*?)```", re.DOTALL)


def names(page: Path) -> str:
    """RETURNS (str): A page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """RETURNS (str): The page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf8"))


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_lines_are_short(page: Path):
    """Rows of tables, pictures, and lines that are quoted from the embedded corpus may be longer."""
    long = [
        (number, line)
        for number, line in enumerate(page.read_text(encoding="utf8").splitlines(), 1)
        if len(line) > WIDTH and not line.lstrip().startswith(("|", "![", "is: ", "en: "))
    ]
    assert not long


def anchors(page: Path) -> List[str]:
    """RETURNS (List[str]): What links can point to: the headings, as they are turned into names."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", title.replace("`", "").lower()).strip().replace(" ", "-") for title in titles]


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_links_lead_somewhere(page: Path):
    text = re.sub(r"`[^`\n]*`", "", prose(page))
    dead = []
    for target in LINK.findall(text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        other = (page.parent / path).resolve() if path else page
        if not other.exists() or (anchor and other.suffix == ".md" and anchor not in anchors(other)):
            dead.append(target)
    assert not dead


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_lists_and_tables_stand_apart(page: Path):
    """A list or table that follows a paragraph without an empty line is one for some readers of Markdown and not for others."""
    lines = prose(page).splitlines()
    starts = re.compile(r"^(- |\d+\. |\|)")
    glued = [
        line
        for before, line in pairwise(lines)
        if starts.match(line) and before.strip() and not starts.match(before) and not before.startswith((" ", "<!--"))
    ]
    assert not glued


def resolves(name: str) -> bool:
    """RETURNS (bool): Whether a dotted name is a module, or something in one."""
    pieces = name.split(".")
    for n in range(len(pieces), 0, -1):
        module = ".".join(pieces[:n])
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not module.startswith(error.name):
                raise
            continue
        for piece in pieces[n:]:
            if not hasattr(found, piece):
                return False
            found = getattr(found, piece)
        return True
    return False


@pytest.mark.parametrize("page", PAGES, ids=names)
def test_names_of_the_code_are_there(page: Path):
    """Modules, functions and files of the repository that a page names exist."""
    text = page.read_text(encoding="utf8")
    dotted = set(re.findall(r"\bxner_spacy(?:\.[A-Za-z_]\w*)+", text))
    files = set(
        re.findall(r"\b(?:xner_spacy|tests|benchmarks|docs|assets|projects)/[\w/.-]+\.(?:py|md|yml|cfg)\b", text)
    )
    assert [name for name in sorted(dotted) if not resolves(name)] == []
    assert [name for name in sorted(files) if "LANG" not in name and not (ROOT / name).exists()] == []


def test_every_registered_part_is_described():
    """Each name that this package registers stands on some page."""
    text = "".join(page.read_text(encoding="utf8") for page in PAGES)
    entries = distribution("xner-spacy").entry_points
    names_of_parts = [entry.name for entry in entries if entry.group != "console_scripts"]
    assert names_of_parts
    assert [name for name in names_of_parts if name not in text] == []


def examples() -> Iterator[Tuple[str, str]]:
    """YIELDS (Tuple[str, str]): The page and code of each example that is marked as tried."""
    for page in PAGES:
        for code in EXAMPLE.findall(page.read_text(encoding="utf8")):
            yield names(page), code


@pytest.mark.parametrize("page, code", list(examples()))
def test_examples_run(page: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    exec(compile(code, page, "exec"), {"__name__": "example"})
