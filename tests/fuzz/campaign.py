"""Many cases over several processes, and their figures."""

import json
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Dict, List

from .run import Outcome, run_case, save


def preload() -> None:
    """Load what the commands load at first use, so that each case's process has it already."""
    import ctranslate2  # noqa: F401
    import spacy
    import transformers  # noqa: F401

    import xner_spacy.cli.app
    import xner_spacy.distillation.soft.name_types
    import xner_spacy.distillation.soft.retyping
    import xner_spacy.distillation.student.pipes
    import xner_spacy.distillation.student.score_fitting
    import xner_spacy.distillation.teachers.mixtures
    import xner_spacy.distillation.teachers.selection
    import xner_spacy.pipeline.aligner
    import xner_spacy.pipeline.annotator
    import xner_spacy.pipeline.projector
    import xner_spacy.pipeline.student
    import xner_spacy.pipeline.translator  # noqa: F401

    for lang in ("xx", "en", "is"):
        spacy.blank(lang)


def campaign(cases: int, seed: int, base: Path, work: Path, processes: int = 1, first: int = 0) -> List[Outcome]:
    """Run cases `seed:{first}` to `seed:{first + cases - 1}`.

    RETURNS (List[Outcome]): In the order of their numbers.
    """
    started, shown = time.monotonic(), time.monotonic()
    running: Dict[int, str] = {}
    outcomes: Dict[str, Outcome] = {}
    names = [f"{seed}:{number}" for number in range(first, first + cases)]
    todo = iter(names)
    exhausted = False
    while running or not exhausted:
        while len(running) < processes and not exhausted:
            case = next(todo, None)
            if case is None:
                exhausted = True
                break
            sys.stdout.flush()
            pid = os.fork()
            if not pid:
                name = case.replace(":", "-")
                try:
                    outcome = run_case(case, base, work / f"case-{name}")
                except Exception as error:  # noqa: BLE001  (a fault of the campaign is shown, not hidden)
                    outcome = Outcome(case, "judge", f"judge | {type(error).__name__}: {error}")
                try:
                    save(outcome, work / f"{name}.json")
                finally:
                    os._exit(0)
            running[pid] = case
        if not running:
            break
        pid, _ = os.wait()
        case = running.pop(pid, "")
        file = work / f"{case.replace(':', '-')}.json"
        if case and file.exists():
            outcomes[case] = Outcome(**json.loads(file.read_text(encoding="utf8")))
            file.unlink()
            if not outcomes[case].passed:
                print(case, outcomes[case].key, file=sys.stderr, flush=True)
        elif case:
            outcomes[case] = Outcome(case, "judge", "judge | no outcome")
        if time.monotonic() - shown > 30:
            shown = time.monotonic()
            bad = sum(not o.passed for o in outcomes.values())
            each = (shown - started) / max(len(outcomes), 1)
            print(f"{len(outcomes)} cases, {bad} failures, {each:.2f} s each", file=sys.stderr, flush=True)  # fmt: skip
    return [outcomes[name] for name in names if name in outcomes]


def show(outcomes: List[Outcome], seed: int) -> str:
    """RETURNS (str): Figures by outcome, and each distinct failure with how to run it again."""
    kinds = Counter(o.kind for o in outcomes)
    lines = [f"{len(outcomes)} cases, seed {seed}: " + ", ".join(f"{n} {k}" for k, n in kinds.most_common())]  # fmt: skip
    failures = [o for o in outcomes if not o.passed]
    groups: Dict[str, List[Outcome]] = defaultdict(list)
    for outcome in failures:
        groups[outcome.key].append(outcome)
    lines.append(f"{len(failures)} failures, {len(groups)} distinct")
    for key, group in sorted(groups.items(), key=lambda item: -len(item[1])):
        first = group[0]
        lines.append(
            f"{len(group):4}  {key}\n      {' '.join(first.argv)[:150]!r} {first.mutations}\n"
            f"      python -m tests.fuzz --only {first.case}"
        )
    return "\n".join(lines)
