"""Arrows between the rooms of the package run one way, as the map in CONTRIBUTING.md says."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Dict, Iterator, Set, Tuple

import xner_spacy

ROOT = Path(xner_spacy.__file__).parent
# From the right of the map to its left; modules beside the rooms are below all of them.
FLOORS = [
    {"corpora", "evaluation"},
    {"translation", "annotation", "alignment", "projection", "distillation"},
    {"pipeline"},
    {"study", "report", "roads", "exchange"},
    {"cli"},
    # The recipe is put together from the commands. The command line finds it by its name.
    {"recipe"},
]
HEIGHT = {room: height for height, rooms in enumerate(FLOORS, 1) for room in rooms}


def arrows() -> Iterator[Tuple[str, str, str]]:
    """YIELDS (Tuple[str, str, str]): A room, another that it imports from, and the file; imports inside functions too."""
    for file in ROOT.rglob("*.py"):
        package = ["xner_spacy", *file.relative_to(ROOT).parts[:-1]]
        room = package[1] if len(package) > 1 else ""
        for node in ast.walk(ast.parse(file.read_text(encoding="utf8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                module = node.module.split(".") if node.module else []
                target = [*package[: len(package) - node.level + 1], *module]
                other = target[1] if len(target) > 1 else ""
                if other != room and other in HEIGHT and file.stem != "__main__":
                    yield room, other, str(file.relative_to(ROOT))


def test_every_room_is_on_the_map():
    assert {path.name for path in ROOT.iterdir() if (path / "__init__.py").exists()} == set(HEIGHT)


def test_no_arrow_leads_up():
    found = list(arrows())
    assert len(found) > 100
    assert [arrow for arrow in found if HEIGHT[arrow[1]] > HEIGHT.get(arrow[0], 0)] == []


def test_no_rooms_need_each_other():
    needs: Dict[str, Set[str]] = {}
    for room, other, _ in arrows():
        needs.setdefault(room, set()).add(other)
    assert list(TopologicalSorter(needs).static_order())  # CycleError names a circle
