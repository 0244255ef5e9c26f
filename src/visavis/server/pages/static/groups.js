// The page Groups: the list of groups, the chosen one, and what is done with it by mouse and by single keys.

import { ask, describeProblem, showWaiting } from "./api.js";
import { element } from "./dom.js";
import { showCrop } from "./face_crop.js";
import { inGallery, mayEnroll } from "./gallery.js";
import { makeAddress, moveFaces, nameFaces, turnAside } from "./group_changes.js";
import { GroupPanel } from "./group_panel.js";
import { useShortcuts } from "./shortcuts.js";
import { countText, formatNumber, text } from "./texts.js";
import { showUndo } from "./undo.js";
import { VirtualList } from "./virtual_list.js";

const HEIGHT = 68;
const PAUSE = 60; // milliseconds on a group before its faces are asked for
const byId = (id) => document.getElementById(id);
const { dataset } = byId("page");
const isAside = "aside" in dataset;
const notices = byId("notices");
let current = "group" in dataset ? Number(dataset.group) : null;
let groups = [];
let loading = new AbortController();
let timer = 0;
let isBusy = false;

const list = new VirtualList(byId("list"), {
  height: HEIGHT,
  make: makeRow,
  onActive: (place) => select(groups[place].number),
  onChoose: (_, key) => key && panel.focus(),
});
const panel = new GroupPanel({ name, submit, merge, aside, split, move, splitDoubtful });

function makeRow({ number, faces, cover }) {
  const about = element("span", { class: "about" }, element("b", {}, countText("groups.faces", faces)));
  about.append(element("span", { class: "muted" }, text("groups.number", { number })));
  const row = element("div", { class: "group-row" }, showCrop(cover), about);
  row.dataset.number = number;
  return row;
}

const placeOf = (number) => groups.findIndex((group) => group.number === number);

// Shows another group, once the keyboard rests on it.
function select(number) {
  current = number;
  history.replaceState(null, "", makeAddress(number));
  clearTimeout(timer);
  loading.abort();
  timer = setTimeout(loadGroup, PAUSE);
}

async function loadGroup() {
  clearTimeout(timer);
  loading.abort();
  loading = new AbortController();
  const number = current;
  const path = inGallery(`/v1/groups/${number}`);
  try {
    const request = ask("GET", path, { signal: loading.signal });
    const waiting = element("p", { class: "skeleton" }, text("groups.loading"));
    const details = await (panel.details?.number === number ? request : showWaiting(panel.about, waiting, request));
    if (number !== current) return;
    panel.show(details);
    byId("announcement").textContent = panel.summary;
  } catch (error) {
    if (error.name === "AbortError" || number !== current) return;
    panel.about.replaceChildren(describeProblem(error, { retry: error.status === 404 ? refresh : loadGroup }));
  }
}

// Takes the list and the chosen group from the server again; where that group has gone, the one in its place is shown.
async function refresh() {
  const former = Math.max(0, list.active);
  const overview = await ask("GET", inGallery("/v1/groups", isAside ? { aside: true } : {}));
  groups = overview.groups;
  const place = placeOf(current);
  const next = place >= 0 ? place : Math.min(former, groups.length - 1);
  current = groups.length ? groups[next].number : null;
  showOverview(overview);
  list.show(groups, next);
  history.replaceState(null, "", makeAddress(current));
  if (current !== null) await loadGroup();
}

function showOverview({ aside: count, ungrouped }) {
  byId("list-part").hidden = byId("group").hidden = !groups.length;
  byId("empty").hidden = groups.length > 0;
  byId("list-title").textContent = countText("groups.count", groups.length);
  byId("aside-count").textContent = formatNumber(count);
  byId("ungrouped").hidden = !ungrouped;
  byId("ungrouped-count").textContent = countText("groups.ungrouped", ungrouped);
}

// Does a change, and shows what there is now; one at a time. After a conflict with another user nothing was changed.
// Where the faces of another group than the chosen one are shown, those of the chosen one are taken first.
async function change(work) {
  if (isBusy || !mayEnroll || !panel.details) return;
  if (panel.details.number !== current) {
    notices.replaceChildren();
    await begin();
    return;
  }
  isBusy = true;
  notices.replaceChildren();
  try {
    if ((await work(panel.details)) === false) return;
    await refresh();
    panel.focus();
  } catch (error) {
    const isStale = [404, 409].includes(error.status) && error.code !== "same_photo";
    if (isStale) await refresh().catch(() => {});
    const retry = isStale || error.status === 409 ? null : () => change(work);
    notices.replaceChildren(describeProblem(error, { retry }));
    notices.scrollIntoView({ block: "nearest" });
  } finally {
    isBusy = false;
  }
}

