// The page of the thresholds: a rate is chosen as a number of strangers or on the distance scale; what it would change for
// the people of the gallery is shown before it is stored.

import { ask, describeProblem } from "./api.js";
import { makeDistanceScale } from "./distance_scale.js";
import { element } from "./dom.js";
import { gallery, TABLE_PATH } from "./gallery.js";
import { refreshPart } from "./page_parts.js";
import { countText, formatDistance, formatNumber, text } from "./texts.js";
import { asJson, offerUndo, showUndo } from "./undo.js";

const RATE_PATH = `/v1/galleries/${encodeURIComponent(gallery)}/rate`;
const REST = 400; // milliseconds without a change after which the effect is measured
const SHOWN = 20;
const page = document.getElementById("page");
const form = document.getElementById("rate");
const input = document.getElementById("strangers");
const effect = document.getElementById("effect");
const notices = document.getElementById("notices");
const people = Math.max(1, Number(page.dataset.people));
let stored = Number(page.dataset.fpir);
let table = null;
let timer = 0;
let isMeasuring = false;
let isWanted = false;

// A search is a comparison with each person: see `search_far` of the library.
const farOf = (fpir) => -Math.expm1(Math.log1p(-fpir) / people);
const fpirOf = (far) => -Math.expm1(people * Math.log1p(-far));
const round = (count) => Number(count.toPrecision(2));
const chosen = () => (Number(input.value) === round(1 / stored) ? stored : 1 / Number(input.value));
const describe = (fpir) => text("thresholds.rate", { count: formatNumber(round(1 / fpir)) });

function drawScale() {
  const options = { share: 1, distance: null, far: farOf(chosen()), onChange: follow, describe: (far) => describe(fpirOf(far)) };
  document.getElementById("scale").replaceChildren(makeDistanceScale(table, options));
}

// The number follows the scale when that is moved, not when it is drawn.
let isDrawn = false;
function follow({ far }) {
  if (isDrawn) input.value = Math.max(2, round(1 / fpirOf(far)));
  if (isDrawn) measureSoon();
}

function draw() {
  isDrawn = false;
  drawScale();
  isDrawn = true;
}

function measureSoon() {
  clearTimeout(timer);
  timer = setTimeout(measure, REST);
}

// One measurement at a time: it takes a while in a large gallery. The last rate that was chosen is measured in the end.
async function measure() {
  isWanted = true;
  if (isMeasuring) return;
  isMeasuring = true;
  while (isWanted) {
    isWanted = false;
    if (input.validity.valid) await measureRate(chosen());
  }
  isMeasuring = false;
}

async function measureRate(fpir) {
  effect.setAttribute("aria-busy", "true");
  try {
    const answer = await ask("GET", `${RATE_PATH}/effect?fpir=${fpir}`);
    if (!isWanted) effect.replaceChildren(...showEffect(answer));
  } catch (problem) {
    effect.replaceChildren(describeProblem(problem, { retry: measure }));
  }
  effect.removeAttribute("aria-busy");
}

function showEffect(answer) {
  const lost = answer.changed.filter(({ after }) => after === 0);
  const rest = answer.changed.filter(({ after }) => after !== 0);
  const values = {
    before: formatNumber(answer.before), after: formatNumber(answer.after), templates: formatNumber(answer.templates),
  };
  const sentences = [
    element("p", {}, element("b", {}, text("thresholds.effect_distance", { distance: formatDistance(answer.distance) }))),
    element("p", {}, text("thresholds.effect", values)),
  ];
  if (!answer.templates) sentences.pop();
  if (farOf(answer.fpir) < Math.min(...table.far_threshold.map(([far]) => far))) {
    sentences.push(element("p", { class: "notice warning" }, text("thresholds.not_measured")));
  }
  if (answer.untested) sentences.push(element("p", { class: "muted" }, countText("thresholds.untested", answer.untested)));
  if (!answer.changed.length) return [...sentences, element("p", {}, text("thresholds.no_effect"))];
  const lists = [listPeople("thresholds.lost", lost), listPeople("thresholds.changed", rest)];
  return [...sentences, ...lists.flat()];
}

function listPeople(key, changed) {
  if (!changed.length) return [];
  const rows = changed.slice(0, SHOWN).map(({ person_id: id, name, templates, before, after }) => {
    const link = element("a", { href: `/people/${id}?${new URLSearchParams({ gallery })}` }, name);
    const values = { before: formatNumber(before), after: formatNumber(after), templates: formatNumber(templates) };
    return element("li", {}, link, " ", text("thresholds.photos", values));
  });
  if (changed.length > SHOWN) rows.push(element("li", { class: "muted" }, countText("thresholds.more", changed.length - SHOWN)));
  return [element("h3", {}, countText(key, changed.length)), element("ul", { class: "changed" }, ...rows)];
}

const order = (fpir) => (fpir === null ? { method: "DELETE", path: RATE_PATH } : { method: "PUT", path: RATE_PATH, body: { fpir } });

// Stores a rate; null: the default one. The strip at the foot of the page stores the former one again.
async function store(fpir) {
  const former = "isSet" in page.dataset ? stored : null;
  const { method, path, body } = order(fpir);
  notices.replaceChildren();
  try {
    await ask(method, path, body ? asJson(body) : {});
  } catch (problem) {
    fail(problem, { kept: text("thresholds.not_stored"), retry: () => store(fpir) });
    return;
  }
  offerUndo(fpir === null ? text("thresholds.is_reset") : text("thresholds.stored", { rate: describe(fpir) }), [order(former)]);
  await tryToShow();
}

// Where what is stored cannot be read, it is stored nevertheless.
async function tryToShow() {
  notices.replaceChildren();
  try {
    await showStored();
  } catch (problem) {
    fail(problem, { retry: tryToShow });
  }
}

function fail(problem, options) {
  notices.replaceChildren(describeProblem(problem, options));
  notices.scrollIntoView({ block: "nearest" });
}

async function showStored() {
  const rate = await ask("GET", RATE_PATH);
  stored = rate.fpir;
  if (rate.set_at) page.dataset.isSet = "";
  else delete page.dataset.isSet;
  document.getElementById("reset").hidden = !rate.set_at;
  input.value = round(1 / stored);
  draw();
  await refreshPart("current");
  measureSoon();
}

async function begin() {
  try {
    table = await ask("GET", TABLE_PATH);
  } catch (problem) {
    notices.replaceChildren(describeProblem(problem, { retry: begin }));
    return;
  }
  notices.replaceChildren();
  form.hidden = false;
  input.value = round(1 / stored);
  draw();
}

input?.addEventListener("input", () => {
  if (!input.validity.valid) return;
  draw();
  measureSoon();
});
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  store(chosen());
});
document.getElementById("reset")?.addEventListener("click", () => store(null));
showUndo();
if (form) begin();
