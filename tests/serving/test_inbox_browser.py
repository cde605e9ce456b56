"""The inbox as a person at a browser meets it."""

from __future__ import annotations

import hashlib
import time

import pytest
from axe_playwright_python.sync_playwright import Axe
from chat_systems import SETTINGS, deliver, generic, say
from other_weights import changed
from stores import count
from stub_classifiers import Stub

from data.sources import read_source
from model.classifier import ModelInfo, load
from model.labels import TOPICS
from serving.cli import main
from serving.store.tables import messages
from tests.conftest import OWN_TOPICS

KEY = "key of the team"
ANGRY = "you thieves the parcel is a scam!!!"
ARABIC = "لصوص الطرد نصب!!!"
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def server(start_server, tiny_classifier, tmp_path_factory):
    store = str(tmp_path_factory.mktemp("store") / "rida.db")
    given = {"store": store, "keys": hashlib.sha256(KEY.encode()).hexdigest(), **SETTINGS}
    with start_server(lambda: tiny_classifier, **given) as running:
        headers = {"Authorization": f"Bearer {KEY}"}
        running.client.headers.update(headers)
        running.wait_until_ready()
        for number, text in enumerate(
            ["great parcel thanks", "what are the hours of room", "the app was late and broken"]
        ):
            say(running.client, "zammad", text, number + 1)
        say(running.client, "chatwoot", ARABIC, 4)
        running.wait_for(lambda: count(store, messages, messages.c.status == "scored") == 4)
        yield running


@pytest.fixture
def page(browser, server):
    yield from logged_in(browser, server)


def logged_in(browser, server, **context):
    with browser.new_context(base_url=str(server.client.base_url), **context) as opened:
        opened.set_default_timeout(5000)
        page = opened.new_page()
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if is_a_problem(said) else None)
        page.goto("/inbox")
        assert page.url.endswith("/inbox/login")
        page.get_by_label("Your name").fill("Sara")
        page.get_by_label("Key of this server").fill(KEY)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/inbox")
        yield page
        assert problems == []


def is_a_problem(said):
    # That a request was refused the page tells the person, which is tested.
    return said.type == "error" and "status of 503" not in said.text


def first_text(page):
    return page.locator(".conversations li .text").first.inner_text()


def test_an_angry_message_appears_on_top_within_a_second_is_corrected_and_exported(page, server, tmp_path, monkeypatch):
    assert first_text(page) == ARABIC
    page.wait_for_timeout(300)
    number = int(time.time())
    deliver(server.client, "generic", generic(f"{ANGRY} {number}", f"case {number}", number, at=number - 72_000))
    arrived = time.monotonic()
    page.wait_for_function(
        "words => document.querySelector('.conversations .text').innerText.includes(words)", arg=str(number)
    )
    assert time.monotonic() - arrived < 1
    assert page.locator("#said").inner_text().endswith("wait")

    page.get_by_role("link", name=f"case {number}").click()
    message = page.locator("article").last
    page.wait_for_function("() => document.activeElement.matches('article')")
    page.keyboard.press("1")
    message.get_by_role("button", name="satisfied", exact=False).and_(
        page.locator("[aria-pressed=true]")
    ).first.wait_for()
    page.keyboard.press("b")
    message.locator("button[value=billing][aria-pressed=true]").wait_for()
    assert message.locator("button[value=satisfied]").get_attribute("aria-pressed") == "true"
    assert "said by Sara" in message.inner_text()

    monkeypatch.setenv("RIDA_STORE", server.service.settings.store)
    assert main(["corrections", "export", "--output", str(tmp_path / "corrections")]) == 0
    (row,) = [row for row in read_source(tmp_path / "corrections") if str(number) in row.text]
    assert row.mood == "satisfied"
    assert "billing" in row.topics

    page.keyboard.press("u")
    message.locator("button[value=angry][aria-pressed=true]").wait_for()
    page.keyboard.press("e")
    page.get_by_text("resolved", exact=True).wait_for()
    page.goto("/inbox")
    assert str(number) not in page.locator("#live").inner_text()