function name(person) {
  const ids = panel.toName;
  return change(({ number }) => nameFaces(number, ids, person));
}

function submit() {
  return change(async ({ number }) => {
    const ids = panel.toName;
    const person = await panel.readPerson();
    if (!person || !ids.length) return false;
    await nameFaces(number, ids, person);
    panel.reset();
  });
}

function aside() {
  return change(({ number }) => turnAside(number));
}

function merge() {
  return change(async ({ number }) => {
    const { chooseGroup } = await import("./choose_group.js");
    const to = await chooseGroup(text("groups.merge_title", { number }), number);
    if (to === null) return false;
    current = await moveFaces(number, panel.ids, to, 0);
  });
}

function split() {
  return change(({ number }) => panel.picked.length > 0 && moveAway(number, panel.picked, null));
}

function splitDoubtful() {
  const ids = panel.details.faces.filter((face) => face.doubtful).map((face) => face.template_id);
  return change(({ number }) => moveAway(number, ids, null));
}

function move() {
  return change(async ({ number }) => {
    const ids = panel.picked;
    if (!ids.length) return false;
    const { chooseGroup } = await import("./choose_group.js");
    const to = await chooseGroup(text("groups.move_title", { faces: countText("groups.faces", ids.length) }), number, ids);
    return to !== null && moveAway(number, ids, to);
  });
}

const moveAway = (number, ids, to) => moveFaces(number, ids, to, panel.ids.length - ids.length);

async function cluster() {
  const button = byId("cluster");
  button.disabled = true;
  notices.replaceChildren();
  try {
    const waiting = element("p", { class: "skeleton" }, text("groups.clustering"));
    await showWaiting(notices, waiting, ask("POST", inGallery("/v1/clusters", { limit: 1 })));
    notices.replaceChildren();
    await refresh();
    byId("announcement").textContent = countText("groups.count", groups.length);
  } catch (error) {
    notices.replaceChildren(describeProblem(error, { retry: cluster, isOrder: true }));
  } finally {
    button.disabled = false;
  }
}

const rowUnder = (event) => event.target.closest?.(".group-row");

function mark(row) {
  for (const other of byId("list").querySelectorAll(".over")) other.classList.remove("over");
  row?.classList.add("over");
}

// A face that is dragged to a row of the list goes to that group.
function acceptDrops(root) {
  root.addEventListener("dragover", (event) => {
    const row = rowUnder(event);
    const isOther = row && panel.faces.dragged.length && Number(row.dataset.number) !== current;
    mark(isOther ? row : null);
    if (isOther) event.preventDefault();
  });
  root.addEventListener("dragleave", () => mark(null));
  root.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(null);
    const ids = panel.faces.dragged;
    const to = Number(rowUnder(event).dataset.number);
    change(({ number }) => ids.length > 0 && moveAway(number, ids, to));
  });
}

const goBy = (step) => () => list.go(list.active + step);
const KEYS = [
  ["j", text("groups.key_next"), goBy(1), true],
  ["k", text("groups.key_previous"), goBy(-1), true],
];
const CHANGES = [
  ["n", text("groups.key_name"), () => panel.field.input.focus()],
  ["1", text("groups.key_suggestion"), () => panel.suggested.length && name(panel.suggested[0])],
  ["m", text("groups.key_merge"), merge],
  ["x", text(isAside ? "groups.bring_back" : "groups.unknown"), aside],
  ["s", text("groups.key_split"), split],
  ["g", text("groups.key_move"), move],
  ["u", text("people.undo"), () => byId("undo")?.click()],
];

async function begin() {
  try {
    await refresh();
  } catch (error) {
    notices.replaceChildren(describeProblem(error, { retry: begin }));
  }
}

// What other tabs have changed meanwhile is shown when the user comes back to this one.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && !isBusy) begin();
});
useShortcuts(byId("shortcuts"), mayEnroll ? [...KEYS, ...CHANGES] : KEYS);
if (mayEnroll) {
  acceptDrops(byId("list"));
  byId("cluster").addEventListener("click", cluster);
}
showUndo();
begin();
