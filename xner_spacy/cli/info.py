"""`xner info`: versions, what is installed, and the registered parts."""

import platform
from typing import Callable, List, Tuple

from ..about import __version__
from ..corpora.watching import installed
from ..languages import PLAIN, all_codes, choose_tokenizer
from ..programs import find_installed
from ..registry import REGISTRIES, registry
from ..translation.apertium import PROGRAMS
from ..types import Json
from .options import command
from .output import say, table

PACKAGES = (
    "spacy", "weasel", "numpy", "scipy", "torch", "spacy-transformers", "transformers", "simalign", "ctranslate2", "ray", "eflomal",
)  # fmt: skip


def language_rows() -> List[Tuple[str, ...]]:
    """RETURNS (List[Tuple[str, ...]]): A row a language and script, `-` for what it lacks. The tokenizer is spaCy's
    general one where nothing is said.
    """
    rows = []
    for code in all_codes():
        choice = choose_tokenizer(code.flores or code.iso3)
        name = choice.tokenizer["@tokenizers"]
        cells = (
            code.iso3, code.iso1, code.flores, code.spacy, "" if name == PLAIN else name, code.name,
        )  # fmt: skip
        rows.append(tuple(cell or "-" for cell in cells))
    return rows


def info() -> Json:
    """Versions of what is installed, external programs, and the registered parts.

    RETURNS (Json): `python`, `platform`, `packages` and `programs` (None = absent), and `parts` by registry.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {**dict.fromkeys(PACKAGES), **installed(PACKAGES)},
        "programs": {name: find_installed(name) for name in PROGRAMS},
        "parts": {
            name: sorted(
                {p.name for p in getattr(registry, name)._get_entry_points()} | set(getattr(registry, name).get_all())
            )
            for name in REGISTRIES
        },
    }


@command(info)
def info_cli(call: Callable[[], Json], languages: bool = False) -> None:
    """Show them, or the languages.

    languages (bool): List the languages and their codes instead.
    """
    if languages:
        say(table(("ISO 639-3", "639-1", "FLORES-200", "spaCy", "tokenizer", "name"), language_rows()))
        return
    found = call()
    say(f"xner-spacy {__version__}, Python {found['python']}, {found['platform']}")
    for name, number in found["packages"].items():
        say(f"  {name:<20}{number or '-'}")
    for name, place in found["programs"].items():
        say(f"  {name:<20}{place or '-'}")
    for name, parts in found["parts"].items():
        say(f"{name}: {', '.join(parts)}")
