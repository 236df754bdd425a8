"""The one way in which another program is found: by a name that we know, never by a path that a model brings along.

A pipeline folder comes from someone else. What it names is data: if it could name a file, or any program of the
machine (`sh`), loading a model would run code.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Optional, Sequence

from .errors import XnerError


def find_program(name: str, variable: str, known: Sequence[str], *, part: str, install: str = "") -> str:
    """RETURNS (str): The absolute path of a program: what the environment variable names, else the one beside the
    Python in use, else the first in the absolute folders of PATH. Nothing is looked up in the working folder.

    name (str): As a setting gives it. variable (str): The environment variable in which a user may name another place.
    known (Sequence[str]): What a setting may give. part (str): Who asks, for messages. install (str): How to install
    it.
    RAISES: XnerError for another name than the known ones, and for a program that is not there.
    """
    check_program_name(name, variable, known, part=part)
    chosen = os.environ.get(variable, "")
    if chosen and not (Path(chosen).is_absolute() and shutil.which(chosen)):
        raise XnerError(
            f"{part}: {variable} is {chosen!r}, which is not the absolute path of a program.",
            "Correct it, or unset it to use the installed program.",
        )
    place = chosen or find_installed(name)
    if place is None:
        hint = f"{install} Or set {variable} to its place, an absolute path.".strip()
        raise XnerError(f"{part} needs the program {name}, which is not installed.", hint)
    return place


def check_program_name(name: str, variable: str, known: Sequence[str], *, part: str) -> None:
    """RAISES: XnerError if a setting names anything but one of the known programs."""
    if name not in known:
        raise XnerError(
            f"{part} can't be told to run {name!r}: a pipeline may name only {', '.join(known)}.",
            f"To run a program in another place, set the environment variable {variable} to its path.",
        )


def find_installed(name: str) -> Optional[str]:
    """RETURNS (Optional[str]): The absolute path of an installed program, or None. `shutil.which` alone would also look
    into relative folders of PATH, and on Windows into the working folder.
    """
    folders = [str(Path(sys.executable).parent)]
    folders += [p for p in os.environ.get("PATH", "").split(os.pathsep) if Path(p).is_absolute()]
    return next(filter(None, (shutil.which(str(Path(folder) / name)) for folder in folders)), None)
