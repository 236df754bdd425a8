"""Names of countries and regions of the world in many languages, from the tables of Babel (Unicode's CLDR)."""

from typing import Dict, Iterable

from ...errors import MissingExtraError
from ...languages import codes_of, find_code, unknown_language
from ...spelling import fold

ANY_LANGUAGE = "xx"
# Codes of CLDR for what is no place: unions, an unknown region, and two made-up ones for tests of software.
NO_PLACES = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ"})


def country_key(words: Iterable[str]) -> str:
    """RETURNS (str): What a name is looked up by: its letters and digits, folded, however it is split into words."""
    return "".join(char for word in words for char in fold(word) if char.isalnum())


def country_names(lang: str) -> Dict[str, str]:
    """Read what a language calls countries and regions of the world, and what English calls them.

    lang (str): A code of the table of languages, or "xx". If Babel does not know the language, English is left.
    RETURNS (Dict[str, str]): "country" or "region" for the `country_key` of each name.
    RAISES: XnerError for an unknown language, MissingExtraError without Babel.
    """
    if lang != ANY_LANGUAGE and find_code(lang) is None:
        raise unknown_language(lang)
    try:
        from babel import Locale, localedata
    except ImportError as error:
        raise MissingExtraError("The setting countries of xner.NameTypes.v1", "countries") from error
    kinds: Dict[str, str] = {}
    # English last, then the language's own name decides where one word is a country here and a region there.
    for code in [*sorted(filter(localedata.exists, codes_of(lang))), "en"]:
        for territory, name in Locale.parse(code).territories.items():
            if territory not in NO_PLACES:
                # Regions have numbers: 002 is Africa.
                kinds.setdefault(country_key([name]), "region" if territory.isdigit() else "country")
    kinds.pop("", None)
    return kinds
