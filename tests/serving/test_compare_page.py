"""The page of a comparison in a real browser: it asks for nothing, says nothing, and can be read by everyone."""

from __future__ import annotations

import re

import pytest
from browsers import pages_of, require_no_barrier
from other_weights import changed, with_own_topic
from table_files import write_rows

from serving.cli import main
from tests.conftest import feedback_rows

ARABIC = "الطرد تأخر وكان مكسورا (ABC) 12"
HOSTILE = (
    "parcel <script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> {{ 7*7 }} \u202e"
)
OWN = "<b>\"'>متجر"


@pytest.fixture(scope="module")
def page_file(tiny_weights, tmp_path_factory):
    folder = tmp_path_factory.mktemp("comparison")
    rows = [
        {"text": each["text"], "language": each["lang"], "mood": each["mood"], "topics": ";".join(each["topics"])}
        for each in feedback_rows(seed=4)[::3]
    ]
    rows += [{"text": ARABIC, "language": "ar", "mood": "dissatisfied", "topics": OWN}]
    rows += [{"text": HOSTILE, "language": '"><script>', "mood": "angry", "topics": ""}]
    furious = changed(tiny_weights, folder / "furious <b>", angry=0.0)
    # Every alarm is lost, whatever the tiny weights learned; those of angry texts are shown first.
    mine = with_own_topic(tiny_weights, folder / "mine", OWN, logit=5.0, angry=1.0)
    output = folder / "comparison.html"
    assert (
        main(["compare", str(furious), str(mine), "--data", write_rows(folder / "in.jsonl", rows), "-o", str(output)])
        == 0
    )
    return output


@pytest.fixture
def open_page(browser, page_file):
    with pages_of(browser, page_file) as open_it:
        yield open_it


def test_the_page_asks_for_nothing_and_shows_what_is_hostile_as_text(open_page, page_file):
    page = open_page()
    page.wait_for_load_state("networkidle")
    assert [url for url in page.asked if not url.startswith("data:")] == [page_file.as_uri()]
    assert page.said == []
    assert page.title() == "Two sets of weights, side by side"
    assert page.locator("script, iframe, object, embed, img, a[href], [onerror]").count() == 0
    assert any("<script>document.title" in each for each in page.locator("blockquote").all_inner_texts())
    assert "{{ 7*7 }}" in page.locator("main").inner_text()
    assert any(each == OWN for each in page.locator("main bdi").all_text_contents())
    assert all(
        re.fullmatch("ar|en|fa|vi", each.get_attribute("lang")) for each in page.locator("blockquote[lang]").all()
    )
    assert "\u202e" not in page.content()


def test_right_to_left_texts_run_from_right_to_left(open_page):
    quote = open_page().locator("blockquote", has_text="ما هي مواعيد").first
    assert quote.get_attribute("dir") == "auto"
    assert quote.evaluate("element => getComputedStyle(element).direction") == "rtl"


def test_verdicts_and_tables_are_there(open_page):
    page = open_page()
    measures = page.locator("section", has=page.get_by_role("heading", name="How good both are"))
    assert measures.locator(".better .verdict, .worse .verdict").count() > 0
    assert page.get_by_text("only B knows it").count() == 1
    assert page.locator("table").count() == page.locator("table > caption").count() == 9
    languages = page.locator("section", has=page.get_by_role("heading", name="By language"))
    assert languages.locator("table").first.locator("tbody tr").count() == 5
    assert page.locator("section.examples li").first.inner_text().startswith("angry")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 900])
def test_no_barrier_is_found_in_light_or_dark_wide_or_narrow(open_page, scheme, width):
    require_no_barrier(open_page(scheme, width))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_print_is_dark_on_white_and_shows_all_tables(open_page, scheme):
    page = open_page(scheme)
    page.emulate_media(media="print", color_scheme=scheme)
    colour = "element => getComputedStyle(element)"
    assert page.locator("html").evaluate(f"{colour}.backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("body").evaluate(f"{colour}.color") == "rgb(0, 0, 0)"
    assert all(table.is_visible() for table in page.locator("table").all())
    assert page.pdf().startswith(b"%PDF")
