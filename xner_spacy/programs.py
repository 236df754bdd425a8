"""Find external programs, only by names that xner_spacy knows, never by a path from the files of a model.

A pipeline folder may come from somebody else, so the names in it are untrusted data. If it could name a file, or any
installed program (`sh`), loading a model would run code.
"""

import os
import shutil
import sys
from pathlib import Path
from typing import Optional, Sequence

from .errors import XnerError


def find_program(name: str, variable: str, known: Sequence[str], *, part: str, install: str = "") -> str:
    """RETURNS (str): The absolute path of a program: the path in the environment variable, else the program beside the
    Python in use, else the first in the absolute folders of PATH. The working folder is never searched.

    name (str): The name from a setting. variable (str): The environment variable in which a user may set another path.
    known (Sequence[str]): The allowed names. part (str): The part that runs the program, for messages. install (str):
    How to install it.
    RAISES: XnerError for a name that is not in `known`, and for a program that is not installed.
    """
    check_program_name(name, variable, known, part=part)
    configured = os.environ.get(variable, "")
    if configured and not (Path(configured).is_absolute() and shutil.which(configured)):
        raise XnerError(
            f"{part}: {variable} is {configured!r}, which is not the absolute path of a program.",
            "Correct it, or unset it to use the installed program.",
        )
    path = configured or find_installed(name)
    if path is None:
        hint = f"{install} Or set {variable} to its place, an absolute path.".strip()
        raise XnerError(f"{part} needs the program {name}, which is not installed.", hint)
    return path


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
    folders += [folder for folder in os.environ.get("PATH", "").split(os.pathsep) if Path(folder).is_absolute()]
    return next(filter(None, (shutil.which(str(Path(folder) / name)) for folder in folders)), None)