def test_it_can_be_used_by_keyboard_alone(page):
    page.locator("[data-step]").first.focus()
    ids = [page.evaluate("document.activeElement.id")]
    for key in ("j", "j", "k"):
        page.keyboard.press(key)
        ids.append(page.evaluate("document.activeElement.id"))
    assert ids[0] != ids[1] != ids[2]
    assert ids[3] == ids[1]
    page.keyboard.press("Enter")
    page.wait_for_url("**/inbox/conversations/*")
    page.wait_for_function("() => document.activeElement.matches('article')")
    page.keyboard.press("c")
    page.get_by_text("with Sara").wait_for()
    page.wait_for_function("() => document.activeElement.matches('article')")
    page.keyboard.press("c")
    page.get_by_text("with Sara").wait_for(state="detached")


def test_keys_say_nothing_where_no_message_has_the_focus(page, server):
    page.locator("[data-step]").first.click()
    page.locator("article").first.wait_for()
    before = page.locator("[aria-pressed=true]").all_inner_texts()
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("1")
    page.wait_for_timeout(200)
    assert page.locator("[aria-pressed=true]").all_inner_texts() == before


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, server, scheme):
    for page in logged_in(browser, server, color_scheme=scheme):
        pages = [
            page.url,
            "/inbox?state=all&mood=angry&review=1",
            page.locator("[data-step]").first.get_attribute("href"),
        ]
        page.locator("summary").click()
        for address in pages:
            page.goto(address)
            found = Axe().run(page).response["violations"]
            assert [each["id"] for each in found if each["impact"] in SERIOUS] == [], address
        page.get_by_role("button", name="Log out").click()
        page.wait_for_url("**/login")
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in SERIOUS] == []


def test_right_to_left_texts_run_from_right_to_left_and_what_stands_beside_stays(page):
    item = page.locator("li", has_text=ARABIC)
    text = item.locator(".text")
    assert text.evaluate("each => getComputedStyle(each).direction") == "rtl"
    of_words = "const r = document.createRange(); r.selectNodeContents(each); return r.getBoundingClientRect().right"
    right, whole = text.evaluate(f"each => {{ {of_words} }}"), text.bounding_box()
    assert abs(right - whole["x"] - whole["width"]) < 3
    assert item.locator(".name").inner_text() == "chatwoot 1/4"


def test_filters_show_what_they_say(page):
    page.locator("select[name=mood]").select_option("angry")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**mood=angry**")
    assert set(page.locator(".conversations .mood").all_inner_texts()) == {"angry"}
    page.locator("select[name=language]").select_option("ar")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**language=ar**")
    assert page.locator(".conversations .text").all_inner_texts() == [ARABIC]


def test_without_scripts_it_works_by_buttons(browser, server):
    for page in logged_in(browser, server, java_script_enabled=False):
        page.get_by_role("link", name="zammad 1").click()
        page.locator("button[value=neutral]").click()
        assert page.locator("button[value=neutral]").get_attribute("aria-pressed") == "true"
        page.get_by_role("button", name="take back").click()
        assert page.get_by_role("button", name="take back").count() == 0


def test_a_text_cannot_become_a_script(page, server):
    store = server.service.settings.store
    before = count(store, messages, messages.c.status == "scored")
    say(server.client, "generic", "<img src=x onerror=alert(1)><script>document.title='had'</script> the parcel", 66)
    server.wait_for(lambda: count(store, messages, messages.c.status == "scored") == before + 1)
    page.goto("/inbox?state=all")
    assert page.locator("li", has_text="<script>").count() == 1
    assert "had" not in page.title()
    page.get_by_role("link", name="generic 66").click()
    assert page.locator("article script, article img").count() == 0


def test_keys_are_known_by_their_place_on_a_keyboard_of_another_script_and_act_once(page, server):
    page.goto("/inbox/conversations/1")
    page.locator("article").first.focus()
    press = "(fields) => document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {bubbles: true, ...fields}))"
    page.evaluate(press, {"key": "۳", "code": "Digit3", "repeat": True})
    page.evaluate(press, {"key": "۲", "code": "Digit2"})
    page.locator("article button[value=neutral][aria-pressed=true]").wait_for()
    page.evaluate(press, {"key": "ع", "code": "KeyU"})
    page.locator("article button[name=undo]").wait_for(state="detached")


