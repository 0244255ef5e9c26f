// Cameras and events as they happen: the stream of events says when there is something new. It can be paused.

import { ask, describeProblem } from "./api.js";
import { prepareTimes } from "./event_times.js";
import { LivePictures } from "./live_pictures.js";
import { PageParts, prepareButtons } from "./page_parts.js";
import { countText } from "./texts.js";
import { showUndo } from "./undo.js";

const CAMERAS = 5000; // milliseconds after which the states of the cameras are asked for
const result = document.getElementById("result");
const news = document.getElementById("news");
const pause = document.getElementById("pause");
const parts = new PageParts(["cameras", "strangers", "events"], result, { beforeShown: announce, afterShown: goOn });
const place = document.getElementById("pictures");
const pictures = place && new LivePictures(place, document.getElementById("pictures-state"));
let stream = null;

function listen() {
  stream = new EventSource(`/v1/events/stream?after=${document.getElementById("events").dataset.last}`);
  for (const kind of ["recognized", "updated", "ended"]) stream.addEventListener(kind, () => parts.refresh());
}

function goOn() {
  prepareButtons(act);
  if (stream.readyState === EventSource.CLOSED) listen();
  pictures?.goOn();
}

function announce(page) {
  const events = page.getElementById("events");
  if ("older" in events.dataset) return;
  const before = Number(document.getElementById("events").dataset.newest);
  const added = [...events.querySelectorAll("[data-number]")].filter((row) => Number(row.dataset.number) > before);
  if (added.length) news.textContent = countText("live.news", added.length);
}

// What names and forgets strangers is loaded when it is first used.
async function act(item, action) {
  if (action !== "name" && action !== "forget") return order(item, action);
  const refresh = () => parts.refresh();
  try {
    const { askAboutStranger, forgetStrangers } = await import("./strangers.js");
    result.replaceChildren();
    if (action === "name") askAboutStranger(item, refresh);
    else forgetStrangers(item, result, refresh);
  } catch {
    result.replaceChildren(describeProblem({ code: "offline" }, { retry: () => act(item, action) }));
  }
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
  pictures?.pause(parts.isPaused);
  if (!parts.isPaused) parts.refresh();
});
setInterval(() => parts.refresh(), CAMERAS);
prepareTimes(document.getElementById("filter"));
showUndo();
listen();
goOn();
