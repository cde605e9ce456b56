"""The page in a real browser: it asks for nothing, says nothing on the console, and can be read by everyone."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from browsers import pages_of, require_no_barrier
from scored_files import scored_row, written, year_of_feedback

from model.labels import MOODS
from serving.cli import main
from serving.document.page import STYLE
from serving.output import shorten
from serving.report import charts
from serving.report.content import Breakdown, Part
from serving.report.intervals import share_of

ARABIC = "تأخر الطرد أسبوعين كاملين! رقم الطلب 1234 (ABC)."
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    "</blockquote></style><a href='http://evil.example/'>x</a> {{ 7*7 }} &lt;b&gt; \u202egnp.exe\u202c \x00\x1b]0;x\x07"
)
NAME = "<b>\u202ebad</b>\"'><svg onload=alert(1)> متجر"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    rows = year_of_feedback(600)
    for number, row in enumerate(rows):
        row["shop"] = NAME if number % 3 else f"shop {number % 20}"
    hostile = {"date": "2025-03-05", "store": "centre", "lang": "ar", "shop": NAME}
    rows += [scored_row("angry", ["facility"], text=ARABIC, **hostile)]
    rows += [scored_row("angry", ["facility"], text=HOSTILE, **{**hostile, "lang": '"><script>'})]
    rows += [scored_row("angry", ["facility"], text="The lift is broken.", **{**hostile, "lang": "en"})]
    output = folder / "report.html"
    options = ["--group-by", "store", "--group-by", "shop"]
    assert main(["report", written(folder / "in.jsonl", rows), "-o", str(output), *options]) == 0
    return output


@pytest.fixture
def open_page(browser, page_file):
    with pages_of(browser, page_file) as open_it:
        yield open_it


def test_the_page_asks_for_nothing_and_says_nothing(open_page, page_file):
    page = open_page()
    page.wait_for_load_state("networkidle")
    assert [url for url in page.asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert page.said == []
    source = page_file.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://[^\s\"'<)&]+", source)) <= {
        "http://www.w3.org/2000/svg",
        "http://www.w3.org/1999/xlink",
        "http://evil.example/",
    }
    assert page.locator("script, iframe, object, embed, img, a[href]").count() == 0


def test_the_policy_would_stop_what_slipped_in(open_page):
    page = open_page()
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = \"document.title='owned'\";"
        "document.body.append(s); "
        "document.body.append(Object.assign(new Image(), {src: 'http://127.0.0.1:9/x.png'})); }"
    )
    page.wait_for_timeout(100)
    assert page.title() == "What customers say"
    assert any("Content Security Policy" in line for line in page.said)
    assert page.stopped == ["http://127.0.0.1:9/x.png csp"]


def test_hostile_texts_and_names_are_shown_as_text(open_page):
    page = open_page()
    assert page.title() == "What customers say"
    shown = page.locator("blockquote").all_inner_texts()
    (hostile,) = [text for text in shown if "owned" in text]
    assert hostile.startswith("<script>document.title='owned'</script><img src=x onerror=")
    assert "{{ 7*7 }} &lt;b&gt; gnp.exe ]0;x" in hostile
    everything = page.content()
    assert not set("\u202e\u202c\x00\x1b\x07") & set(everything)
    assert page.locator("[onload], [onerror]").count() == 0
    assert any(text.startswith("<b>bad</b>") for text in page.locator("main bdi").all_text_contents())
    assert page.locator("blockquote[lang]").count() > 0
    assert all(re.fullmatch("ar|en", each.get_attribute("lang")) for each in page.locator("blockquote[lang]").all())


def test_right_to_left_texts_run_from_right_to_left(open_page):
    page = open_page()
    quote = page.locator("blockquote", has_text="تأخر")
    assert quote.get_attribute("dir") == "auto"
    style = "element => { const s = getComputedStyle(element); return [s.direction, s.textAlign]; }"
    assert quote.evaluate(style) == ["rtl", "start"]
    first, last = quote.evaluate(
        """element => {
            const node = element.firstChild, range = document.createRange();
            const left = at => { range.setStart(node, at); range.setEnd(node, at + 1);
                                 return range.getBoundingClientRect().left; };
            return [left(0), left(node.length - 2)];
        }"""
    )
    assert first > last
    assert page.locator("blockquote", has_text="The lift").evaluate(style) == ["ltr", "start"]
    assert page.locator("html").get_attribute("lang") == "en"


def test_charts_are_seen_and_stand_beside_their_numbers(open_page):
    page = open_page()
    charts = page.locator(".chart")
    assert charts.count() == 9  # moods, angry topics, topics, time, volume, language, two groups, sureness
    for chart in charts.all():
        box = chart.locator("svg").bounding_box()
        assert box["width"] > 300
        assert box["height"] > 40
        assert chart.get_attribute("role") == "img"
        assert len(chart.get_attribute("aria-label")) > 15
    filled = page.locator('.chart path[fill="var(--angry)"]').first
    assert filled.evaluate("element => getComputedStyle(element).fill") == "rgb(156, 28, 68)"
    assert page.locator("table").count() == page.locator("table > caption").count() > 9
    section = page.locator("section", has=page.get_by_role("heading", name="Moods", exact=True))
    section.locator("summary").click()
    assert section.locator("tbody tr").count() == len(MOODS)
    assert section.locator("table").is_visible()


def test_values_that_look_alike_stay_bars_of_their_own():
    moods = {mood: share_of(1, 4) for mood in MOODS}
    names = ("a" * 30 + "1", "a" * 30 + "2", shorten("a" * 30, 24) + " (2)", "2 others", "x", "x\x00", "x (2)")
    parts = tuple(Part(name, moods, 4) for name in names)
    spec = charts.breakdown_chart(Breakdown("group", "shop", parts, Part(None, moods, 8), 2, more_than=False))
    assert len({row["label"] for row in spec["data"]["values"]}) == len(names) + 1


def test_headings_go_down_one_step_at_a_time(open_page):
    levels = [
        int(each.evaluate("element => element.tagName")[1]) for each in open_page().locator("h1, h2, h3, h4").all()
    ]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
def test_no_barrier_is_found_in_light_or_dark_wide_or_narrow(open_page, scheme, width):
    require_no_barrier(open_page(scheme, width))


def test_dark_is_dark_and_light_is_light(open_page):
    paper = "() => getComputedStyle(document.documentElement).backgroundColor"
    assert max(colour(open_page("dark").evaluate(paper))) < 40
    assert min(colour(open_page("light").evaluate(paper))) > 240


def colour(css: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", css)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_is_dark_on_white_and_shows_the_tables(open_page, scheme):
    page = open_page(scheme)
    assert not page.locator("table").first.is_visible()
    page.emulate_media(media="print", color_scheme=scheme)
    assert colour(page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor")) == [255] * 3
    assert colour(page.evaluate("() => getComputedStyle(document.body).color")) == [0] * 3
    assert page.locator("table").first.is_visible()
    assert not page.locator("summary").first.is_visible()
    assert page.pdf().startswith(b"%PDF")


def palettes() -> dict[str, dict[str, str]]:
    css = STYLE.read_text(encoding="utf-8")
    blocks = re.findall(r":root \{([^}]*)\}", css)
    return {
        name: dict(re.findall(r"--(\w+): (#[0-9a-f]{3,6})", block))
        for name, block in zip(("light", "dark", "print"), blocks, strict=True)
    }


def linear(css: str) -> np.ndarray:
    digits = css[1:] if len(css) == 7 else "".join(2 * digit for digit in css[1:])
    parts = np.array([int(digits[at : at + 2], 16) for at in (0, 2, 4)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    dark, light = sorted(float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (one, other))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["light", "dark", "print"])
def test_colours_contrast_as_the_accessibility_guidelines_ask(name):
    """4.5 for words, 3 for what charts are made of (WCAG 2.2, 1.4.3 and 1.4.11)."""
    palette = palettes()[name]
    for ink, paper in itertools.product(("ink", "soft"), ("paper", "panel")):
        assert contrast(palette[ink], palette[paper]) >= 4.5
    for word in ("satisfied", "angry"):  # "Better" and "Worse"
        assert contrast(palette[word], palette["paper"]) >= 4.5
    for mood in MOODS:
        assert contrast(palette[mood], palette["paper"]) >= 3


# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision
# deficiency", 2009: no red, no green, no blue cones.
DEFICIENCIES = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}


@pytest.mark.parametrize("name", ["light", "dark", "print"])
@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_moods_can_be_told_apart_without_all_colours(name, deficiency):
    palette = palettes()[name]
    seen = {mood: lab(np.array(DEFICIENCIES[deficiency]) @ linear(palette[mood])) for mood in MOODS}
    for one, other in itertools.combinations(MOODS, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 20, (one, other)  # 2.3 is just noticeable


def lab(rgb: np.ndarray) -> np.ndarray:
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    ratios = np.array(matrix) @ np.clip(rgb, 0, 1) / [0.95047, 1, 1.08883]
    x, y, z = np.where(ratios > 0.008856, np.cbrt(ratios), 7.787 * ratios + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])
