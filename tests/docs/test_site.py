"""The site is built strictly and without a network, and each page loads in Chromium without errors and without asking one."""

import functools
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Iterator, List

import pytest

from tests.conftest import ROOT

pytest.importorskip("material", reason="needs mkdocs-material: pip install 'xner-spacy[docs]'")
pytest.importorskip("mkdocstrings_handlers.python", reason="needs mkdocstrings: pip install 'xner-spacy[docs]'")

# Names that can't be resolved: what asks a network fails.
NO_NETWORK = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "NO_MKDOCS_2_WARNING": "1"}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **NO_NETWORK}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return folder


@pytest.fixture(scope="module")
def address(site: Path) -> Iterator[str]:
    """Where the site is served, on this machine alone."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def requests(browser: Any) -> List[str]:
    """RETURNS (List[str]): The addresses that the browser has asked for since the last call."""
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def test_reference_pages_come_from_the_code(site: Path):
    commands = (site / "reference/commands.html").read_text(encoding="utf8")
    assert "xner annotate" in commands and "--shard-size" in commands
    parts = (site / "reference/parts.html").read_text(encoding="utf8")
    assert "xner.Lexical.v1" in parts and "threshold = 0.4" in parts
    lexical = (site / "reference/api/alignment.html").read_text(encoding="utf8")
    # Docstrings in Explosion's form are shown as lists of parameters and results, not as run-on lines.
    assert "LexicalAligner" in lexical and "RETURNS (" not in lexical and "Links with a lower probability" in lexical


def test_every_page_loads_by_itself(site: Path, address: str, browser: Any):
    pages = sorted(path.relative_to(site).as_posix() for path in site.glob("**/*.html"))
    assert len(pages) > 40
    problems = []
    for page in pages:
        browser.get(f"{address}/{page}")
        title = browser.title
        errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        outside = [
            url for url in requests(browser) if not url.startswith((address, "data:", "blob:", "about:", "chrome"))
        ]
        if not title or errors or outside:
            problems.append((page, title, errors, outside))
    assert not problems


@pytest.mark.parametrize("width", [360, 1280])
def test_a_page_fits_its_window(address: str, browser: Any, width: int):
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    for page in ("index.html", "tutorial.html", "reference/parts.html"):
        browser.get(f"{address}/{page}")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_search_finds_a_part(address: str, browser: Any):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(f"{address}/index.html")
    field = browser.find_element(By.CSS_SELECTOR, "input.md-search__input")
    browser.execute_script("document.querySelector('#__search').checked = true")
    field.send_keys("Apertium")
    found = WebDriverWait(browser, 30).until(lambda b: b.find_elements(By.CSS_SELECTOR, ".md-search-result__link"))
    assert any("Apertium" in each.get_attribute("textContent") for each in found)
