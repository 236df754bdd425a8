"""What mkdocs does beside docs/*.md: pages from the code, and pages that lie elsewhere in the repository.

README.md is the start page, so that it is written once. Links between files hold in the repository as they stand, and
are turned into links of the site here. A link to a file that is no page of the site becomes its name; one to a file
that is not there ends the build.
"""

import posixpath
import re
import sys
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(Path(__file__).parent))
from reference import pages, rooms  # noqa: E402

# Files of the repository that are pages of the site, with their places there.
ELSEWHERE = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "assets/README.md": "corpus.md",
}
PROJECTS = {path.parent.name: path for path in sorted(ROOT.glob("projects/*/README.md"))}
ELSEWHERE.update({f"projects/{name}/README.md": f"projects/{name}.md" for name in PROJECTS})
# Places of the navigation that are filled here.
FILLED = {
    "API": [{room: f"reference/api/{room}.md"} for room in rooms()],
    "Workflows": [{name: f"projects/{name}.md"} for name in PROJECTS],
}
# A block of code, a link, or code in a line: what stands in code is no link.
LINK = re.compile(
    r"```.*?\n\s*```|(?P<mark>!?)\[(?P<shown>(?:[^\[\]]|\[[^\[\]]*\])*)\]\((?P<target>[^()\s]+)\)|``[^`]+``|`[^`\n]+`",
    re.DOTALL,
)


def on_config(config: Any, **kwargs: Any) -> Any:
    """Fill the places of the navigation that depend on the code and on what lies in projects/."""
    for section in config["nav"]:
        for title, items in section.items():
            if isinstance(items, list):
                filled = [fill(item) for item in items]
                section[title] = [item for item in filled if item != {"Workflows": []}]
    return config


def fill(item: Any) -> Any:
    """RETURNS (Any): An item of the navigation, with its pages where it is one of `FILLED`."""
    title = next(iter(item)) if isinstance(item, dict) else ""
    return {title: FILLED[title]} if title in FILLED else item


def on_files(files: Files, *, config: Any, **kwargs: Any) -> Files:
    """Add the pages that are not files of docs/, and give a page of a folder another name than its README has."""
    for uri, text in pages().items():
        files.append(File.generated(config, uri, content=text))
    for source, uri in ELSEWHERE.items():
        text = (ROOT / source).read_text(encoding="utf8")
        files.append(File.generated(config, uri, content=relink(text, source, uri)))
    for file in files:
        # README.md of a folder becomes its index.html.
        if file.src_uri.endswith("/index.html"):
            file.dest_uri = posixpath.join(posixpath.dirname(file.src_uri), "page.html")
    return files


def on_page_markdown(markdown: str, *, page: Any, **kwargs: Any) -> str:
    """Turn links that hold in the repository into links of the site."""
    if page.file.generated_by is not None:
        return markdown
    return relink(markdown, f"docs/{page.file.src_uri}", page.file.src_uri)


def relink(text: str, source: str, uri: str) -> str:
    """RETURNS (str): The text of a file of the repository with links for its place on the site."""

    def one(match: "re.Match[str]") -> str:
        mark, shown, target = match.group("mark", "shown", "target")
        path, _, anchor = (target or "").partition("#")
        if not path or re.match(r"[a-z]+:", target):
            return match.group()
        place = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if not (ROOT / place).exists():
            raise PluginError(f"{source} links to {target}, which is not there")
        if place in ELSEWHERE:
            place = ELSEWHERE[place]
        elif place.startswith("docs/") and (ROOT / place).is_file():
            place = place[len("docs/") :]
        else:
            return shown
        link = posixpath.relpath(place, posixpath.dirname(uri) or ".")
        return f"{mark}[{shown}]({link}{'#' + anchor if anchor else ''})"

    return LINK.sub(one, text)
