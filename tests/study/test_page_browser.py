"""The report of a study in a real headless Chromium."""

import base64
import json
import os
import re
from pathlib import Path
from typing import Any, Dict, List

import pytest

from tests.report.colours import contrast

from .report_rows import META, whole_study

pytest.importorskip("altair")
pytest.importorskip("statsmodels")

pytest.importorskip("selenium", reason="needs selenium")
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from xner_spacy.study.analysis.analyse import analyse
from xner_spacy.study.analysis.divisions import divide
from xner_spacy.study.analysis.surface import Surface
from xner_spacy.study.page.study_page import write_report
from xner_spacy.study.page.wording import share_of

# The surfaces behind the page.
ANALYSED: Dict[str, Surface] = {}
PHONE = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
DESKTOP = {"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": False}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    found = analyse(whole_study(), samples=100)
    ANALYSED.update(found.surfaces)
    write_report(found, META, folder)
    return folder / "index.html"


@pytest.fixture()
def opened(browser: Any, page: Path) -> Any:
    return show(browser, page)


def show(browser: Any, page: Path, size: Dict[str, Any] = DESKTOP, **media: str) -> Any:
    """Open the page afresh: in a window of a size, with features or a type of media."""
    features = [{"name": "prefers-color-scheme", "value": media.get("scheme", "light")}]
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": media.get("kind", "screen")})
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get("about:blank")
    browser.get(page.as_uri())
    WebDriverWait(browser, 30).until(
        lambda b: b.execute_script("return document.readyState === 'complete' && !!document.querySelector('footer')")
    )
    return browser


def test_it_opens_without_an_error_and_asks_for_nothing(browser: Any, page: Path) -> None:
    show(browser, page)
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
    assert page.as_uri() in asked
    assert all(url == page.as_uri() or url.startswith(("data:", "about:")) for url in asked)


def test_all_figures_are_drawn(opened: Any, page: Path) -> None:
    sizes = opened.execute_script(
        """return [...document.querySelectorAll("figure")].filter(f => f.checkVisibility()).map(f =>
        [f.id, ...[...f.querySelectorAll("svg.chart")].filter(s => s.checkVisibility()).map(s => s.getBoundingClientRect().height)])"""
    )
    files = {path.stem for path in (page.parent / "figures").glob("*.svg")}
    hidden = opened.execute_script("""return [...document.querySelectorAll(".choice figure")].map(f => f.id)""")
    assert {key for key, *_ in sizes} | set(hidden) == files and len(hidden) == 5
    assert all(heights and min(heights) > 40 for _, *heights in sizes)


WIDTHS = [320, 360, 768, 1280, 1920]


def window(width: int) -> Dict[str, Any]:
    return {**(PHONE if width < 700 else DESKTOP), "width": width}


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off(browser: Any, page: Path, width: int) -> None:
    """Neither the page, nor a table, a drawing or a listing in it, is wider than its place."""
    show(browser, page, window(width))
    opened = """document.querySelectorAll("details").forEach(d => d.open = true)"""
    browser.execute_script(opened)
    wide, beyond, cut = browser.execute_script(
        """const wide = document.documentElement.scrollWidth;
        const seen = e => !e.closest(".skip, .visually-hidden, thead") && e.checkVisibility();
        const outside = e => seen(e) && e.getBoundingClientRect().right > innerWidth + 1;
        const within = e => e.scrollWidth > e.clientWidth + 1 && seen(e);
        return [wide, [...document.querySelectorAll("body *")].filter(outside).map(e => e.tagName + "." + e.className),
            [...document.querySelectorAll(".scroll, .drawing, pre")].filter(within)
            .map(e => e.getAttribute("aria-label") + ": " + e.scrollWidth + " in " + e.clientWidth)]"""
    )
    assert wide <= width
    assert beyond == []
    assert cut == []
    if FOLDER := os.environ.get("XNER_SCREENSHOTS"):
        browser.execute_script("""document.querySelectorAll("details").forEach(d => d.open = false)""")
        shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        Path(FOLDER, f"study-{width}.png").write_bytes(base64.b64decode(shot["data"]))


