// The page "Look-alikes": the people of the gallery by how near they are to a face, in distances and in words.

import { ask, describeProblem, showWaiting } from "./api.js";
import { makeRates } from "./calibration.js";
import { element } from "./dom.js";
import { describeQuality } from "./face_quality.js";
import { gallery, inGallery, TABLE_PATH, THRESHOLD_PATH } from "./gallery.js";
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
    const photos = makePhotos(number);
    view.panel.replaceChildren(element("p", { class: "empty" }, text("lookalikes.empty", { gallery })), photos);
    return;
  }
  const { table, search } = tables;
  const share = threshold / search.distance;
  const rates = share > 0 ? makeRates(table, share) : null;
  const rows = candidates.map((candidate) => makeRow(candidate, { rates, threshold, person }));
  const list = element("ol", { class: "ranking" }, ...rows.slice(0, SHOWN));
  const title = element("h3", {}, text("lookalikes.ranking"));
  const card = element("div", { class: "card" }, title, list, ...makeMore(list, rows.slice(SHOWN)));
  view.panel.replaceChildren(card, makePhotos(number));
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

// The faces of the gallery, with a person or without one, that are nearest to a face: asked for when it is opened.
function makePhotos(number) {
  const place = element("div", {});
  const details = element("details", {}, element("summary", {}, text("lookalikes.photos")), place);
  const { file } = view;
  const load = async () => {
    const body = new FormData();
    body.append("photo", file, file.name);
    try {
      const path = inGallery("/v1/gallery/similar", { face: number + 1, top: SHOWN });
      const work = ask("POST", path, { body, signal: view.request.signal });
      const waiting = element("p", { class: "skeleton" }, text("photo.loading"));
      showPhotos(place, (await showWaiting(place, waiting, work)).faces);
    } catch (error) {
      if (error.name !== "AbortError") place.replaceChildren(describeProblem(error, { retry: load }));
    }
  };
  details.addEventListener("toggle", () => details.open && !place.childElementCount && load());
  return details;
}

function showPhotos(place, faces) {
  const rows = faces.map(({ photo, name, person_id: id, distance }) => {
    const address = `/people/${id}?${new URLSearchParams({ gallery })}`;
    const person = id ? element("a", { href: address }, name) : element("span", { class: "unknown" }, text("lookalikes.no_name"));
    const words = text("lookalikes.distance", { distance: formatDistance(distance) });
    const head = element("b", { class: "name" }, photo || text("lookalikes.no_photo_name"));
    return element("li", {}, head, element("div", { class: "row spread" }, person, element("span", {}, words)));
  });
  const help = element("p", { class: "muted" }, text("lookalikes.photos_help"));
  const list = element("ol", { class: "ranking" }, ...rows);
  place.replaceChildren(...(rows.length ? [help, list] : [element("p", { class: "empty" }, text("lookalikes.no_photo"))]));
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
