"""The folder of a report: what is ours in it stands in a manifest, and nothing else is replaced or removed."""

from pathlib import Path
from typing import Dict, List

from typing_extensions import TypedDict

from ..corpora.reading import read_json
from ..corpora.writing import inside, to_json, write_together
from ..errors import InputError

MANIFEST = "report.json"
FIGURES = "figures"


class Manifest(TypedDict):
    """What the manifest holds: the names of the report's files, with `/` between folder and file."""

    files: List[str]


def write_folder(folder: Path, texts: Dict[str, str]) -> List[Path]:
    """Write the files of a report, all or none. Those of an earlier report that this one has no more are removed.

    folder (Path): Made where it is missing. texts (Dict[str, str]): The files by name; those in `figures/` are named
        `figures/NAME`.
    RETURNS (List[Path]): The files. RAISES: InputError where a file is in the way that no report of ours made.
    """
    if (folder / FIGURES).is_symlink():
        raise InputError(
            "is a link, and figures would land elsewhere.",
            folder / FIGURES,
            hint="Remove the link.",
        )
    places = {name: place_of(folder, name) for name in texts}
    manifest = folder / MANIFEST
    ours = _earlier(manifest)
    for name, place in places.items():
        if name not in ours and (place.exists() or place.is_symlink()):
            raise InputError(
                "is there, and no report of ours made it.",
                place,
                hint="Move it away, or name another folder with --study.report. (A report that was made before there "
                f"was a {MANIFEST}: delete its README.md, index.html and figures.)",
            )
    old = {name: place_of(folder, name) for name in ours if name not in texts}
    # What is removed below still stands in the manifest until it is gone: a run that is killed between leaves nothing
    # that the next one does not know.
    _write({**places, MANIFEST: manifest}, {**texts, MANIFEST: _manifest([*texts, *old])})
    for place in old.values():
        place.unlink(missing_ok=True)
    if old:
        _write({MANIFEST: manifest}, {MANIFEST: _manifest(list(texts))})
    return [*places.values(), manifest]


def place_of(folder: Path, name: str) -> Path:
    """RETURNS (Path): Where a file of a report lies. RAISES: XnerError if its name would lead elsewhere."""
    if name.startswith(f"{FIGURES}/"):
        return inside(folder / FIGURES, name.removeprefix(f"{FIGURES}/"))
    return inside(folder, name)


def _earlier(manifest: Path) -> List[str]:
    if not manifest.exists():
        return []
    files = read_json(manifest, Manifest, hint="Move the report away, and make it anew.")["files"]
    for name in files:
        place_of(manifest.parent, name)
    return files


def _manifest(names: List[str]) -> str:
    return to_json({"files": sorted(names)})


def _write(places: Dict[str, Path], texts: Dict[str, str]) -> None:
    with write_together(list(places.values())) as files:
        for file, text in zip(files, texts.values(), strict=True):
            file.write(text)
