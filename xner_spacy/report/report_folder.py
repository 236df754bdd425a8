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
    figures, manifest = folder / FIGURES, folder / MANIFEST
    if figures.is_symlink():
        raise InputError("is a link, and figures would land elsewhere.", figures, hint="Remove the link.")
    places = {name: _place(folder, name) for name in texts}
    earlier: List[str] = []
    if manifest.exists():
        earlier = read_json(manifest, Manifest, hint="Move the report away, and make it anew.")["files"]
    known = {name: _place(folder, name) for name in earlier}
    for name, place in places.items():
        if name not in known and (place.exists() or place.is_symlink()):
            raise InputError(
                "is there, and no report of ours made it.",
                place,
                hint="Move it away, or name another folder with --study.report. (A report that was made before there "
                f"was a {MANIFEST}: delete its README.md, index.html and figures.)",
            )
    old = [name for name in known if name not in texts]
    # What is removed below still stands in the manifest until it is gone: a run that is killed between leaves nothing
    # that the next one does not know.
    _write({**places, MANIFEST: manifest}, {**texts, MANIFEST: to_json({"files": sorted([*texts, *old])})})
    for name in old:
        known[name].unlink(missing_ok=True)
    if old:
        _write({MANIFEST: manifest}, {MANIFEST: to_json({"files": sorted(texts)})})
    return [*places.values(), manifest]


def _place(folder: Path, name: str) -> Path:
    """RETURNS (Path): Where a file of a report lies. RAISES: XnerError if its name would lead elsewhere."""
    if name.startswith(f"{FIGURES}/"):
        return inside(folder / FIGURES, name.removeprefix(f"{FIGURES}/"))
    return inside(folder, name)


def _write(places: Dict[str, Path], texts: Dict[str, str]) -> None:
    with write_together(list(places.values())) as files:
        for file, text in zip(files, texts.values(), strict=True):
            file.write(text)
