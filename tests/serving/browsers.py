"""A headless Chromium for tests of pages, and what is looked for on each."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager

import pytest

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip


@contextmanager
def chromium():
    """The system's Chromium; a test that has none is skipped, unless all are to run."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        if os.environ.get("RIDA_TEST_ALL"):
            pytest.fail("Chromium is not installed: apt-get install chromium")
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def pages_of(browser, file):
    """Opens a file, each time in a context of its own; a page keeps what it `said`, `asked` for and saw `stopped`."""
    opened = []

    def open_page(scheme="light", width=900):
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 1000})
        opened.append(context)
        page = context.new_page()
        page.said, page.asked, page.stopped = [], [], []
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("requestfailed", lambda request: page.stopped.append(f"{request.url} {request.failure}"))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in opened:
        context.close()


def require_no_barrier(page):
    """Everything on a page can be read by everyone, and it does not scroll sideways."""
    from axe_playwright_python.sync_playwright import Axe

    page.evaluate("() => document.querySelectorAll('details').forEach(each => each.open = true)")
    found = Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth"), "the page scrolls sideways"
