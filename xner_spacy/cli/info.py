"""`xner info`: versions, what is installed, and the registered parts."""

import platform
from typing import Callable

from .. import native
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


def info() -> Json:
    """Versions of what is installed, external programs, and the registered parts.

    RETURNS (Json): `python`, `platform`, `packages` and `programs` (None = absent), whether this package's `compiled`
        part is installed, and `parts` by registry.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {**dict.fromkeys(PACKAGES), **installed(PACKAGES)},
        "programs": {name: find_installed(name) for name in PROGRAMS},
        "compiled": native.LIBRARY is not None,
        "parts": {name: sorted(getattr(registry, name).get_all()) for name in REGISTRIES},
    }


@command(info)
def info_cli(call: Callable[[], Json], languages: bool = False) -> None:
    """Print this information, or the languages.

    languages (bool): List the languages and their codes instead.
    """
    if languages:
        rows = []
        for code in all_codes():
            tokenizer = choose_tokenizer(code.flores or code.iso3).tokenizer["@tokenizers"]
            # An empty cell means spaCy's general tokenizer.
            shown = "" if tokenizer == PLAIN else tokenizer
            rows.append([cell or "-" for cell in (code.iso3, code.iso1, code.flores, code.spacy, shown, code.name)])
        say(table(("ISO 639-3", "639-1", "FLORES-200", "spaCy", "tokenizer", "name"), rows))
        return
    facts = call()
    say(f"xner-spacy {__version__}, Python {facts['python']}, {facts['platform']}")
    for name, version_or_path in (facts["packages"] | facts["programs"]).items():
        say(f"  {name:<20}{version_or_path or '-'}")
    say(f"  {'compiled part':<20}{'yes' if facts['compiled'] else 'no (slower, the same results)'}")
    for name, parts in facts["parts"].items():
        say(f"{name}: {', '.join(parts)}")
