"""Chromium under Playwright, and pages to look at with it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
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
        """Scroll past every picture; how many answer a pointer."""
        for picture in self.page.locator(".picture").all():
            if picture.is_visible():
                picture.scroll_into_view_if_needed()
                picture.locator(".live svg").wait_for(state="visible")
        return self.page.locator(".picture.awake .live svg").count()


@pytest.fixture
def look(browser: Browser, files: Callable[[str], Path]) -> Iterator[Callable[..., Seen]]:
    """Open a report as a reader would: theme, width, with or without JavaScript."""
    contexts = []

    def opened(name: str, theme: str = "light", width: int = 1200, script: bool = True, **more: Any) -> Seen:
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

    yield opened
    for context in contexts:
        context.close()
