"""The page of `xner view` in a real headless Chromium: served, and as a file."""

import json
import threading
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import pytest

from tests.report.colours import contrast
from xner_spacy.report.view.comparing import Rows
from xner_spacy.report.view.pages import Pages, write_page
from xner_spacy.report.view.server import Server

from .toy import gold_file, other_run, toy_doc, toy_run

pytest.importorskip("selenium", reason="needs selenium")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

SIZES = {
    360: {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True},
    768: {"width": 768, "height": 1024, "deviceScaleFactor": 1, "mobile": False},
    1280: {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False},
}
TIMES = 9  # of five sentences: three pages


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    folder = tmp_path_factory.mktemp("seen")
    return Rows(
        toy_run(folder / "a.spacy", TIMES), other_run(folder / "b.spacy", TIMES), gold_file(folder / "g.spacy", TIMES)
    )


@pytest.fixture(scope="module")
def addresses(rows: Rows, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dict[str, str]]:
    file = tmp_path_factory.mktemp("page") / "page.html"
    write_page(rows, file, limit=1000)
    server = Server(Pages(rows))
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    while server.index.done < len(rows):
        time.sleep(0.01)
    yield {"file": file.as_uri(), "server": server.address}
    server.stop()
    thread.join()
    server.close()


def show(browser: Any, address: str, width: int = 1280, scheme: str = "light") -> Any:
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", SIZES[width])
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": "screen"})
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get("about:blank")
    browser.get(address)
    until(browser, lambda: "sentence" in status(browser))
    return browser


def until(browser: Any, holds: Callable[[], Any]) -> None:
    """Wait until something holds, and the page is not waiting for its server."""
    end = time.monotonic() + 20
    while not (holds() and browser.execute_script("return !document.querySelector('#rows').ariaBusy")):
        assert time.monotonic() < end
        time.sleep(0.03)


def status(browser: Any) -> str:
    return str(browser.execute_script("return document.getElementById('status').textContent"))


def numbers(browser: Any) -> List[int]:
    script = "return [...document.querySelectorAll('#rows > article')].map(a => Number(a.dataset.number))"
    return list(browser.execute_script(script))


def set_field(browser: Any, name: str, value: str) -> None:
    script = """const field = document.getElementById(arguments[0]); field.value = arguments[1];
        field.dispatchEvent(new Event(field.id === "text" ? "input" : "change"));"""
    browser.execute_script(script, name, value)


def press(browser: Any, *keys: str) -> None:
    ActionChains(browser).send_keys(*keys).perform()


def focused(browser: Any) -> str:
    return str(browser.execute_script("return document.activeElement.id"))


BOTH = pytest.mark.parametrize("mode", ["file", "server"])


@BOTH
def test_it_opens_without_an_error_and_asks_for_nothing_else(browser: Any, addresses: Any, mode: str) -> None:
    show(browser, addresses[mode])
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert addresses[mode] in asked
    own = addresses[mode]
    assert all(url.startswith("data:") or (url == own if mode == "file" else url.startswith(own)) for url in asked)


@BOTH
def test_a_sentence_of_a_script_is_a_sentence(browser: Any, addresses: Any, mode: str) -> None:
    show(browser, addresses[mode])
    assert browser.title.startswith("xner view")
    shown, elements = browser.execute_script(
        """return [document.querySelector("#s3 .xner-text").textContent,
        document.querySelectorAll("#rows script, #rows i, #rows .xner-text b > b").length]"""
    )
    assert "<script>document.title='taken'</script>" in shown and "<b>Jón</b>" in shown
    assert elements == 0


@BOTH
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", SIZES)
def test_nothing_is_cut_off(browser: Any, addresses: Any, mode: str, width: int, scheme: str) -> None:
    show(browser, addresses[mode], width, scheme)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    for _ in range(2):
        wide, beyond, clipped = browser.execute_script(
            """const seen = e => e.checkVisibility() && !e.closest(".skip, .xner-hidden, .xner-links .xner-has-cells .xner-lines");
            const outside = e => seen(e) && (e.getBoundingClientRect().right > innerWidth + 1
                || e.getBoundingClientRect().left < -1);
            const cut = e => seen(e) && getComputedStyle(e).overflowX !== "visible"
                && !["INPUT", "SELECT"].includes(e.tagName) && e.scrollWidth > e.clientWidth + 1;
            const all = [...document.querySelectorAll("body *")], name = e => e.tagName + "." + (e.className.baseVal ?? e.className);
            return [document.documentElement.scrollWidth, all.filter(outside).map(name), all.filter(cut).map(name)]"""
        )
        assert wide <= width and beyond == [] and clipped == []
        # The same holds for the lines without links.
        press_button(browser, "links")


def press_button(browser: Any, name: str) -> None:
    browser.execute_script("document.getElementById(arguments[0]).click()", name)


