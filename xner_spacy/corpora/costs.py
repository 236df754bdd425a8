"""What a run over a corpus would cost, where parts of its pipeline ask a paid server."""

from typing import Dict, Iterable, List

from spacy.language import Language
from spacy.tokens import Doc

from ..docdata import FAULT_KEY
from ..types import Cost


def estimate_costs(nlp: Language, batches: Iterable[List[Doc]]) -> Dict[str, Cost]:
    """RETURNS (Dict[str, Cost]): By component, about what it would cost to run a pipeline over the Docs. Nothing is
    asked. Empty if no component costs anything; then the Docs are not read.
    """
    paid = {name: pipe.estimate([]) for name, pipe in nlp.pipeline if hasattr(pipe, "estimate")}
    costs: Dict[str, Cost] = {name: cost for name, cost in paid.items() if cost is not None}
    for batch in batches if costs else ():
        docs = [doc for doc in batch if FAULT_KEY not in doc.user_data]
        for name in paid:
            cost = nlp.get_pipe(name).estimate(docs)  # type: ignore[attr-defined]
            if cost is not None:
                costs[name] = _sum(costs[name], cost)
    return costs


def usage_of(nlp: Language) -> Dict[str, int]:
    """RETURNS (Dict[str, int]): The requests and tokens that the components of a pipeline have used in this process."""
    usage: Dict[str, int] = {}
    for name, pipe in nlp.pipeline:
        for what, number in getattr(getattr(pipe, "part", None), "usage", {}).items():
            usage[f"{name}: {what}"] = number
    return usage


def _sum(first: Cost, second: Cost) -> Cost:
    money = None if first.money is None or second.money is None else first.money + second.money
    return second._replace(
        texts=first.texts + second.texts,
        input_tokens=first.input_tokens + second.input_tokens,
        output_tokens=first.output_tokens + second.output_tokens,
        money=money,
    )
