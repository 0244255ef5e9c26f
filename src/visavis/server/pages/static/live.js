// Cameras and events as they happen: the stream of events says when there is something new, and the server's own page
// is taken again. It can be paused, and rests while the tab is hidden.

import { ask, describeProblem } from "./api.js";
import { showLocally } from "./local_values.js";
import { countText, text } from "./texts.js";

const SHORTEST = 1000; // milliseconds between two refreshes
const CAMERAS = 5000; // milliseconds after which the states of the cameras are asked for
const result = document.getElementById("result");
const news = document.getElementById("news");
const pause = document.getElementById("pause");
let isPaused = false;
let isAsked = false; // another refresh is wanted
let isBusy = false;
let stream = null;

const events = () => document.getElementById("events");

function listen() {
  stream?.close();
  stream = new EventSource(`/v1/events/stream?after=${events().dataset.last}`);
  for (const kind of ["recognized", "updated", "ended"]) stream.addEventListener(kind, refresh);
}

async function refresh() {
  isAsked = true;
  if (isBusy || isPaused || document.hidden) return;
  isBusy = true;
  while (isAsked) {
    isAsked = false;
    await show();
    await new Promise((resume) => setTimeout(resume, SHORTEST));
  }
  isBusy = false;
}

async function show() {
  try {
    const answer = await fetch(location.href);
    if (answer.redirected || answer.status === 401) return end();
    if (!answer.ok) throw new Error(answer.status);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    showLocally(page);
    announce(page.getElementById("events"));
    replace("cameras", page);
    replace("events", page);
    prepare();
    result.replaceChildren();
    if (!stream || stream.readyState === EventSource.CLOSED) listen();
  } catch {
    result.replaceChildren(describeProblem({ code: "offline" }, { kept: text("live.goes_on"), retry: refresh }));
  }
}

function end() {
  stream?.close();
  isPaused = true;
  result.replaceChildren(describeProblem({ code: "unauthorized", status: 401 }));
}

// Replaces a part where it differs; what has the focus keeps it.
function replace(id, page) {
  const former = document.getElementById(id);
  const current = page.getElementById(id);
  if (!former || !current || former.innerHTML === current.innerHTML) return;
  const label = former.contains(document.activeElement) && document.activeElement.getAttribute("aria-label");
  const camera = document.activeElement?.closest("[data-camera]")?.dataset.camera;
  former.replaceWith(document.adoptNode(current));
  if (!label) return;
  const same = [...current.querySelectorAll("button")].find((button) => button.closest("[data-camera]")?.dataset.camera === camera);
  same?.removeAttribute("hidden");
  same?.focus();
}

function announce(current) {
  const before = Number(events().dataset.newest);
  const added = [...current.querySelectorAll("tr[data-number]")].filter((row) => Number(row.dataset.number) > before);
  if (added.length) news.textContent = countText("live.news", added.length);
}

function prepare() {
  for (const button of document.querySelectorAll("button[data-action]")) {
    button.hidden = false;
    button.onclick = () => order(button);
  }
}

async function order(button) {
  const { camera } = button.closest("[data-camera]").dataset;
  try {
    await ask("POST", `/v1/cameras/${encodeURIComponent(camera)}/${button.dataset.action}`);
    refresh();
  } catch (problem) {
    result.replaceChildren(describeProblem(problem, { retry: () => order(button) }));
  }
}

pause.hidden = false;
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.setAttribute("aria-pressed", String(isPaused));
  if (!isPaused) refresh();
});
document.addEventListener("visibilitychange", refresh);
for (const change of ["online", "offline"]) addEventListener(change, refresh);
setInterval(refresh, CAMERAS);
prepare();
listen();
