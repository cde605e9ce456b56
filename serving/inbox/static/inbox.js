// What the pages do by themselves: follow changes, and say with one key what a button says. Without it all still works.
"use strict";

const live = document.getElementById("live");
const said = document.getElementById("said");
const STALE = "This page may be out of date: the server does not answer. It is asked again every few seconds.";
const AGAIN_MILLISECONDS = 3000;
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
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.text());
    if (said.textContent === STALE) say("");
  } catch {
    // The next change, or the stream's next beginning, tries again.
    say(STALE, true);
  } finally {
    asking = false;
    if (again) { again = false; refresh(); }
  }
}

// To those who listen; a trouble is for all to see.
function say(words, trouble = false) {
  said.textContent = words;
  said.classList.toggle("trouble", trouble);
}

function show(html) {
  const before = angry();
  const focused = live.contains(document.activeElement) ? document.activeElement.id : "";
  const open = [...live.querySelectorAll("details[open]")].map((each) => each.id);
  const chosen = [...live.querySelectorAll("select")].map((each) => [each.id, each.value]);
  // Made by our own server, which escapes every text.
  live.innerHTML = html;
  for (const [id, value] of chosen) choose(document.getElementById(id), value);
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  const now = angry();
  if (before !== null && now > before) say(`${now} angry ${now === 1 ? "customer waits" : "customers wait"}`);
}

// What has been chosen and not yet said; where it was said meanwhile, it is there no more.
function choose(select, value) {
  if (select && [...select.options].some((each) => each.value === value)) select.value = value;
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

// What the key says, else the key in its place: a keyboard of another script has no "j", and no "1" of ours.
function meaning(event) {
  const place = /^(?:Key([A-Z])|(?:Digit|Numpad)([0-9]))$/.exec(event.code);
  const own = /^[a-z0-9]$/.test(event.key);
  return own || !place ? event.key : (place[1] ?? place[2]).toLowerCase();
}

document.addEventListener("keydown", (event) => {
  if (event.repeat) return;
  const key = meaning(event);
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select, textarea")) return;
  if ((key === "j" || key === "k") && event.target.closest("[data-steps]")) {
    event.preventDefault();
    step(event.target, key === "j" ? 1 : -1);
    return;
  }
  // Only where the focus is: a message's keys are that message's.
  for (let place = event.target.closest("[data-keys]"); place; place = place.parentElement.closest("[data-keys]")) {
    const own = [...place.querySelectorAll("button[data-key]")].find(
      (button) => button.dataset.key === key && button.closest("[data-keys]") === place,
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
  let answer;
  try {
    answer = await fetch(form.action, { method: "POST", body: fields, redirect: "manual" });
  } catch {
    say("That was not saved: the server does not answer. Try it again.", true);
    return;
  }
  if (answer.status >= 500 || answer.status === 429) {
    say("That was not saved: the server cannot do it now. Try it again.", true);
    return;
  }
  if (answer.type !== "opaqueredirect" && !answer.ok) { location.reload(); return; }
  await refresh();
});

if (live) {
  let began = false;
  follow();
  function follow() {
    const changes = new EventSource("/inbox/events");
    changes.onmessage = refresh;
    changes.onopen = () => {
      // After a break something may have been missed.
      if (began) refresh();
      began = true;
    };
    changes.onerror = () => {
      began = true;
      // A break the browser mends by itself; after a refusal it never asks again.
      if (changes.readyState !== EventSource.CLOSED) return;
      say(STALE, true);
      // Whose session has ended is taken to the login by this.
      refresh();
      setTimeout(follow, AGAIN_MILLISECONDS);
    };
  }
  const messages = live.querySelectorAll("article");
  const asked = location.hash ? document.getElementById(location.hash.slice(1)) : null;
  (asked ?? messages[messages.length - 1])?.focus();
}
