// The page "Compare": two photos, the answer, and the distance scale.

import { ask, describeProblem, showWaiting } from "./api.js";
import { makeRates } from "./calibration.js";
import { element } from "./dom.js";
import { makeDistanceScale } from "./distance_scale.js";
import { listenToPage } from "./photo_source.js";
import { PhotoZone } from "./photo_zone.js";
import { formatDistance, formatNumber, text } from "./texts.js";

const MARKS = { same: "✓", different: "✕", no_answer: "?" };
const result = document.getElementById("result");
const scale = document.getElementById("scale");
const zones = [...document.querySelectorAll(".zone")].map((root) => new PhotoZone(root, update));
let request = null;
let compared = [];

listenToPage(([file]) => (zones.find((zone) => !zone.file) || zones[zones.length - 1]).take(file));

window.addEventListener("online", () => {
  if (result.querySelector("[role=alert]")) update();
});

function update() {
  if (request) request.abort();
  scale.hidden = true;
  if (zones.every((zone) => zone.isReady)) {
    compare();
    return;
  }
  const count = zones.filter((zone) => zone.file).length;
  const words = ["compare.empty", "compare.one_more"][count];
  result.replaceChildren(...(words ? [element("p", { class: "empty" }, text(words))] : []));
}

async function compare() {
  request = new AbortController();
  const { signal } = request;
  const body = new FormData();
  for (const zone of zones) body.append(zone.field, zone.file);
  const chosen = new URLSearchParams(zones.filter(({ face }) => face).map(({ field, face }) => [`face_${field}`, face]));
  const path = chosen.size ? `/v1/verify?${chosen}` : "/v1/verify";
  const waiting = element("p", { class: "skeleton" }, text("compare.loading"));
  const work = Promise.all([ask("POST", path, { body, signal }), ask("GET", "/v1/calibration", { signal })]);
  try {
    const [answer, table] = await showWaiting(result, waiting, work);
    if (signal.aborted) return;
    compared = [answer, table];
    show();
  } catch (error) {
    if (signal.aborted) return;
    // Each photo alone was small enough before.
    const together = error.status === 413;
    if (together) error.code = "together_too_large";
    const retry = together ? null : update;
    result.replaceChildren(describeProblem(error, { kept: text("compare.photos_stay"), retry }));
  }
}

function show() {
  const [answer, table] = compared;
  if (answer.reason) {
    showVerdict("no_answer", [element("p", { lang: "en" }, answer.reason)], answer);
    return;
  }
  const share = answer.threshold / makeRates(table, 1).thresholdAt(answer.far);
  const { distance, far } = answer;
  const title = scale.querySelector("h2");
  result.replaceChildren();
  scale.replaceChildren(title, makeDistanceScale(table, { share, distance, far, onChange: showAnswer }));
  scale.hidden = false;
}

// The card stays while the threshold moves: a screen reader is disturbed by a new verdict alone.
function showAnswer({ threshold }) {
  const [answer] = compared;
  const isSame = answer.distance <= threshold;
  const values = formatApart(answer.distance, threshold);
  const sentence = text(isSame ? "compare.below" : "compare.above", values);
  const kind = isSame ? "same" : "different";
  if (result.querySelector(`.card.${kind}`)) result.querySelector(".sentence").textContent = sentence;
  else showVerdict(kind, [element("p", { class: "sentence" }, sentence), ...describeProbability(answer)], answer);
}

// Two distances with as many digits as tell them apart.
function formatApart(distance, threshold) {
  const values = { distance: formatDistance(distance), threshold: formatDistance(threshold) };
  if (values.distance !== values.threshold || distance === threshold) return values;
  const digits = { minimumFractionDigits: 6, maximumFractionDigits: 6 };
  return { distance: formatNumber(distance, digits), threshold: formatNumber(threshold, digits) };
}

function describeProbability(answer) {
  if (answer.probability === null) return [];
  return [element("p", {}, text("compare.probability", { probability: formatProbability(answer.probability) }))];
}

// Probabilities near 0 and 1 are not written as 0 and 1.
function formatProbability(value) {
  const sign = value > 0.999 ? ">" : value < 0.001 ? "<" : "";
  const shown = Math.min(Math.max(value, 0.001), 0.999);
  return sign + formatNumber(shown, { style: "percent", maximumFractionDigits: 1 });
}

function showVerdict(kind, sentences, answer) {
  const mark = element("span", { class: "mark", "aria-hidden": "true" }, MARKS[kind]);
  const verdict = element("p", { class: "verdict", role: "status" }, mark, text(`compare.${kind}`));
  const notes = answer.notes.map((note) => element("li", { lang: "en" }, note));
  const about = element("p", { class: "muted" }, text("compare.model", answer));
  const list = notes.length ? [element("ul", {}, ...notes)] : [];
  result.replaceChildren(element("div", { class: `card ${kind}` }, verdict, ...sentences, ...list, about));
}

update();
