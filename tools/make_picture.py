"""Take the README's picture, the top of the demo's report: ``make picture``. Needs chromium on the path."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from rampgate.demo.story import tell

TARGET = Path(__file__).parents[1] / "docs" / "report.png"
WIDTH, HEIGHT, FINER = 1080, 1120, 1.25


def take(report: Path, target: Path) -> None:
    """Photograph the first screen of a report in the light theme, finer than it is shown."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        sys.exit("error: chromium is not on the path\n  remedy: install it (Debian's package chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(
            viewport={"width": WIDTH, "height": HEIGHT},
            device_scale_factor=FINER,
            color_scheme="light",
        )
        page.goto(report.as_uri())
        page.locator(".live svg").first.wait_for()
        page.screenshot(path=target)
        browser.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        tell(Path(name) / "demo")
        take(Path(name) / "demo" / "report.html", TARGET)