@pytest.mark.parametrize("width", [360, 1280])
def test_labels_of_axes_do_not_run_together(browser: Any, page: Path, width: int) -> None:
    show(browser, page, window(width))
    together = browser.execute_script(
        """const found = [];
        for (const axis of document.querySelectorAll("figure svg.chart .role-axis-label")) {
            if (!axis.checkVisibility()) continue;
            const texts = [...axis.querySelectorAll("text")].filter(t => t.textContent && +getComputedStyle(t).opacity);
            const boxes = texts.map(t => t.getBoundingClientRect());
            boxes.forEach((one, i) => boxes.slice(i + 1).forEach((other, j) => {
                if (one.left < other.right - 0.5 && other.left < one.right - 0.5
                    && one.top < other.bottom - 2 && other.top < one.bottom - 2)
                    found.push(axis.closest("figure").id + ": " + texts[i].textContent + " "
                        + texts[i + 1 + j].textContent);
            }));
        }
        return found"""
    )
    assert together == []


def test_the_calculator_works_by_keyboard_and_agrees_with_the_analysis(opened: Any, page: Path) -> None:
    surface = ANALYSED["soft"]
    opened.execute_script("document.querySelector('#calculator-budget').focus()")
    for prices in ((1, 1), (1, 4), (3, 1)):
        for number, text in enumerate((5000, *prices)):
            keys = ActionChains(opened).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL)
            keys.send_keys(str(text)).perform()
            if number < 2:
                ActionChains(opened).send_keys(Keys.TAB).perform()
        told = opened.execute_script("return document.querySelector('#calculator-answer').textContent")
        best = divide(surface, 5000.0, prices)
        assert best is not None
        bought = [int(n.replace(",", "")) for n in re.findall(r"([\d,]+) (?:labelled source|target) sentences", told)]
        assert bought == pytest.approx([best["n_source"], best["n_target"]], rel=2e-2), told
        assert f"F1 is then about {100 * best['f1']['value']:.1f}" in told
        share, low, high = (100 * share_of(best[name], prices) for name in ("ratio", "low", "high"))
        numbers = [float(n) for n in re.findall(r"([\d.]+)% of the budget on source text, 95% interval", told)]
        numbers += [float(n) for n in re.search(r"interval (\d+)–(\d+)%, alike", told).groups()]  # type: ignore[union-attr]
        assert numbers == pytest.approx([share, low, high], abs=1.5)
        opened.execute_script("document.querySelector('#calculator-budget').focus()")
    for text, says in (("9", "Outside of what was measured"), ("0", "Three numbers above zero")):
        ActionChains(opened).key_down(Keys.CONTROL).send_keys("a").key_up(Keys.CONTROL).send_keys(text).perform()
        assert says in opened.execute_script("return document.querySelector('#calculator-answer').textContent")


def test_text_in_charts_stays_inside_and_is_large_enough_on_a_phone(browser: Any, page: Path) -> None:
    show(browser, page, PHONE)
    small, cut = browser.execute_script(
        """const small = [], cut = [];
        for (const svg of document.querySelectorAll("figure svg.chart")) {
            if (!svg.checkVisibility()) continue;
            const box = svg.getBoundingClientRect();
            for (const text of svg.querySelectorAll("text")) {
                const own = text.getBoundingClientRect();
                const scale = box.width / svg.viewBox.baseVal.width;
                if (parseFloat(getComputedStyle(text).fontSize) * scale < 8.5)
                    small.push(text.textContent);
                if (own.left < box.left - 2 || own.right > box.right + 2)
                    cut.push(svg.closest("figure").id + ": " + text.textContent);
            }
        }
        return [small, cut]"""
    )
    assert small == []
    assert cut == []