@pytest.mark.parametrize("width", SIZES)
def test_words_do_not_lie_on_each_other(browser: Any, addresses: Any, width: int) -> None:
    show(browser, addresses["file"], width)
    overlaps = browser.execute_script(
        """const found = [];
        for (const row of document.querySelectorAll(".xner-row")) {
            if (!row.checkVisibility()) continue;
            const boxes = [...row.querySelectorAll(".xner-token")].map(token => {
                const range = document.createRange(); range.selectNodeContents(token);
                return [range.getBoundingClientRect(), token.textContent];
            });
            for (let k = 1; k < boxes.length; k++)
                if (boxes[k][0].left < boxes[k - 1][0].right - 1) found.push(boxes[k - 1][1] + "|" + boxes[k][1]);
        }
        return found"""
    )
    assert overlaps == []


def test_links_lead_from_word_to_word(browser: Any, addresses: Any) -> None:
    show(browser, addresses["file"])
    pairs = browser.execute_script(
        """const middle = e => { const box = e.getBoundingClientRect(); return (box.left + box.right) / 2; };
        const cells = [...document.querySelectorAll("#s1 .panel:first-child .xner-cell")].filter(c => c.checkVisibility());
        return cells.map(cell => {
            const path = cell.querySelector("path"), matrix = path.getScreenCTM();
            const at = length => path.getPointAtLength(length).matrixTransform(matrix).x;
            return [path.querySelector("title").textContent, at(0) - middle(cell.querySelector(".xner-target .xner-token")),
                at(path.getTotalLength()) - middle(cell.querySelector(".xner-source .xner-token"))];
        })"""
    )
    assert [title.split(" (")[0] for title, *_ in pairs] == [
        "Anna – Anna", "býr – lives", "í – in", "París – Paris", ". – ."
    ]  # fmt: skip
    assert all(abs(offset) < 5 for _, *offsets in pairs for offset in offsets), pairs


@BOTH
def test_filters_and_order(browser: Any, addresses: Any, mode: str) -> None:
    show(browser, addresses[mode])
    assert numbers(browser) == list(range(20)) and f"{5 * TIMES} sentences in all; here: 1 to 20." in status(browser)

    def after(name: str, value: str, expected: List[int], total: int) -> None:
        set_field(browser, name, value)
        until(browser, lambda: f"{total} sentences that fit" in status(browser) or total == 5 * TIMES)
        until(browser, lambda: numbers(browser) == expected[:20])

    after("label", "ORG", list(range(1, 5 * TIMES, 5)), TIMES)
    after("label", "", list(range(20)), 5 * TIMES)
    after("text", "strasse", list(range(4, 5 * TIMES, 5)), TIMES)
    after("text", "", list(range(20)), 5 * TIMES)
    after("high", "0.45", list(range(1, 5 * TIMES, 5)), TIMES)
    after("high", "1", list(range(20)), 5 * TIMES)
    after("reason", "no_candidate", list(range(2, 5 * TIMES, 5)), TIMES)
    after("reason", "", list(range(20)), 5 * TIMES)
    after("error", "spurious", list(range(2, 5 * TIMES, 5)), TIMES)
    after("error", "", list(range(20)), 5 * TIMES)
    doubtful = [n for k in (1, 0, 2, 3, 4) for n in range(k, 5 * TIMES, 5)]
    lowest = sorted(range(5 * TIMES), key=lambda n: ({0: 0.5, 1: 0.42, 2: 0.5, 3: 2, 4: 2}[n % 5], n))
    assert doubtful[:TIMES] == lowest[:TIMES]
    after("order", "doubt", lowest, 5 * TIMES)
    press_button(browser, "differs")
    until(browser, lambda: f"{3 * TIMES} sentences that fit" in status(browser))
    assert numbers(browser) == lowest[:20]
    press_button(browser, "clear")
    until(browser, lambda: numbers(browser) == list(range(20)))
    set_field(browser, "text", "nothing has this")
    until(browser, lambda: status(browser) == "No sentence fits.")


@BOTH
def test_the_keyboard_is_enough(browser: Any, addresses: Any, mode: str) -> None:
    show(browser, addresses[mode])
    press(browser, Keys.TAB, Keys.ENTER)
    until(browser, lambda: focused(browser) == "rows")
    press(browser, "j")
    assert focused(browser) == "s1"
    press(browser, "jjk")
    assert focused(browser) == "s2"
    press(browser, "n")
    until(browser, lambda: numbers(browser) == list(range(20, 40)))
    press(browser, "p")
    until(browser, lambda: numbers(browser) == list(range(20)))
    browser.execute_script("document.getElementById('s20').focus()")
    press(browser, "j")
    until(browser, lambda: focused(browser) == "s21")
    press(browser, "k")
    until(browser, lambda: focused(browser) == "s20")
    press(browser, "d")
    until(browser, lambda: numbers(browser)[0] == 1)
    press(browser, "/")
    assert focused(browser) == "text"
    press(browser, "dnjl")
    until(browser, lambda: status(browser) == "No sentence fits.")
    press(browser, Keys.ESCAPE)
    until(browser, lambda: numbers(browser)[:1] == [1])
    # Keys can be turned off.
    browser.execute_script("document.getElementById('keys').click(); document.getElementById('rows').focus()")
    press(browser, "n")
    time.sleep(0.2)
    assert numbers(browser)[:1] == [1]


