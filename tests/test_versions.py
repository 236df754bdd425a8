"""`constraints.txt` pins what is tested together: all of it, and nothing that setup.cfg refuses."""

import re
import sys
from configparser import ConfigParser
from importlib.metadata import PackageNotFoundError, distribution, version
from pathlib import Path
from typing import Dict, Iterator, Set, Tuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
# What a build of torch for a graphics card brings; the pinned versions are those of torch itself.
BROUGHT_BY_TORCH = re.compile(r"nvidia-|triton|cuda-")


def locked() -> Dict[str, str]:
    """RETURNS (Dict[str, str]): Versions by package."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): number for name, number in pairs}


def asked(*extras: str) -> Iterator[Requirement]:
    """YIELDS (Requirement): What setup.cfg asks for, with extras."""
    setup = ConfigParser(interpolation=None)
    setup.read(ROOT / "setup.cfg", encoding="utf8")
    lines = [setup["options"]["install_requires"], *(setup["options.extras_require"][extra] for extra in extras)]
    for line in filter(None, "\n".join(lines).splitlines()):
        requirement = Requirement(line)
        if canonicalize_name(requirement.name) == "xner-spacy":
            yield from asked(*sorted(requirement.extras))
        else:
            yield requirement


def everything() -> Set[Tuple[str, str]]:
    """RETURNS (Set[Tuple[str, str]]): Names of all packages below `.[all,dev]`, and who asks for them."""
    todo = [(requirement, "xner-spacy") for requirement in asked("all", "dev")]
    found: Set[Tuple[str, str]] = set()
    known = set()
    while todo:
        requirement, parent = todo.pop()
        name = canonicalize_name(requirement.name)
        found.add((name, parent))
        key = (name, tuple(sorted(requirement.extras)))
        if key in known:
            continue
        known.add(key)
        try:
            below = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        for line in below:
            child = Requirement(line)
            extras = requirement.extras or {""}
            if child.marker is None or any(child.marker.evaluate({"extra": e}) for e in extras):
                todo.append((child, name))
    return found


def test_the_file_names_exact_versions_and_no_place():
    for line in (ROOT / "constraints.txt").read_text(encoding="utf8").splitlines():
        assert re.fullmatch(r"# .+|[A-Za-z0-9._-]+==[0-9][0-9a-z.]*", line), line


def test_the_ranges_admit_the_locked_versions():
    versions = locked()
    requirements = list(asked("all", "dev"))
    assert len(requirements) > 25
    for requirement in requirements:
        assert requirement.specifier.contains(versions[canonicalize_name(requirement.name)]), requirement


def test_nothing_is_left_to_search():
    versions = locked()
    missing = sorted(
        f"{name} (for {parent})"
        for name, parent in everything()
        if name not in versions and not BROUGHT_BY_TORCH.match(name)
    )
    assert not missing, "add to constraints.txt: " + ", ".join(missing)


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="the versions are those of Python 3.11")
def test_the_locked_versions_are_those_that_run_here():
    different = []
    for name, number in locked().items():
        try:
            here = Version(version(name)).public
        except PackageNotFoundError:
            here = "not installed"
        if here != number and name != "setuptools":
            different.append(f"{name}: {number} is locked, {here}")
    assert not different, different