def test_what_could_not_be_saved_is_said(page):
    page.goto("/inbox/conversations/1")
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('offline')); }")
    page.locator("#claim").click()
    page.get_by_text("That was not saved").wait_for()


def test_the_page_follows_again_after_the_stream_was_refused(page, server):
    page.route("**/inbox/events", lambda route: route.fulfill(status=503), times=1)
    with page.expect_response(lambda answer: answer.url.endswith("/inbox/events") and answer.ok):
        page.goto("/inbox")
        page.locator("#said.trouble").wait_for(state="attached")
    say(server.client, "generic", "the newest words of all", 90)
    page.get_by_text("the newest words of all").wait_for()


@pytest.fixture(scope="module")
def own_server(start_server, own_topics_weights, tmp_path_factory):
    """A server whose weights have more own topics than there are keys, and see no topic in any text."""
    folder = tmp_path_factory.mktemp("weights") / "blind"
    blind = load(changed(own_topics_weights, folder, topics=dict.fromkeys((*TOPICS, *OWN_TOPICS), 1.0)), threads=1)
    classifier = Stub(blind)
    info = blind.info
    more = tuple(f"own topic number {number}" for number in range(3, 10))
    config = info.config.model_copy(update={"topics": (*info.config.topics, *more)})
    classifier.info = ModelInfo(config, info.checksums, info.speed)
    given = {"store": str(tmp_path_factory.mktemp("store") / "rida.db"), **SETTINGS}
    given["keys"] = hashlib.sha256(KEY.encode()).hexdigest()
    with start_server(lambda: classifier, **given) as running:
        running.client.headers["Authorization"] = f"Bearer {KEY}"
        running.wait_until_ready()
        say(running.client, "generic", "what are the hours of room", 1)
        running.wait_for(lambda: count(given["store"], messages, messages.c.status == "scored") == 1)
        yield running


def pressed(page, topic):
    return page.locator(f'article button[value="{topic}"][aria-pressed=true]')


def test_own_topics_are_said_with_one_key_or_chosen_and_names_from_right_to_left_stay_right(browser, own_server):
    lost, arabic = OWN_TOPICS
    for page in logged_in(browser, own_server):
        page.goto("/inbox/conversations/1")
        page.wait_for_function("() => document.activeElement.matches('article')")
        for key, topic in (("5", lost), ("6", arabic), ("0", "own topic number 6"), ("d", "delivery")):
            page.keyboard.press(key)
            pressed(page, topic).wait_for()
        # The digits of the moods are still theirs.
        page.keyboard.press("1")
        page.locator("button[value=satisfied][aria-pressed=true]").wait_for()
        # An element that keeps its direction of writing to itself.
        assert page.locator(f'button[value="{arabic}"] bdi').inner_text() == arabic

        others = page.get_by_label("Also").first
        left = [f"own topic number {number}" for number in (7, 8, 9)]
        assert others.locator("option").all_inner_texts() == ["another topic", *left]
        others.focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        # What another customer writes meanwhile must not change what is chosen.
        say(own_server.client, "generic", "great room thanks", 1)
        page.locator("article").nth(1).wait_for()
        assert others.input_value() == "own topic number 8"
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        pressed(page, "own topic number 8").wait_for()
        assert others.locator("option").all_inner_texts() == ["another topic", left[0], left[2]]
        pressed(page, "own topic number 8").click()
        pressed(page, "own topic number 8").wait_for(state="detached")
        found = Axe().run(page).response["violations"]
        assert [each["id"] for each in found if each["impact"] in SERIOUS] == []

        page.goto("/inbox")
        names = page.locator("select[name=topic] option").all_inner_texts()
        assert names == ["any", *(topic.replace("_", " ") for topic in TOPICS), *OWN_TOPICS, *names[-7:]]
        page.locator("select[name=topic]").select_option(arabic)
        page.get_by_role("button", name="Show").click()
        page.wait_for_url("**topic=**")
        assert page.locator(".conversations .tag bdi", has_text=arabic).count() == 1
        assert page.locator("select[name=topic]").input_value() == arabic
