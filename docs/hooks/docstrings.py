"""Makes docstrings in Explosion's form readable for mkdocstrings.

Lines such as `name (Type): What it is.`, `RETURNS (Type): ...`, `YIELDS` and `RAISES: ...` become the sections that
mkdocstrings shows as lists of parameters, results and errors.
"""

import re
from typing import Any, Dict, List

from griffe import Extension, Object

PARAMETER = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*) \(([^()]*(?:\([^()]*\)[^()]*)*)\): (.*)$")
OUTCOME = re.compile(r"^(RETURNS|YIELDS|RAISES)(?: \(([^()]*(?:\([^()]*\)[^()]*)*)\))?: ?(.*)$")
# An outcome that stands behind a sentence, on the same line.
BEHIND = re.compile(r"(?<=[.)]) (?=(?:RETURNS|YIELDS|RAISES)(?: \(|: ))")
SECTIONS = {"PARAMETER": "Args", "RETURNS": "Returns", "YIELDS": "Yields", "RAISES": "Raises"}


def sections(text: str) -> str:
    """RETURNS (str): The docstring with its parameters, results and errors as sections of their own, after the prose."""
    prose: List[str] = []
    items: Dict[str, List[List[str]]] = {kind: [] for kind in SECTIONS}
    current = prose
    fenced = False
    for line in BEHIND.sub("\n", text).splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
        outcome = None if fenced else OUTCOME.match(line)
        parameter = None if fenced or outcome else PARAMETER.match(line)
        if parameter:
            names, kind, rest = parameter.groups()
            current = [f"{names} ({kind}): {rest}"]
            items["PARAMETER"].append(current)
        elif outcome:
            word, kind, rest = outcome.groups()
            # "RAISES: XnerError for ..." names the error first.
            current = [f"{kind}: {rest}" if kind else rest if word != "RAISES" else _error(rest)]
            items[word].append(current)
        elif not line.strip():
            current = prose
            prose.append("")
        else:
            current.append(line)
    lines = prose
    for kind, title in SECTIONS.items():
        if items[kind]:
            lines += ["", f"{title}:"]
            lines += [
                f"    {'    ' * (number > 0)}{line.strip()}" for item in items[kind] for number, line in enumerate(item)
            ]
    return "\n".join(lines).strip()


def _error(rest: str) -> str:
    name, _, reason = rest.partition(" ")
    return f"{name.rstrip(':,')}: {reason}"


class ExplosionDocstrings(Extension):
    """Rewrites each docstring when it is loaded."""

    def on_object(self, *, obj: Object, **kwargs: Any) -> None:
        """Called by griffe for each module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = sections(obj.docstring.value)
