// What pages do beyond HTML: follow what happens, keep times fresh, copy, keys, charts. Everything works without it.

import { chart } from "./charts.js";
import { zone, showTimes } from "./times.js";

const body = document.body;
const main = document.getElementById("main");
const at = (id) => document.getElementById(id);

// ---- the page's inside, asked for again ----

const SPACING = 1500; // ms between two requests of a page, however much happens
const PATIENCE = 8000;
let asking = false;
let missed = false; // something happened while the last request was under way
let again = 0;
let askedAt = performance.now();
let paused = false;

async function refresh() {
  clearTimeout(again);
  again = 0;
  if (document.hidden || main.querySelector("[data-still]")) return; // an answer to a form is not to be had again
  missed = asking;
  if (asking) return;
  asking = true;
  const began = performance.now();
  try {
    const answer = await fetch(location.href, {
      headers: { "HX-Request": "true" },
      signal: AbortSignal.timeout(PATIENCE),
      redirect: "manual",
    });
    if (answer.type === "opaqueredirect") return location.reload(); // whoever was logged in is not any more
    if (answer.status >= 500) throw new Error(answer.statusText);
    const text = await answer.text();
    const open = new Set([...document.querySelectorAll("details[open]")].map((each) => each.id));
    await htmx.swap({ text, target: main, select: "#main > *", swap: "innerMorph", sourceElement: main });
    for (const id of open) at(id)?.setAttribute("open", "");
    const now = /<main id="main" data-now="([^"]+)"/.exec(text);
    if (now) at("as-of").setAttribute("datetime", now[1]);
    decorate();
    found();
  } catch {
    lost();
  } finally {
    asking = false;
    askedAt = performance.now();
    slow = Math.max(SPACING, Math.ceil((10 * (askedAt - began)) / SPACING) * SPACING); // a slow page asks less often
    if (missed) soon();
  }
}

let slow = SPACING;
let tabs = 1;

function soon() {
  if (paused || again) return;
  const apart = Math.max(slow, 200 * tabs);
  const early = askedAt + apart > performance.now();
  // Tabs that ask at the same moment get one answer, so they all ask when the clock has a multiple of their spacing.
  again = setTimeout(refresh, early ? apart - (Date.now() % apart) : 0);
}

// ---- the server does not answer ----

let lostAt = null;

function lost() {
  if (!lostAt) {
    lostAt = at("as-of").textContent;
    at("lost-since").textContent = lostAt;
    at("lost").hidden = false;
  }
  setTimeout(() => lostAt && refresh(), 2000);
}

function found() {
  lostAt = null;
  at("lost").hidden = true;
}

at("lost-again").addEventListener("click", refresh);

// ---- what happens ----

function heard({ kind, text, front }) {
  tabs = front ?? 1;
  if (kind === "changed") {
    const watched = main.querySelector("[data-watch]")?.dataset.watch ?? body.dataset.watch;
    if (!watched || text === "*" || text.split(" ").includes(watched)) soon();
  } else if (kind === "beat" || kind === "hello") {
    if (lostAt || cut || performance.now() - askedAt > 4000) soon();
    cut = false;
  } else if (kind === "lost" || kind === "leaving") {
    cut = true; // what happens until the stream is back is told to nobody
    soon();
  } else if (kind === "closed") {
    poll();
  }
}

let cut = false;
let polling = 0;

function poll() {
  if (!polling) polling = setInterval(() => !document.hidden && soon(), 5000);
}

function listen() {
  if (!("SharedWorker" in window)) return poll();
  const port = new SharedWorker(body.dataset.worker, { name: "tidegate" }).port;
  port.onmessage = ({ data }) => heard(data);
  const place = () => port.postMessage(document.hidden ? "back" : "front");
  document.addEventListener("visibilitychange", () => {
    place();
    if (!document.hidden) soon();
  });
  addEventListener("pagehide", () => port.postMessage("gone"));
  addEventListener("pageshow", (event) => event.persisted && place());
  place();
}

const switched = at("live");
switched.addEventListener("click", () => {
  paused = !paused;
  switched.setAttribute("aria-pressed", String(!paused));
  switched.textContent = paused ? "Paused" : "Live";
  if (!paused) refresh();
});

// ---- theme, copying, selection ----

function remember(name, value) {
  const path = new URL(body.dataset.root, location.href).pathname;
  document.cookie = `${name}=${value}; path=${path}; max-age=31536000; samesite=strict`;
}

at("theme").addEventListener("click", () => {
  const chosen = document.documentElement.dataset;
  const dark = chosen.theme ? chosen.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  chosen.theme = dark ? "light" : "dark";
  remember("tidegate_theme", chosen.theme);
  decorate();
});

document.addEventListener("click", async ({ target }) => {
  const button = target.closest("[data-copy]");
  if (!button) return;
  const text = button.dataset.copy;
  try {
    await navigator.clipboard.writeText(text);
  } catch { // only https and this machine may use the clipboard
    const box = Object.assign(document.createElement("textarea"), { value: text, className: "hidden" });
    body.append(box);
    box.select();
    document.execCommand("copy");
    box.remove();
  }
  const label = button.lastChild;
  const before = label.textContent;
  label.textContent = "Copied";
  setTimeout(() => (label.textContent = before), 1200);
});

function selection() {
  const boxes = [...main.querySelectorAll("tbody input[type=checkbox]")];
  for (const box of boxes) box.closest("tr").toggleAttribute("data-selected", box.checked);
  const many = boxes.filter((box) => box.checked).length;
  if (at("selected")) at("selected").textContent = `${many} selected`;
  if (at("all")) at("all").checked = many > 0 && many === boxes.length;
}

document.addEventListener("change", ({ target }) => {
  if (target.id === "all") for (const box of main.querySelectorAll("tbody input[type=checkbox]")) box.checked = target.checked;
  if (target.type === "checkbox") selection();
});

// ---- keys ----

const typing = (target) => target.closest("input, select, textarea, [contenteditable]");

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    (at("q") ?? at("jump")).focus();
    event.preventDefault();
  } else if (event.key === "j" || event.key === "k") {
    const rows = [...main.querySelectorAll("tbody th a")];
    const here = rows.indexOf(document.activeElement);
    rows[Math.min(Math.max(here + (event.key === "j" ? 1 : -1), 0), rows.length - 1)]?.focus();
  } else if (event.key === "?") {
    at("help").showModal();
  }
});

// ---- after the page was loaded, and each time it was asked for again ----

function decorate() {
  showTimes();
  selection();
  for (const figure of main.querySelectorAll("[data-series]")) chart(figure, body.dataset.uplot);
}

addEventListener("resize", decorate); // charts are drawn anew for their width

document.documentElement.classList.add("scripted");
zone(at("zone"));
for (const here of document.querySelectorAll("nav [aria-current]")) { // on a narrow screen a row of links scrolls
  const row = here.closest("nav");
  row.scrollLeft = Math.max(0, here.offsetLeft + here.offsetWidth - row.offsetLeft - row.clientWidth);
}
decorate();
listen();
