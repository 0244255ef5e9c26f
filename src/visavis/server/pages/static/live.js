// Cameras and events as they happen: the stream of events says when there is something new. It can be paused.

import { ask, describeProblem } from "./api.js";
import { PageParts, prepareButtons } from "./page_parts.js";
import { countText } from "./texts.js";

const CAMERAS = 5000; // milliseconds after which the states of the cameras are asked for
const result = document.getElementById("result");
const news = document.getElementById("news");
const pause = document.getElementById("pause");
const parts = new PageParts(["cameras", "events"], result, { beforeShown: announce, afterShown: goOn });
let stream = null;

function listen() {
  stream = new EventSource(`/v1/events/stream?after=${document.getElementById("events").dataset.last}`);
  for (const kind of ["recognized", "updated", "ended"]) stream.addEventListener(kind, () => parts.refresh());
}

function goOn() {
  prepareButtons(order);
  if (stream.readyState === EventSource.CLOSED) listen();
}

function announce(page) {
  const before = Number(document.getElementById("events").dataset.newest);
  const rows = [...page.getElementById("events").querySelectorAll("[data-number]")];
  const added = rows.filter((row) => Number(row.dataset.number) > before);
  if (added.length) news.textContent = countText("live.news", added.length);
}

async function order(camera, action) {
  try {
    await ask("POST", `/v1/cameras/${encodeURIComponent(camera)}/${action}`);
    result.replaceChildren();
    parts.refresh();
  } catch (problem) {
    result.replaceChildren(describeProblem(problem, { retry: () => order(camera, action) }));
  }
}

pause.hidden = false;
pause.addEventListener("click", () => {
  parts.isPaused = !parts.isPaused;
  pause.setAttribute("aria-pressed", String(parts.isPaused));
  if (!parts.isPaused) parts.refresh();
});
setInterval(() => parts.refresh(), CAMERAS);
listen();
goOn();
