"""Fixtures that several test modules share."""

import os
import shutil
import signal
from pathlib import Path
from typing import Any, Dict, Iterator, List

import pytest
import spacy
from hypothesis import settings

import xner_spacy  # noqa: F401  (installs the extensions)

# A test is right or wrong, however slow and busy the machine is.
settings.register_profile("any_machine", deadline=None)
settings.load_profile("any_machine")

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"


# Modules that compare numbers: `python -m tests.processors` runs them as on other processors.
NUMBERS = {
    "alignment": ["compiled", "embedding", "hmm", "lexical", "link_matching", "properties", "symmetrize"],
    "annotation": ["ensemble", "gliner", "token_classifier"],
    "distillation": ["bitext_baselines", "losses", "matmul", "network", "soft", "tags_decoding", "teachers_selection"],
    "evaluation": ["alignments", "entities"],
    "pipeline": ["student", "teacher"],
    "projection": ["calibration", "compiled_spans", "heuristics", "matching", "other_projectors", "solvers", "span_score"],
    "roads": ["rule"],
    "translation": ["neural"],
}  # fmt: skip
# Modules that take minutes come first, so that no worker ends with one alone.
LONG = {
    "docs": ["recipes", "site"],
    "exchange": ["benchmark"],
    "fuzz": ["campaign"],
    "recipe": ["recipe"],
    "study": ["run"],
    "workflows": ["all", "sdist", "student_package"],
}


def pytest_collection_modifyitems(items: List[pytest.Item]) -> None:
    """Mark the tests of `NUMBERS`, and put those of `LONG` first."""
    items.sort(key=lambda item: not _is_in(LONG, item))
    for item in items:
        if _is_in(NUMBERS, item):
            item.add_marker("numbers")


def _is_in(modules: Dict[str, List[str]], item: pytest.Item) -> bool:
    return item.path.stem.removeprefix("test_") in modules.get(item.path.parent.name, ())


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data sets, or a skip."""
    if not SHARED.is_dir():
        pytest.skip("needs the data sets in ../shared/data")
    return SHARED


@pytest.fixture()
def signals_heard() -> Iterator[None]:
    """What a test starts hears Ctrl-C and a closed terminal, also where the tests themselves were told not to: jobs
    of a shell in the background are started with the one ignored, `nohup` ignores the other, and children inherit it.
    """
    heard = {signal.SIGINT: signal.default_int_handler}
    if hasattr(signal, "SIGHUP"):
        heard[signal.SIGHUP] = signal.SIG_DFL
    before = {number: signal.signal(number, handler) for number, handler in heard.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


PAIRS = [
    ("Anna lives in Paris .", "Anna býr í París ."),
    ("Jon lives in London .", "Jon býr í London ."),
    ("Anna works for Marel .", "Anna vinnur hjá Marel ."),
    ("Jon works for Marel .", "Jon vinnur hjá Marel ."),
    ("In Paris Anna met Jon .", "Anna hitti Jon í París ."),
    ("Jon met Anna in London .", "Í London hitti Jon Anna ."),
    ("It is raining .", "Það rignir ."),
]
NAMES = {
    "Anna": "PER",
    "Jon": "PER",
    "Paris": "LOC",
    "París": "LOC",
    "London": "LOC",
    "Marel": "ORG",
}


@pytest.fixture()
def bitext(tmp_path: Path) -> "tuple[Path, Path]":
    """A tiny bitext: English and Icelandic, seven sentences many times over."""
    source, target = tmp_path / "en.txt", tmp_path / "is.txt"
    source.write_text("\n".join(s for s, _ in PAIRS * 5) + "\n", encoding="utf8")
    target.write_text("\n".join(t for _, t in PAIRS * 5) + "\n", encoding="utf8")
    return source, target


@pytest.fixture()
def source_model(tmp_path: Path) -> Path:
    """An English pipeline that knows the names of `bitext`, and one label that maps drop."""
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns([{"label": label, "pattern": [{"ORTH": name}]} for name, label in NAMES.items()])
    ruler.add_patterns([{"label": "MISC", "pattern": [{"ORTH": "raining"}]}])
    path = tmp_path / "source_model"
    nlp.to_disk(path)
    return path


@pytest.fixture()
def no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no key and no budget of the user's; and no long waits for servers."""
    from xner_spacy.translation import servers

    for name in list(os.environ):
        if name.lower().endswith("_proxy") or name.startswith(("OPENAI_", "XNER_", "LIBRETRANSLATE_")):
            monkeypatch.delenv(name)
    monkeypatch.setattr(servers, "FIRST_WAIT", 0.01)


@pytest.fixture()
def serve(no_secrets: None) -> Iterator[Any]:
    """Starts chat servers of this process, and ends them after the test."""
    from tests.translation.chat_server import ChatServer

    running: List[Any] = []

    def start(reply: Any) -> Any:
        running.append(ChatServer(reply))
        return running[-1]

    yield start
    for server in running:
        server.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium that writes down what its pages ask for and complain of; or a skip."""
    chromium, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if not (chromium and driver):
        pytest.skip("needs Chromium and its driver (Debian: chromium, chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = chromium
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    window = webdriver.Chrome(options=options, service=Service(driver))
    yield window
    window.quit()
