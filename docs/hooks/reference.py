"""Pages that are made from the code: the commands, the registered parts, the configs and the API."""

import inspect
import pkgutil
import re
from importlib.metadata import EntryPoint, distribution
from typing import Any, Dict, Iterator, List, Tuple

from spacy.language import Language
from typer.testing import CliRunner

import xner_spacy
from xner_spacy.cli.app import app
from xner_spacy.cli.init_config import BASES, base_config

GENERATED = "<!-- Made from the code when the site is built. -->\n"
# Groups of entry points, by what their parts are for.
GROUPS = {
    "spacy_factories": "Components of a pipeline (`nlp.add_pipe`)",
    "spacy_xner_translators": "Translators (`@xner_translators`)",
    "spacy_xner_annotators": "Annotators (`@xner_annotators`)",
    "spacy_xner_aligners": "Aligners (`@xner_aligners`)",
    "spacy_xner_projectors": "Projectors (`@xner_projectors`)",
    "spacy_xner_candidates": "Candidates of `xner.Matching.v1` (`@xner_candidates`)",
    "spacy_xner_scores": "Scores of `xner.Matching.v1` (`@xner_scores`)",
    "spacy_xner_retypers": "What gives names other types (`@xner_retypers`, `xner retype`)",
    "spacy_xner_queues": "What to correct first (`@xner_queues`, `xner export`)",
    "spacy_architectures": "Models (`@architectures`)",
    "thinc_losses": "Losses of a student (`@losses`)",
    "thinc_layers": "Layers (`@layers`)",
    "spacy_readers": "Readers of corpora (`@readers`)",
    "spacy_callbacks": "Callbacks (`@callbacks`)",
    "spacy_tokenizers": "Tokenizers (`@tokenizers`)",
    "spacy_misc": "Others (`@misc`)",
}


def pages() -> Dict[str, str]:
    """RETURNS (Dict[str, str]): The Markdown of each page by its name below docs/."""
    found = {
        "reference/commands.md": commands(),
        "reference/parts.md": parts(),
        "reference/configs.md": configs(),
    }
    for room, modules in rooms().items():
        found[f"reference/api/{room}.md"] = api(room, modules)
    return found


def escape(text: str) -> str:
    """RETURNS (str): A text as one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def table(head: Tuple[str, ...], rows: List[Tuple[str, ...]]) -> List[str]:
    """RETURNS (List[str]): The lines of a table."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def code(text: str) -> str:
    """RETURNS (str): A text as code in a cell of a table; nothing for an empty one."""
    return f"`{' '.join(text.split())}`" if text else ""


# Commands


def commands() -> str:
    """RETURNS (str): Each command with its arguments, options and defaults, as `--help` tells them."""
    lines = ["# Commands", "", GENERATED, "What `xner COMMAND --help` tells, of all commands.", ""]
    return "\n".join(lines + [line for name in leaves([]) for line in describe(name)])


def show_help(command: List[str]) -> Dict[str, List[str]]:
    """RETURNS (Dict[str, List[str]]): The lines of a command's help by their headings; "" holds usage and description."""
    shown = CliRunner().invoke(app, [*command, "--help"], prog_name="xner", terminal_width=5000)
    parts: Dict[str, List[str]] = {"": []}
    title = ""
    for line in shown.output.splitlines():
        if line in ("Arguments:", "Options:", "Commands:"):
            title = line[:-1]
            parts[title] = []
        else:
            parts[title].append(line)
    return parts


def leaves(command: List[str]) -> Iterator[List[str]]:
    """YIELDS (List[str]): Each command below this one that has no commands of its own."""
    below = [line.split()[0] for line in show_help(command).get("Commands", []) if line.strip()]
    if not below:
        yield command
    for name in below:
        yield from leaves([*command, name])


def entries_of(lines: List[str]) -> List[Tuple[str, str]]:
    """RETURNS (List[Tuple[str, str]]): The names and texts of arguments or options; below a long name the text is indented."""
    pairs: List[Tuple[str, str]] = []
    for line in filter(str.strip, lines):
        if line.startswith("   "):
            pairs[-1] = (pairs[-1][0], f"{pairs[-1][1]} {line.strip()}")
        else:
            name, *text = re.split(r" {2,}", line.strip(), maxsplit=1)
            pairs.append((name, "".join(text)))
    return pairs


