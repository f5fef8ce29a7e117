"""How a page looks: to axe, to the eye and in pictures; light and dark, on a phone and on a desk."""

import os
from collections.abc import Iterator
from pathlib import Path

from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SHOTS = os.environ.get("SHOTS", "")  # a folder for pictures
WIDTHS = (1280, 390)
# Colours on their way from light to dark would be looked at otherwise. Made this way the policy for content allows it.
AT_REST = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("*, ::before, ::after { transition: none !important; }");
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}"""
COLOURS = ["color-contrast", "link-in-text-block"]  # what a rule can find in the dark that it did not in the light
# Contrast of each button's text with what is behind it: axe passes over text that has its own background's colour.
BUTTONS = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const painted = (colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (rgb) => rgb.map((part) => part / 255)
    .map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const shown = [...document.querySelectorAll(".btn, button")].filter((it) => it.checkVisibility() && !it.disabled);
  return shown.map((it) => {
    const behind = [];
    for (let at = it; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const [ink, ground] = [[...behind, getComputedStyle(it).color], behind].map(painted).map(light);
    const ratio = (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05);
    return [it.textContent.trim() || it.ariaLabel, Math.round(ratio * 100) / 100];
  });
}"""


def check(page: Page, address: str) -> None:
    page.goto(address)
    inspect(page)


def inspect(page: Page, name: str = "") -> None:
    """The page as it stands now, in every look: axe finds nothing, nothing runs over the edge, buttons can be read."""
    page.evaluate(Axe().axe_script)
    for scheme, width in every_look(page):
        # Without preloading: axe asks for our style sheet's @import beside the page instead of beside the sheet.
        options = {"preload": False, "resultTypes": ["violations"]}
        if scheme == "dark":
            options["runOnly"] = COLOURS
        found = AxeResults(page.evaluate("options => axe.run(options)", options))
        look = f"{page.url} {scheme} {width}"
        assert found.violations_count == 0, f"{look}\n{found.generate_report()}"
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, f"{look} is {overflow} px too wide"
        faint = [(label, ratio) for label, ratio in page.evaluate(BUTTONS) if ratio < 4.5]
        assert faint == [], f"{look}: buttons that cannot be read"
        if name:
            shot(page, f"{name}-{scheme}-{width}")


def every_look(page: Page) -> Iterator[tuple[str, int]]:
    """The same page in each width and scheme; it is left as it was found."""
    before = page.viewport_size
    page.evaluate(AT_REST)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            yield scheme, width
    page.emulate_media(color_scheme="null")
    if before is not None:
        page.set_viewport_size(before)


def shot(page: Page, name: str) -> None:
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
