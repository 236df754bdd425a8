"""What is there for a language: translators, text in XLM-R, labelled data, family (`facts.tsv`, whose head says from where)."""

import csv
from functools import lru_cache
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

from ..languages import CODES, Code, find_code


class ApertiumPair(NamedTuple):
    """Apertium's pair from a language into English."""

    package: str  # Debian's name
    mode: str  # the direction
    megabytes: float  # when it is installed
    script: str  # the script that it reads, ISO 15924


class Facts(NamedTuple):
    """What is known of one language."""

    code: Code  # in its usual script
    family: Tuple[str, ...]  # the widest group first
    xlmr_gib: float  # GiB of text in XLM-R's pretraining, 0 for none
    m2m: str  # the code of M2M-100, or ""
    opus: str  # CODE in opus-mt-CODE-en; "+CODE" is a model of a language family; or ""
    apertium: Optional[ApertiumPair]
    mafand: str  # MAFAND's bitext: "en", "en-test" (dev and test alone), "fr" or ""
    labelled: Dict[str, str]  # name of a labelled data set or pipeline -> its name of the language there


# The columns of labelled data, with their names, the best labels first.
LABELLED = {
    "masakhaner": "MasakhaNER 2.0",
    "uner": "Universal NER",
    "pipeline": "spaCy pipeline",
    "xtreme": "XTREME PAN-X",
    "wikiann": "WikiANN",
}
# WikiANN's labels, of which PAN-X is a part, were made from links by a machine.
SILVER = ("XTREME PAN-X", "WikiANN")


@lru_cache(maxsize=1)
def all_facts() -> Dict[str, Facts]:
    """RETURNS (Dict[str, Facts]): The facts by the ISO 639-3 code, in the order of the table of languages."""
    with Path(__file__).with_name("facts.tsv").open(encoding="utf8", newline="") as file:
        lines = [line for line in file if not line.startswith("#")]
    facts_by_code = {}
    for row in csv.DictReader(lines, delimiter="\t"):
        package, mode, megabytes, script = row["apertium"].split() or ("", "", "0", "")
        facts_by_code[row["iso3"]] = Facts(
            code=CODES[row["iso3"]],
            family=tuple(row["family"].split("/")),
            xlmr_gib=float(row["xlmr_gib"] or 0),
            m2m=row["m2m"],
            opus=row["opus"],
            apertium=ApertiumPair(package, mode, float(megabytes), script) if package else None,
            mafand=row["mafand"],
            labelled={name: row[column] for column, name in LABELLED.items() if row[column]},
        )
    return facts_by_code


class Relative(NamedTuple):
    """A labelled language, and how close it is to another."""

    facts: Facts
    shared: Tuple[str, ...]  # the groups that both belong to, the widest first
    same_script: bool


def labelled_relatives(facts: Facts, script: str) -> List[Relative]:
    """Find labelled languages of the same family: those of the narrowest common group first, then those of the same
    script, then those that people have labelled, then those with text in XLM-R.

    facts (Facts): The language. script (str): How it is written, ISO 15924.
    RETURNS (List[Relative]): The relatives. English is left out: it is the source in any case.
    """
    relatives = []
    for other in all_facts().values():
        shared = _shared(facts.family, other.family)
        if shared and other.labelled and other.code.iso3 not in (facts.code.iso3, "eng"):
            relatives.append(Relative(other, shared, other.code.script == script))
    return sorted(relatives, key=_closeness, reverse=True)


def shared_groups(lang: str, other: str) -> Tuple[str, ...]:
    """RETURNS (Tuple[str, ...]): The groups of families that two languages both belong to, the widest first; none if one
    of them is not in the table. lang, other (str): Codes of the languages.
    """
    facts = [all_facts().get(code.iso3) if code else None for code in (find_code(lang), find_code(other))]
    return _shared(facts[0].family, facts[1].family) if facts[0] and facts[1] else ()


def _closeness(relative: Relative) -> Tuple[int, bool, bool, float]:
    by_people = any(name not in SILVER for name in relative.facts.labelled)
    return len(relative.shared), relative.same_script, by_people, relative.facts.xlmr_gib


def _shared(one: Tuple[str, ...], other: Tuple[str, ...]) -> Tuple[str, ...]:
    """RETURNS (Tuple[str, ...]): The groups that both have in common. Isolates and creoles share none by their heading."""
    n = 0
    while n < min(len(one), len(other)) and one[n] == other[n]:
        n += 1
    return () if one[:n] in (("Isolate",), ("Creole",), ("Constructed",)) else one[:n]
