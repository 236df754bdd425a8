"""Options that several commands have, and the bounds of their numbers."""

from typing import Any, List, Optional

import typer

from ..errors import XnerError
from ..evaluation.entities import MOST_SAMPLES

# NumPy takes seeds of 32 bits.
LARGEST_SEED = 2**32 - 1
LARGEST_SIZE = 10**9


def seed_option(of: str, default: int = 0) -> Any:
    """RETURNS (Any): `--seed`. of (str): What it is the seed of."""
    return typer.Option(default, "--seed", min=0, max=LARGEST_SEED, help=f"Seed of the {of}.")


def samples_option(default: int, text: str) -> Any:
    """RETURNS (Any): `--samples`, how often figures are drawn anew for their interval."""
    return typer.Option(default, "--samples", min=1, max=MOST_SAMPLES, help=text)


def size_option(default: int, flag: str, text: str, largest: int = LARGEST_SIZE) -> Any:
    """RETURNS (Any): An option with a whole number from 1."""
    return typer.Option(default, flag, min=1, max=largest, help=text)


def share_option(default: float, flag: str, text: str, *, ends: bool = True) -> Any:
    """A share.

    ends (bool): Whether 0 and 1 are shares too. RETURNS (Any): An option with a number from 0 to 1.
    """

    def check(value: Optional[float]) -> Optional[float]:
        # Comparisons with NaN are false, so that a range alone lets it through.
        if value is not None and not (0 <= value <= 1 and (ends or value not in (0, 1))):
            between = "from 0 to 1" if ends else "between 0 and 1"
            raise XnerError(f"{flag} {value:g} is not a share: give a number {between}.")
        return value

    return typer.Option(default, flag, callback=check, help=text)


def label_list(text: Optional[str]) -> Optional[List[str]]:
    """RETURNS (Optional[List[str]]): Labels that are given with commas between them, None where none are given. RAISES:
    XnerError if one is empty.
    """
    if text is None:
        return None
    labels = [label.strip() for label in text.split(",")]
    if not all(labels):
        raise XnerError(f"--labels {text!r} has an empty label.", "For instance: --labels PER,LOC,ORG")
    return labels
