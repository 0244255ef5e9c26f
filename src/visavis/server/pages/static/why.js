// Why a face was, or was not, recognized as a person: what stopped it, how near it is, and what would help.

import { ask, describeProblem, showWaiting } from "./api.js";
import { makeRates } from "./calibration.js";
import { drawDistance } from "./distance_line.js";
import { element } from "./dom.js";
import { inGallery, TABLE_PATH, THRESHOLD_PATH } from "./gallery.js";
import { countText, formatDistance, formatNumber, text } from "./texts.js";

export async function explain(place, { file, face }, person) {
  const body = new FormData();
  body.append("photo", file, file.name);
  const waiting = element("p", { class: "skeleton" }, text("why.loading"));
  place.dataset.person = person.person_id;
  const isCurrent = () => place.dataset.person === String(person.person_id);
  try {
    const work = Promise.all([
      ask("POST", inGallery("/v1/why", { person: person.person_id }), { body }),
      ask("GET", TABLE_PATH),
      ask("GET", THRESHOLD_PATH),
    ]);
    const [answer, table, search] = await showWaiting(place, waiting, work);
    if (isCurrent()) place.replaceChildren(...describe(findFace(answer.faces, face), { face, person, table, search }));
  } catch (error) {
    const retry = () => explain(place, { file, face }, person);
    if (isCurrent()) place.replaceChildren(describeProblem(error, { retry }));
  }
}

// The explanation of the face that has the same box.
function findFace(explanations, { box }) {
  const apart = explanations.map((other) => other.box.reduce((sum, side, n) => sum + Math.abs(side - box[n]), 0));
  return explanations[apart.indexOf(Math.min(...apart))];
}

function describe(reasons, { face, person, table, search }) {
  const { distance, threshold, nearest } = reasons;
  const values = { name: person.name, distance: formatDistance(distance), threshold: formatDistance(threshold) };
  const other = face.candidates.find(({ person_id: id }) => id !== person.person_id);
  if (other) Object.assign(values, { other: other.name, other_distance: formatDistance(other.distance) });
  const share = threshold / search.distance;
  const parts = [element("p", { class: "reason" }, text(`why.reason_${reasons.reason}`, values))];
  if (share > 0) parts.push(drawDistance(table, { share, distance, threshold }));
  parts.push(element("p", { class: "muted" }, describeRate(search)));
  if (nearest.photo) {
    const template = { name: person.name, photo: nearest.photo, distance: formatDistance(nearest.distance) };
    parts.push(element("p", {}, text("why.template", template)));
  }
  return [...parts, ...describeHelp(reasons, values, { table, share })];
}

function describeRate({ fpir, people }) {
  const count = formatNumber(Number((1 / fpir).toPrecision(2)));
  return text("why.rate", { count, people: countText("why.people", people) });
}

// What would help, and at which rate the face would have the name.
function describeHelp(face, { name, distance }, { table, share }) {
  if (face.recognized) return [];
  const help = face.faults.map(({ kind }) => text("why.better", { fault: text(`fault.${kind}`), photo: text(`better.${kind}`) }));
  if (face.reason === "other_person") help.push(text("why.help_other_person", { name }));
  if (face.reason === "rejected") help.push(text("why.help_rejected", { name }));
  if (face.reason === "too_poor") help.push(text("why.help_too_poor", { name }));
  const isFar = share > 0 && face.distance > makeRates(table, share).greatest;
  const isTooFar = ["too_far", "poor_photo"].includes(face.reason);
  if (isTooFar && isFar) help.push(text("why.never", { distance }));
  if (isTooFar && !isFar && !face.faults.length) help.push(text("why.help_too_far", { name }));
  if (isTooFar && face.fpir !== null) {
    help.push(text("why.passing", { name, count: formatNumber(Number((1 / face.fpir).toPrecision(2))) }));
  }
  if (!help.length) return [];
  return [element("h4", {}, text("why.help")), element("ul", {}, ...help.map((sentence) => element("li", {}, sentence)))];
}
