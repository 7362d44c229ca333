"""Chromium under Playwright, and pages to look at with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, sync_playwright
from tests.report.cases import told

from rampgate.demo.story import tell
from rampgate.report.page import page


@pytest.fixture(scope="module")  # while it lives an event loop runs, which tests elsewhere would trip over
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("chromium is not installed (Debian's package chromium)")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu"]  # the sandbox wants a user of its own, a container has root
        started = playwright.chromium.launch(executable_path=chromium, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The report of a case, or of the ``demo``, as a file that is made once."""
    made: dict[str, Path] = {}

    def file(name: str) -> Path:
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            made[name] = folder / "report.html"
            if name == "demo":
                tell(folder)
            else:
                made[name].write_text(page(told(name, folder)), "utf-8")
        return made[name]

    return file


@dataclass
class Seen:
    """A page that was opened, and everything it asked for or complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def pictures_awake(self) -> int:
        """Scroll past every picture that is shown; how many answer a pointer."""
        count: int = self.page.evaluate(WAKE)
        return count

    def unfold(self) -> None:
        """Show all that is folded, and wake the pictures in it."""
        self.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
        self.pictures_awake()

    def choose(self, theme: str) -> None:
        """Click on a theme as a reader does: on its word."""
        self.page.locator(".theme label", has_text=theme).click()

    def violations(self) -> list[dict[str, Any]]:
        """What axe-core finds, with all its rules."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(AXE_SCRIPT)
        found: list[dict[str, Any]] = self.page.evaluate(
            "axe.run({resultTypes: ['violations']}).then(r => r.violations)"
        )
        return found


#: In one call: of a page with sixty pictures each would else be asked about several times.
WAKE = """async () => {
    const end = performance.now() + 60000;
    for (const picture of document.querySelectorAll('.picture')) {
        if (!picture.checkVisibility()) continue;
        picture.scrollIntoView();
        while (!picture.querySelector('.live svg')) {
            if (performance.now() > end) throw new Error('a picture does not wake');
            await new Promise(requestAnimationFrame);
        }
    }
    return document.querySelectorAll('.picture.awake .live svg').length;
}"""


@pytest.fixture(scope="module")
def opened(browser: Browser, files: Callable[[str], Path]) -> Iterator[Callable[..., Seen]]:
    """Open a report in a page of its own: theme, width, with or without JavaScript."""
    contexts = []

    def new(name: str, theme: str = "light", width: int = 1200, script: bool = True, **more: Any) -> Seen:
        scheme: Any = theme
        size: Any = {"width": width, "height": 900}
        context = browser.new_context(color_scheme=scheme, viewport=size, java_script_enabled=script, **more)
        contexts.append(context)
        seen = Seen(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("console", lambda message: seen.complaints.append(f"{message.type}: {message.text}"))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.goto(files(name).as_uri())
        return seen

    yield new
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def _kept() -> dict[tuple[Any, ...], Seen]:
    return {}


@pytest.fixture
def look(opened: Callable[..., Seen], _kept: dict[tuple[Any, ...], Seen]) -> Callable[..., Seen]:
    """Look at a report that may be open already: folded, at the top, as wide and in the theme that is asked for.

    What it asked for and complained of is that of all who looked.
    """

    def again(name: str, theme: str = "light", width: int = 1200, script: bool = True, **more: Any) -> Seen:
        key = (name, script, *sorted(more.items()))
        if key not in _kept:
            _kept[key] = opened(name, theme, width, script, **more)
        seen = _kept[key]
        scheme: Any = theme
        seen.page.emulate_media(media="screen", color_scheme=scheme)
        seen.page.set_viewport_size({"width": width, "height": 900})
        seen.choose("Auto")
        if script:
            seen.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = false; })")
            seen.page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)")
        seen.page.mouse.move(2, 2)
        return seen

    return again