def describe(command: List[str]) -> List[str]:
    """RETURNS (List[str]): One command as a section."""
    help_text = show_help(command)
    usage, *description = help_text[""]
    lines = [f"## xner {' '.join(command)}", "", *(line.strip() for line in description), ""]
    lines += ["```text", usage.replace("Usage: ", ""), "```", ""]
    for title in ("Arguments", "Options"):
        rows = [(code(name), escape(text)) for name, text in entries_of(help_text.get(title, [])) if name != "--help"]
        if rows:
            lines += table((title[:-1].lower(), "what it is" if title == "Arguments" else "what it does"), rows)
    return lines


# Parts


def parts() -> str:
    """RETURNS (str): Every registered part: its name, what it is, its settings and where it lies."""
    lines = [
        "# Registered parts",
        "",
        GENERATED,
        "A part is named in a config by its registry and its name. It is found through the entry points of the installed",
        "package, so nothing has to be imported. A setting without a value has no default.",
        "",
    ]
    for group, title in GROUPS.items():
        members = sorted(entries(group), key=lambda entry: entry.name)
        if members:
            lines += [
                f"## {title}",
                "",
                *table(("name", "what it is", "settings", "where"), [part(e) for e in members]),
            ]
    return "\n".join(lines)


def entries(group: str) -> List[EntryPoint]:
    """RETURNS (List[EntryPoint]): What this package registers in a group."""
    return [entry for entry in distribution("xner-spacy").entry_points if entry.group == group]


def show(value: Any) -> str:
    """RETURNS (str): A default; of a section only the name of its part."""
    if not isinstance(value, dict):
        return repr(value)
    return next((f"{key} {name}" for key, name in value.items() if key.startswith("@")), "{...}")


def part(entry: EntryPoint) -> Tuple[str, str, str, str]:
    """RETURNS (Tuple[str, str, str, str]): One part as a row."""
    target = entry.load()
    doc = inspect.getdoc(target) or ""
    if entry.group == "spacy_factories":
        # What a factory makes is said by its module, and its defaults are those that spaCy knows.
        doc = inspect.getdoc(inspect.getmodule(target)) or doc
        settings = [
            f"{key} = {show(value)}" for key, value in Language.get_factory_meta(entry.name).default_config.items()
        ]
    else:
        settings = [
            name if parameter.default is parameter.empty else f"{name} = {parameter.default!r}"
            for name, parameter in inspect.signature(target).parameters.items()
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
        ]
    path = f"{target.__module__}.{target.__qualname__}"
    room = target.__module__.split(".")[1]
    shown = "<br>".join(code(each) for each in settings)
    where = f"[`{target.__qualname__}`](api/{room}.md#{path})"
    return code(entry.name), escape(doc.split("\n\n")[0]), shown, where


# Configs


def configs() -> str:
    """RETURNS (str): What `xner init-config` makes, with its choices and the whole config of each base."""
    lines = [
        "# Configs",
        "",
        GENERATED,
        "`xner init-config BASE OUT.cfg --lang LANG` writes the whole config of a pipeline. These are the bases with their",
        "options; the first choice of each is the default.",
        "",
    ]
    rows = [
        (code(base), code(f"--{name}"), ", ".join(code(choice) for choice in choices))
        for base, options in BASES.items()
        for name, choices in options.items()
    ]
    lines += table(("base", "option", "choices"), rows)
    for base in BASES:
        shown = base_config(base).to_str(interpolate=False)
        lines += [f"## {base}", "", f"What `xner init-config {base}` writes before it sets the language.", ""]
        lines += ["```ini", shown, "```", ""]
    return "\n".join(lines)


# The API


def rooms() -> Dict[str, List[str]]:
    """RETURNS (Dict[str, List[str]]): The public modules of each room of the package; those beside them are rooms."""
    found: Dict[str, List[str]] = {}
    for info in pkgutil.walk_packages(xner_spacy.__path__, "xner_spacy."):
        names = info.name.split(".")
        if not any(name.startswith("_") for name in names):
            found.setdefault(names[1], []).append(info.name)
    return {room: found[room] for room in sorted(found)}


def api(room: str, modules: List[str]) -> str:
    """RETURNS (str): The page of a room, filled by mkdocstrings."""
    lines = [f"# xner_spacy.{room}", "", GENERATED]
    for module in modules:
        lines += [f"::: {module}", "    options: {show_submodules: false}", ""]
    return "\n".join(lines)
