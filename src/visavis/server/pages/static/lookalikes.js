// The page "Look-alikes": the people of the gallery by how near they are to a face, in distances and in words.

import { ask } from "./api.js";
import { makeRates } from "./calibration.js";
import { element } from "./dom.js";
import { describeQuality } from "./face_quality.js";
import { gallery, TABLE_PATH, THRESHOLD_PATH } from "./gallery.js";
import { identify } from "./identification.js";
import { findLargest } from "./largest_face.js";
import { makeSinglePhotoPage } from "./single_photo.js";
import { announce } from "./photo_view.js";
import { formatDistance, formatNumber, text } from "./texts.js";

const PEOPLE = 50;
const SHOWN = 10;
let tables = null;
let answer = null;
const view = makeSinglePhotoPage({ analyze, onFaces, onChoose: showPeople });

async function analyze(file, signal) {
  const work = [identify(file, signal, { top: PEOPLE }), ask("GET", TABLE_PATH), ask("GET", THRESHOLD_PATH)];
  const [shown, table, search] = await Promise.all(work);
  tables = { table, search };
  const count = shown.faces.length;
  const sides = shown.faces.map(({ box }) => box[0]).sort((a, b) => a - b);
  const faces = shown.faces.map((face) => {
    const say = (place) => text("photo.face", { number: place, count, quality: describeQuality(face) });
    return { ...face, say, kind: "unknown", label: formatNumber(1 + sides.indexOf(face.box[0])) };
  });
  return { ...shown, faces };
}

function onFaces(shown) {
  answer = shown;
  view.choose(findLargest(shown.faces));
}

function showPeople(number) {
  const { candidates, threshold, person_id: person } = answer.faces[number];
  if (!candidates.length) {
    view.panel.replaceChildren(element("p", { class: "empty" }, text("lookalikes.empty", { gallery })));
    return;
  }
  const { table, search } = tables;
  const share = threshold / search.distance;
  const rates = share > 0 ? makeRates(table, share) : null;
  const rows = candidates.map((candidate) => makeRow(candidate, { rates, threshold, person }));
  const list = element("ol", { class: "ranking" }, ...rows.slice(0, SHOWN));
  const title = element("h3", {}, text("lookalikes.ranking"));
  view.panel.replaceChildren(element("div", { class: "card" }, title, list, ...makeMore(list, rows.slice(SHOWN))));
  const { name, distance } = candidates[0];
  announce(text("lookalikes.nearest", { name, distance: formatDistance(distance) }));
}

// `person` is the id of the person who the face was recognized as, or null.
function makeRow({ person_id: id, name, distance }, { rates, threshold, person }) {
  const isSame = id === person;
  const mark = element("div", { class: "bar" });
  const limit = element("div", { class: "limit" });
  const bar = element("div", { class: "track", "aria-hidden": "true" }, mark, limit);
  const toPercent = (apart) => `${Math.max(0, 100 * (1 - apart))}%`; // strangers are about 1 apart
  mark.style.width = toPercent(distance);
  limit.style.left = toPercent(threshold);
  const words = [element("span", {}, text("lookalikes.distance", { distance: formatDistance(distance) }))];
  if (isSame) words.push(element("b", {}, text("lookalikes.same")));
  else if (distance <= threshold) words.push(element("span", { class: "muted" }, text("lookalikes.not_named")));
  else words.push(element("span", { class: "muted" }, describeNearness(rates, distance)));
  const head = element("b", { class: "name" }, name);
  return element("li", { class: isSame ? "same" : "" }, head, bar, element("div", { class: "row spread" }, ...words));
}

// "1 in 2,500 strangers is as near": within the rates that were measured.
function describeNearness(rates, distance) {
  if (!rates) return text("lookalikes.too_poor");
  if (distance > rates.greatest) return text("lookalikes.far");
  return text("lookalikes.rate", { count: formatNumber(Number((1 / rates.farAt(distance)).toPrecision(2))) });
}

function makeMore(list, rows) {
  if (!rows.length) return [];
  const click = () => {
    list.append(...rows);
    rows[0].tabIndex = -1;
    rows[0].focus();
    button.remove();
  };
  const button = element("button", { type: "button", click }, text("lookalikes.more", { count: formatNumber(rows.length) }));
  return [button];
}
