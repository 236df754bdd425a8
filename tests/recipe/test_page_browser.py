"""The page of a project in a real headless Chromium."""

from typing import Any

import pytest

from xner_spacy.recipe.layout import Project
from xner_spacy.recipe.page import write_page

from .test_page import project  # noqa: F401

pytest.importorskip("selenium", reason="needs selenium")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 1280])
def test_it_fits_and_asks_for_nothing(browser: Any, project: Project, width: int, scheme: str) -> None:  # noqa: F811
    size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features, "media": "screen"})
    browser.get_log("browser")
    browser.get(write_page(project).as_uri())
    assert browser.get_log("browser") == []
    browser.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
    wide, beyond, paper = browser.execute_script(
        """const outside = e => !e.closest(".scroll, .drawing, .skip, .xner-has-cells .xner-lines")
            && e.checkVisibility() && e.getBoundingClientRect().right > innerWidth + 1;
        return [document.documentElement.scrollWidth, [...document.querySelectorAll("body *")].filter(outside)
            .map(e => e.tagName + "." + e.className), getComputedStyle(document.body).backgroundColor]"""
    )
    assert wide <= width and beyond == []
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
    heights = browser.execute_script("return [...document.querySelectorAll('.plain')].map(s => s.clientHeight)")
    assert len(heights) == 2 and min(heights) > 100
