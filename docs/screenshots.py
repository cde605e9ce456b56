"""Makes the pictures of docs/report.md: run `python docs/screenshots.py`.

The texts are those of data/samples/feedback.csv, drawn again and again with made-up days and stores: in two
weeks of spring parcels come late, and one store has trouble with its staff. The moods are the model's own.
"""

from __future__ import annotations

import csv
import random
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from serving.cli import main

DOCS = Path(__file__).parent
SAMPLES = DOCS.parent / "data" / "samples" / "feedback.csv"
ROWS = 2_400
FIRST = datetime(2026, 3, 2)
STORES = ("Muscat", "تبریز", "Hà Nội", "Berlin", "online")
UNHAPPY = ("dissatisfied", "angry")


def made_up_rows() -> list[dict[str, str]]:
    """Rows as a shop might export them, the same on every run."""
    chance = random.Random(7)
    with SAMPLES.open(encoding="utf-8", newline="") as file:
        samples = list(csv.DictReader(file))
    rows = []
    for number in range(ROWS):
        moment = FIRST + timedelta(minutes=chance.randrange(12 * 7 * 24 * 60))
        store = chance.choices(STORES, (30, 25, 20, 15, 10))[0]
        late = datetime(2026, 4, 20) <= moment < datetime(2026, 5, 4)
        weights = [_weight(sample, store, late=late) for sample in samples]
        sample = chance.choices(samples, weights)[0]
        rows.append(
            {
                "id": f"r{number}",
                "date": moment.isoformat(sep=" ", timespec="minutes"),
                "store": store,
                **{key: sample[key] for key in ("lang", "channel", "text")},
            }
        )
    return sorted(rows, key=lambda row: row["date"])


def _weight(sample: dict[str, str], store: str, *, late: bool) -> float:
    topics, unhappy = sample["expected_topics"].split(";"), sample["expected_mood"] in UNHAPPY
    weight = 1.0 if unhappy else 1.6
    if late and unhappy and "delivery" in topics:
        weight *= 6
    if store == "Berlin" and unhappy and "customer_service" in topics:
        weight *= 4
    return weight


def shoot(browser: Browser, page_file: Path, scheme: str, selector: str, height: int, output: Path) -> None:
    """A picture of the page from where a selector first matches."""
    page = browser.new_page(viewport={"width": 860, "height": height}, color_scheme=scheme)
    page.goto(page_file.as_uri())
    page.locator(selector).first.evaluate("element => window.scrollTo(0, element.offsetTop - 24)")
    page.screenshot(path=output)
    page.close()


def make(folder: Path) -> Path:
    """The report that the pictures show."""
    source, scored, report = folder / "feedback.csv", folder / "feedback.scored.csv", folder / "report.html"
    rows = made_up_rows()
    with source.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    if main(["score", str(source), "--output", str(scored)]):
        raise SystemExit("the samples could not be scored")
    if main(["report", str(scored), "-o", str(report), "--group-by", "store", "--group-by", "channel"]):
        raise SystemExit("the report could not be made")
    return report


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        report = make(Path(folder))
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-quic"]
        )
        shoot(browser, report, "light", "body", 1500, DOCS / "report-light.png")
        shoot(browser, report, "dark", ".examples", 900, DOCS / "report-dark.png")
        browser.close()