def test_every_control_is_reached_and_shows_it(browser: Any, addresses: Any) -> None:
    show(browser, addresses["server"])
    reached: List[str] = []
    while True:
        press(browser, Keys.TAB)
        found = browser.execute_script(
            """const e = document.activeElement, style = getComputedStyle(e);
            return e === document.body ? null : [e.id || e.className || e.tagName, style.outlineStyle + style.outlineWidth]"""
        )
        if found is None or found[0] in reached:
            break
        assert found[1] == "solid3px", found
        reached.append(found[0])
    assert reached == ["skip", "text", "label", "low", "high", "reason", "error", "order", "differs", "noted", "links",
                       "clear", "next", "SUMMARY"]  # fmt: skip


def test_everything_has_a_name_for_assistive_technology(browser: Any, addresses: Any) -> None:
    show(browser, addresses["server"])
    browser.execute_cdp_cmd("Accessibility.enable", {})
    nodes = browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    names: Dict[str, List[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    for role in ("searchbox", "combobox", "spinbutton", "button", "heading", "article", "main", "search", "navigation"):
        assert names.get(role) and all(names[role]), role
    assert len(names["article"]) == 20 and names["article"][0] == "Sentence 1"
    assert len(names["main"]) == 1 and "status" in names
    # The drawing is not read out; the lines are.
    texts = " ".join(names["StaticText"])
    assert "Reading: " in texts and "Anna – Anna" not in texts


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_text(browser: Any, addresses: Any, scheme: str) -> None:
    show(browser, addresses["file"], scheme=scheme)
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    found = browser.execute_script(
        """const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
        const over = (under, colour) => { canvas.fillStyle = under; canvas.fillRect(0, 0, 1, 1);
            canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
            return "#" + [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map(
                x => x.toString(16).padStart(2, "0")).join(""); };
        const behind = e => {
            for (; e; e = e.parentElement) {
                const c = getComputedStyle(e).backgroundColor;
                if (!/, 0\\)$|transparent/.test(c)) return c;
            }
        };
        const leaves = [...document.querySelectorAll("body *")].filter(e => e.checkVisibility()
            && [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) && e.tagName !== "title"
            && !["SCRIPT", "STYLE", "OPTION"].includes(e.tagName) && !e.closest("svg") && !e.disabled);
        return leaves.map(e => [over(behind(e), getComputedStyle(e).color), over(behind(e), behind(e)), e.className || e.tagName])"""
    )
    assert len({tuple(pair[:2]) for pair in found}) > 5
    for ink, paper, what in found:
        assert contrast(ink, paper) >= 4.5, (ink, paper, what)
    dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.mark.parametrize("width", SIZES)
def test_a_hard_sentence_stays_in_the_page(browser: Any, tmp_path: Path, width: int) -> None:
    """Very long words, many links that cross, an entity that is wider than a phone, and a script from right to left."""
    from xner_spacy.corpora.docs import write_docbin

    long = ["Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", "https://" + "a" * 200]
    words = [*long, *(f"orð{k}" for k in range(30))]
    source = [f"word{k}" for k in range(32)]
    crossing = [(k, 31 - k) for k in range(32)]
    hebrew = ["אנה", "גרה", "בפריז", "."]
    docs = [
        toy_doc(words, source, crossing, [(2, 14, "ORG", 0.123, (3, 20))], [(0, 2, "A LABEL THAT IS LONG", "no_links")]),
        toy_doc(hebrew, ["Anna", "lives", "in", "Paris", "."], [(0, 0), (1, 1), (2, 2), (3, 2), (4, 3)],
                [(0, 1, "PER", 0.9, (0, 1))]),
    ]  # fmt: skip
    write_docbin(tmp_path / "x.spacy", docs)
    write_page(Rows(tmp_path / "x.spacy"), tmp_path / "x.html", limit=10)
    show(browser, (tmp_path / "x.html").as_uri(), width)
    wide, beyond, order = browser.execute_script(
        """const outside = e => e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1;
        const seen = [...document.querySelectorAll("#s2 .xner-target .xner-token")].filter(t => t.checkVisibility());
        return [document.documentElement.scrollWidth, [...document.querySelectorAll("main *")].filter(outside)
            .filter(e => !e.closest("title, .xner-lines")).map(e => e.tagName + "." + e.className),
            seen.map(t => t.getBoundingClientRect().left)]"""
    )
    assert wide <= width and beyond == []
    assert order == sorted(order, reverse=True)
