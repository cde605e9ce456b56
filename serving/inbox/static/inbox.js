// What the pages do by themselves: follow changes, and say with one key what a button says. Without it all still works.
"use strict";

const live = document.getElementById("live");
const said = document.getElementById("said");
let asking = false;
let again = false;

async function refresh() {
  // One at a time: of many changes at once only the last look matters.
  if (asking) { again = true; return; }
  asking = true;
  try {
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("part", "live");
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (answer.redirected) { location.reload(); return; }
    if (answer.ok) show(await answer.text());
  } catch {
    // The next change, or the stream's next beginning, tries again.
  } finally {
    asking = false;
    if (again) { again = false; refresh(); }
  }
}

function show(html) {
  const before = angry();
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...live.querySelectorAll("details[open]")].map((each) => each.id);
  // Made by our own server, which escapes every text.
  live.innerHTML = html;
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  const now = angry();
  if (before !== null && now > before) said.textContent = `${now} angry ${now === 1 ? "customer waits" : "customers wait"}`;
}

function angry() {
  const sight = live.querySelector("[data-angry]");
  return sight ? Number(sight.dataset.angry) : null;
}

function step(from, by) {
  const steps = [...from.closest("[data-steps]").querySelectorAll("[data-step]")];
  const here = steps.findIndex((each) => each.closest("li, article") === from.closest("li, article"));
  steps[here + by]?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  if ((event.key === "j" || event.key === "k") && event.target.closest("[data-steps]")) {
    event.preventDefault();
    step(event.target, event.key === "j" ? 1 : -1);
    return;
  }
  // Only where the focus is: a message's keys are that message's.
  for (let place = event.target.closest("[data-keys]"); place; place = place.parentElement.closest("[data-keys]")) {
    const own = [...place.querySelectorAll("button[data-key]")].find(
      (button) => button.dataset.key === event.key && button.closest("[data-keys]") === place,
    );
    if (own) { event.preventDefault(); own.click(); return; }
  }
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("[data-live]")) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form));
  if (event.submitter?.name) fields.set(event.submitter.name, event.submitter.value);
  const answer = await fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
  if (answer.type !== "opaqueredirect" && !answer.ok) { location.reload(); return; }
  await refresh();
});

if (live) {
  const changes = new EventSource("/inbox/events");
  changes.onmessage = refresh;
  // After a break something may have been missed.
  let began = false;
  changes.onopen = () => { if (began) refresh(); began = true; };
  const messages = live.querySelectorAll("article");
  const asked = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  (asked ?? messages[messages.length - 1])?.focus();
}