def test_the_keyboard_reaches_every_control(browser: Any, page: Path) -> None:
    show(browser, page)
    reached: List[str] = []
    kinds = set()
    while True:
        ActionChains(browser).send_keys(Keys.TAB).perform()
        place = browser.execute_script(
            """const e = document.activeElement; if (e === document.body) return null;
            const style = getComputedStyle(e);
            return [e.outerHTML.slice(0, 200), e.tagName, style.outlineStyle + style.outlineWidth]"""
        )
        if place is None or (reached and place[0] == reached[0]):
            break
        reached.append(place[0])
        kinds.add(place[1])
        assert place[2] == "solid3px", place
        assert len(reached) < 400
    assert "Skip the contents" in reached[0]
    assert kinds == {"A", "SUMMARY", "DIV", "PRE", "INPUT"}
    count = browser.execute_script(
        """return [...document.querySelectorAll("a, summary, input, [tabindex='0']")]
        .filter(e => e.checkVisibility()).length"""
    )
    assert len(reached) == count


def test_one_language_is_looked_at_at_a_time(opened: Any) -> None:
    shown = (
        """return [...document.querySelectorAll(".choice figure")].filter(f => f.checkVisibility()).map(f => f.id)"""
    )
    assert opened.execute_script(shown) == []
    for key in ("f1-luo", "f1-lug"):
        opened.execute_script(f"document.querySelector('#{key}').closest('details').querySelector('summary').focus()")
        ActionChains(opened).send_keys(Keys.ENTER).perform()
        assert opened.execute_script(shown) == [key]


def test_the_skip_link_leads_past_the_contents(opened: Any) -> None:
    ActionChains(opened).send_keys(Keys.TAB).perform()
    ActionChains(opened).send_keys(Keys.ENTER).perform()
    assert opened.execute_script("return document.activeElement.id") == "main"


def test_everything_has_a_name_for_assistive_technology(opened: Any) -> None:
    opened.execute_cdp_cmd("Accessibility.enable", {})
    nodes = opened.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    names: Dict[str, List[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            role = node["role"]["value"]
            names.setdefault(role, []).append(node.get("name", {}).get("value", ""))
    for role in ("image", "figure", "link", "heading", "table", "region"):
        assert names.get(role), role
        assert all(names[role]), role
    for landmark in ("main", "navigation", "banner", "contentinfo"):
        assert len(names[landmark]) == 1
    downloads = [name for name in names["link"] if name.startswith("Download")]
    assert len(downloads) == len(set(downloads)) > 20


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_contrast_of_text(browser: Any, page: Path, scheme: str) -> None:
    show(browser, page, scheme=scheme)
    found = browser.execute_script(
        """const hex = c => "#" + c.match(/[0-9.]+/g).slice(0, 3).map(
            x => Math.round(x).toString(16).padStart(2, "0")).join("");
        const behind = e => {
            for (; e; e = e.parentElement) {
                const c = getComputedStyle(e).backgroundColor;
                if (!/, 0\\)$|transparent/.test(c)) return hex(c);
            }
        };
        return [...document.querySelectorAll("p, li, a, th, td, caption, summary, label, code, legend")]
            .filter(e => e.checkVisibility()).map(e => [hex(getComputedStyle(e).color), behind(e)])"""
    )
    pairs = {tuple(pair) for pair in found}
    assert len(pairs) > 3
    for ink, paper in pairs:
        assert contrast(ink, paper) >= 4.5, (ink, paper)
    dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(255, 255, 255)") == (scheme == "light")


def test_print_shows_all_languages_and_no_controls(browser: Any, page: Path) -> None:
    show(browser, page, kind="print", scheme="dark")
    hidden, shown = browser.execute_script(
        """const seen = s => [...document.querySelectorAll(s)].filter(e => e.checkVisibility()).length;
        return [seen("nav, figure details, .downloads, .calculator"), seen(".choice figure")]"""
    )
    assert (hidden, shown) == (0, 5)


def test_a_download_holds_the_figure(opened: Any, page: Path) -> None:
    text = opened.execute_script(
        """const a = document.querySelector("a[download='f1-main.svg']");
        return decodeURIComponent(escape(atob(a.href.split(",")[1])))"""
    )
    assert text == (page.parent / "figures" / "f1-main.svg").read_text(encoding="utf8")
    opened.get((page.parent / "figures" / "f1-main.svg").as_uri())
    assert opened.execute_script("return document.documentElement.getBoundingClientRect().width") > 300
