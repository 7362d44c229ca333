"""The built site: strict, whole, and asking no other host for anything."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from tests.docs.blocks import DOCS, ROOT

#: Attributes by which a browser fetches something by itself.
FETCHED = {"src", "srcset", "data", "poster"}


class _Page(HTMLParser):
    """What a page links to, fetches, and can be linked at."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value is None:
                continue
            if name in ("id", "name"):
                self.anchors.add(value)
            elif name == "href" and tag == "a":
                self.links.append(value)
            elif name in FETCHED or (name == "href" and dict(attrs).get("rel") != "canonical"):
                self.fetched.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as ``make docs`` builds it."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    return folder


@pytest.fixture(scope="module")
def built(site: Path) -> dict[Path, _Page]:
    return {path: _Page(path.read_text("utf-8")) for path in site.rglob("*.html")}


def test_every_page_is_built_and_in_the_navigation(site: Path, built: dict[Path, _Page]) -> None:
    names = {page.relative_to(DOCS).with_suffix(".html") for page in DOCS.rglob("*.md")}
    names = {name.with_name("index.html") if name.stem == "README" else name for name in names}
    assert names <= {path.relative_to(site) for path in built}
    menu = {link.split("#")[0] for link in built[site / "index.html"].links}
    assert {name.as_posix() for name in names} <= menu | {"index.html"}


def test_no_other_host_is_asked_for_anything(site: Path, built: dict[Path, _Page]) -> None:
    assert len(built) > 20
    elsewhere = {
        (path.name, url)
        for path, page in built.items()
        for url in page.fetched
        if urlsplit(url).scheme or url[:2] == "//"
    }
    assert {(name, url) for name, url in elsewhere if not url.startswith("data:")} == set()
    for sheet in site.rglob("*.css"):
        assert re.findall(r"url\(\s*[\"']?(?:https?:)?//|@import", sheet.read_text("utf-8")) == [], sheet.name


def test_a_font_from_elsewhere_would_be_seen() -> None:
    page = _Page('<link rel="stylesheet" href="//fonts.example/x.css"><script src="https://cdn.example/x.js"></script>')
    assert page.fetched == ["//fonts.example/x.css", "https://cdn.example/x.js"]


def test_links_and_anchors_lead_somewhere(built: dict[Path, _Page]) -> None:
    broken = []
    for path, page in built.items():
        if path.name == "404.html":
            continue  # it is served at any address, and its links begin at the root
        for link in page.links:
            target = urlsplit(link)
            if target.scheme:
                continue
            there = (path.parent / unquote(target.path)).resolve() if target.path else path
            there = there / "index.html" if there.is_dir() else there
            if not there.exists() or (
                target.fragment and there in built and unquote(target.fragment) not in built[there].anchors
            ):
                broken.append(f"{path.name}: {link}")
    assert broken == []


def test_the_search_knows_every_page(site: Path) -> None:
    index = json.loads((site / "search" / "search_index.json").read_text("utf-8"))
    found = {entry["location"].split("#")[0] for entry in index["docs"]}
    assert {"tutorial.html", "reference/policy.html", "how-to/on-hold.html", "glossary.html"} <= found


def test_links_of_the_readme_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text("utf-8")):
            assert (ROOT / link).exists(), f"{name}: {link}"
