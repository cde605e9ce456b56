"""Takes the pictures of the inbox that the pages show, of a server with sample texts.

python docs/images/take_pictures.py
"""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import Page, sync_playwright

from serving.hooks.signatures import RIDA

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SAMPLES = ROOT / "data" / "samples" / "feedback.csv"
SECRET = "secret of the pictures"
STORY = (
    "Hello, when will order 5521 arrive?",
    "It was promised for Monday. Nobody tells me anything.",
    "Third week without my parcel, and nobody answers the phone! This is a disgrace, I want my money back!!!",
)


def _deliver(client: httpx.Client, conversation: str, number: int, text: str, at: float) -> None:
    body = json.dumps({"conversation": conversation, "id": str(number), "text": text, "at": at}).encode()
    stamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json", "X-Rida-Timestamp": stamp,
        "X-Rida-Signature": RIDA.sign(SECRET, stamp, body),
    }  # fmt: skip
    client.post("/hooks/generic", content=body, headers=headers).raise_for_status()


def _fill(client: httpx.Client) -> None:
    with SAMPLES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    began = time.time()
    for number, row in enumerate(rows[::6]):
        _deliver(client, f"1{number:03}", number, row["text"], began - 60 * (7 + number * 13 % 300))
    for number, text in enumerate(STORY):
        _deliver(client, "2041", 1000 + number, text, began - 3600 * (30 - 14 * number))


def _take(page: Page, url: str) -> None:
    page.goto(f"{url}/inbox")
    page.get_by_label("Your name").fill("Sara")
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/inbox")
    page.screenshot(path=HERE / "inbox-list.png", clip={"x": 0, "y": 0, "width": 1000, "height": 780})
    page.get_by_role("link", name="2041").click()
    page.locator("article").last.wait_for()
    page.screenshot(path=HERE / "inbox-conversation.png", clip={"x": 0, "y": 0, "width": 1000, "height": 760})


def main() -> None:
    """Start a server, fill it, take the pictures."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"RIDA_STORE": f"{folder}/rida.db", "RIDA_GENERIC_SECRET": SECRET}
        command = [sys.executable, "-m", "serving.cli", "serve", "--port", str(port)]
        with subprocess.Popen(command, cwd=ROOT, env=environment) as server, httpx.Client(base_url=url) as client:
            try:
                while True:
                    try:
                        if client.get("/v2/health/ready").status_code == 200:
                            break
                    except httpx.TransportError:
                        time.sleep(0.1)
                _fill(client)
                while "rida_messages_unscored 0.0" not in client.get("/metrics").text:
                    time.sleep(0.2)
                time.sleep(2)
                with sync_playwright() as playwright:
                    browser = playwright.chromium.launch(
                        executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
                    )
                    page = browser.new_page(viewport={"width": 1000, "height": 900}, color_scheme="light")
                    _take(page, url)
                    browser.close()
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
