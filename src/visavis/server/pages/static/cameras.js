// The cameras of the settings: start and stop them, and try their sources.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { PageParts, prepareButtons } from "./page_parts.js";
import { formatNumber, text } from "./texts.js";

const LOOK = 5000; // milliseconds after which the states of the cameras are asked for
const result = document.getElementById("result");
const parts = new PageParts(["cameras"], result, { afterShown: prepare });

function prepare() {
  prepareButtons(order);
}

async function order(camera, action) {
  const path = `/v1/cameras/${encodeURIComponent(camera)}/${action}`;
  if (action === "check") say("skeleton", text("cameras.checking", { name: camera }));
  try {
    const answer = await ask("POST", path);
    if (action === "check") showCheck(answer);
    else result.replaceChildren();
    parts.refresh();
  } catch (problem) {
    result.replaceChildren(describeProblem(problem, { retry: () => order(camera, action) }));
  }
}

function showCheck({ name, width, height, seconds, message }) {
  if (message) {
    say("notice warning", text("cameras.fails", { name }), element("span", { lang: "en" }, message));
    return;
  }
  const values = { width: formatNumber(width), height: formatNumber(height), seconds: formatNumber(seconds) };
  say("notice", text("cameras.works", { name, ...values }));
}

function say(className, sentence, ...rest) {
  result.replaceChildren(element("p", { class: className, role: "status" }, sentence, " ", ...rest));
  result.scrollIntoView({ block: "nearest" });
}

setInterval(() => parts.refresh(), LOOK);
prepare();
