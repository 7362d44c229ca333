"""The report in a real browser: what it asks for, who can read it, and what answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.browser.conftest import Seen

Look = Callable[..., Seen]
#: The demo's page, and those that are most unlike it.
NAMES = ["demo", "hostile", "hold", "no_candidate", "point", "error", "second_attempt"]
#: Those that differ in what they are made of; ``year`` has the most of everything.
KINDS = ["demo", "hostile", "no_candidate", "error", "year"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_asked_for_and_nothing_complains(look: Look, files: Callable[[str], Path], name: str) -> None:
    seen = look(name)
    if name != "no_candidate":
        assert seen.pictures_awake() >= 2
    seen.unfold()
    # data: is the empty icon; nothing else may leave the page.
    assert [url for url in seen.requests if not url.startswith("data:")] == [files(name).as_uri()]
    assert seen.complaints == []


@pytest.mark.parametrize("name", KINDS)
def test_axe_finds_nothing_in_either_theme_on_screen_and_phone(look: Look, name: str) -> None:
    # The page forbids the evaluation that axe needs to get in; everything else is as it is.
    seen = look(name, bypass_csp=True)
    seen.pictures_awake()
    seen.unfold()
    # The largest page has no parts of its own: a phone shows what it shows of the others.
    for width in (1200,) if name == "year" else (1200, 360):
        seen.page.set_viewport_size({"width": width, "height": 900})
        for theme in ("Light", "Dark"):
            seen.choose(theme)
            assert seen.violations() == [], (theme, width)


def test_axe_would_find_something(opened: Look) -> None:
    seen = opened("hold", bypass_csp=True)
    seen.pictures_awake()
    seen.page.evaluate("document.querySelector('.live').removeAttribute('aria-label')")
    seen.page.evaluate("document.querySelector('h1').style.color = '#eee'")
    found = {violation["id"] for violation in seen.violations()}
    assert found >= {"role-img-alt", "color-contrast"}


@pytest.mark.parametrize("name", KINDS)
def test_the_page_never_scrolls_sideways(look: Look, name: str) -> None:
    seen = look(name)
    for width in (1200, 768, 360, 320):
        seen.page.set_viewport_size({"width": width, "height": 900})
        seen.pictures_awake()
        seen.unfold()
        wide = seen.page.evaluate("document.documentElement.scrollWidth")
        assert wide == seen.page.evaluate("document.documentElement.clientWidth") == width


def test_a_picture_answers_the_pointer_with_the_decisions_numbers(look: Look) -> None:
    seen = look("demo")
    picture = seen.page.locator("figure", has_text="Rolls back if met_sla is worse").locator(".picture")
    picture.scroll_into_view_if_needed()
    drawing = picture.locator(".live svg")
    drawing.wait_for()
    box = drawing.bounding_box()
    assert box is not None
    tip = seen.page.locator("#tip")
    assert not tip.is_visible()
    # The last day is the point furthest to the right.
    seen.page.mouse.move(box["x"] + box["width"] - 25, box["y"] + box["height"] / 2)
    tip.wait_for(state="visible")
    assert tip.inner_text().split("\n") == ["day", "2016-03-25", "odds", "101 to 1"]
    seen.page.mouse.move(2, 2)
    tip.wait_for(state="hidden")
    assert seen.complaints == []


def test_names_in_readings_are_text(look: Look) -> None:
    seen = look("hostile")
    picture = seen.page.locator("figure", has_text="Weighted KPI").first.locator(".picture")
    picture.scroll_into_view_if_needed()
    picture.locator(".live svg").wait_for()
    picture.locator(".live .mark-symbol path").first.hover()
    seen.page.locator("#tip").wait_for(state="visible")
    assert re.search(r"arm\s+base</script>|arm\s+<script>alert\('x'\)</script>", seen.page.locator("#tip").inner_text())
    assert seen.page.locator("#tip img, #tip script").count() == 0


def test_the_pictures_follow_the_theme_and_the_choice(look: Look) -> None:
    seen = look("hold")
    seen.pictures_awake()
    paints = """() => [getComputedStyle(document.body).backgroundColor,
        getComputedStyle(document.querySelector('.still text')).fill,
        getComputedStyle(document.querySelector('.live text')).fill]"""
    light = seen.page.evaluate(paints)
    seen.choose("Dark")
    dark = seen.page.evaluate(paints)
    assert all(a != b for a, b in zip(light, dark, strict=True))
    assert dark[1] == dark[2]
    seen.page.emulate_media(color_scheme="dark")
    seen.choose("Light")
    assert seen.page.evaluate(paints) == light
    seen.choose("Auto")
    assert seen.page.evaluate(paints) == dark


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_without_javascript_everything_is_there_but_the_readings(look: Look, theme: str) -> None:
    seen = look("demo", theme, script=False)
    stills = seen.page.locator(".still")
    assert stills.count() > 10
    visible = [still for still in stills.all() if still.is_visible()]
    assert len(visible) > 10  # the others are in what is folded
    assert all(still.locator("svg").locator("visible=true").count() == 1 for still in visible)
    assert seen.page.locator(".live svg").count() == 0
    seen.choose("Dark")
    assert seen.complaints == []


def test_a_phone_gets_pictures_drawn_for_it(look: Look) -> None:
    for width, shown in ((360, ".at-narrow"), (1200, ".at-wide")):
        seen = look("demo", width=width, script=False)
        assert seen.page.locator(f"figure.wide {shown} svg").first.is_visible()
        # Words in a picture keep a size that can be read.
        size = seen.page.evaluate(
            """selector => { const svg = document.querySelector(`figure.wide ${selector} svg`);
            return 11 * svg.getBoundingClientRect().width / svg.viewBox.baseVal.width }""",
            shown,
        )
        assert 10 <= size <= 18


def test_the_keyboard_reaches_everything_and_is_seen(opened: Look) -> None:
    seen = opened("demo")
    wanted = seen.page.evaluate("""() => [...document.querySelectorAll('a, summary, input, [tabindex="0"]')]
        .filter(e => e.checkVisibility() && (e.type !== 'radio' || e.checked)).length""")
    reached = []
    for _ in range(wanted):
        seen.page.keyboard.press("Tab")
        reached.append(
            seen.page.evaluate("""() => { const e = document.activeElement;
            const ring = getComputedStyle(e.type === 'radio' ? e.closest('label') : e);
            return [e.tagName, e.textContent.slice(0, 30), ring.outlineStyle, parseFloat(ring.outlineWidth)] }""")
        )
    assert reached[0][:2] == ["A", "Skip to the report"]
    assert [stop for stop in reached if stop[2] == "none" or stop[3] < 2] == []
    kinds = {stop[0] for stop in reached}
    assert kinds >= {"A", "INPUT", "SUMMARY", "DIV"}
    seen.page.keyboard.press("Tab")
    assert seen.page.evaluate("document.activeElement === document.body")


def test_print_shows_drawn_pictures_and_every_table_in_light_and_no_controls(look: Look) -> None:
    seen = look("demo", "dark")
    seen.pictures_awake()
    tables, first_table = seen.page.locator("table"), seen.page.locator("figure details table").first
    assert not first_table.is_visible()
    seen.page.emulate_media(media="print", color_scheme="dark")
    for hidden in (".theme", "nav", ".live", ".skip"):
        assert not seen.page.locator(hidden).first.is_visible()
    first = seen.page.locator(".picture").first
    assert first.locator(".still svg").locator("visible=true").count() == 1
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 254, 254)"
    # Paper cannot be unfolded: by the style sheet, or by the event that browsers send before they print.
    assert all(table.is_visible() for table in tables.all())


def test_of_a_long_table_beside_a_picture_the_last_rows_are_printed_and_that_is_said(look: Look) -> None:
    seen = look("demo")
    shown = """() => [...document.querySelectorAll('figure table')].map(table => [
        table.tBodies[0].rows.length,
        [...table.tBodies[0].rows].filter(row => getComputedStyle(row).display !== 'none').length,
        getComputedStyle(table.tBodies[0].rows[table.tBodies[0].rows.length - 1]).display !== 'none',
        table.parentElement.querySelector('.printed')?.textContent ?? '',
        table.closest('figure').className,
    ])"""
    seen.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert all(rows == there for rows, there, *_ in seen.page.evaluate(shown))
    seen.page.emulate_media(media="print")
    cut = []
    for rows, there, last, told, size in seen.page.evaluate(shown):
        most = 14 if size == "wide" else 8
        assert (there, last) == (min(rows, most), True)
        assert (f"the last {most} of {rows} rows" in told) == (rows > most)
        cut.append(rows > most)
    assert any(cut)
    assert not all(cut)


def test_what_was_folded_is_open_while_it_is_printed_and_folded_again_after(look: Look) -> None:
    seen = look("demo")
    count = "document.querySelectorAll('details[open]').length"
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.evaluate(count) == seen.page.locator("details").count() > 10
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.evaluate(count) == 0


def test_the_verdict_is_on_the_first_screen(look: Look) -> None:
    for width in (360, 1200):
        seen = look("demo", width=width)
        for words in ("ROLLBACK", "Take the candidate back to 0 % of traffic", "met_sla is worse than the baseline"):
            box = seen.page.locator(".hero").get_by_text(words).bounding_box()
            assert box is not None
            assert box["y"] + box["height"] < 900
