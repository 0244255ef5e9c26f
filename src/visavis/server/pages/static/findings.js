// The findings of the coach about a person: what will cause wrong answers, and what to do about it.

import { ask, describeProblem, showWaiting } from "./api.js";
import { element } from "./dom.js";
import { countText, formatDistance, text } from "./texts.js";

const ENOUGH = 3;

// Shows the findings, at once or after a button is pressed where the gallery is large.
export function showFindings({ id, gallery, suffix }) {
  const section = document.getElementById("findings");
  const place = section.querySelector(".content");
  const load = async () => {
    const waiting = element("p", { class: "skeleton" }, text("person.findings_loading"));
    const path = `/v1/galleries/${encodeURIComponent(gallery)}/coach?person_id=${id}`;
    try {
      const report = await showWaiting(place, waiting, ask("GET", path));
      const lines = listFindings(report, id, suffix);
      const none = element("p", { class: "empty" }, text("person.findings_none"));
      place.replaceChildren(lines.length ? element("ul", { class: "lines" }, ...lines) : none);
    } catch (error) {
      place.replaceChildren(describeProblem(error, { retry: load }));
    }
  };
  if ("atOnce" in section.dataset) load();
  else place.replaceChildren(element("button", { type: "button", click: load }, text("person.findings_look")));
}

function listFindings(report, id, suffix) {
  const lines = report.same.map((pair) => {
    const other = otherOf(pair, id);
    const merge = { "data-act": "merge", "data-into": other.id, "data-name": other.name };
    return makeLine("person.finding_same", { name: other.name }, other, suffix, merge, text("person.merge_into"));
  });
  lines.push(...report.harmful.map((face) => describePhoto(face, id, suffix)));
  for (const pair of report.confused) {
    const other = otherOf(pair, id);
    lines.push(makeLine("person.finding_confused", { name: other.name, count: pair.near, total: pair.templates }, other, suffix));
  }
  for (const person of report.thin) {
    const key = person.kind === "few" ? "person.finding_few" : "person.finding_similar";
    const spread = person.spread === null ? "" : formatDistance(person.spread);
    lines.push(makeLine(key, { photos: countText("people.templates", person.templates), spread, enough: ENOUGH }));
  }
  return lines;
}

// A photo that harms, of this person, or of another who is mistaken for this person.
function describePhoto(face, id, suffix) {
  const photo = face.photo || text("person.no_photo");
  if (face.person_id !== id) {
    const owner = { id: face.person_id, name: face.name };
    return makeLine("person.finding_mislabeled_there", { photo, name: face.name }, owner, suffix);
  }
  if (face.kind === "outlier") return makeLine("person.finding_outlier", { photo });
  const other = { id: face.other_id, name: face.other_name };
  const move = { "data-act": "move", "data-template": face.template_id, "data-to": other.id, "data-name": other.name };
  return makeLine("person.finding_mislabeled", { photo, name: other.name }, other, suffix, move, text("person.move_there"));
}

function otherOf(pair, id) {
  const isFirst = pair.person_id === id;
  return { id: isFirst ? pair.other_id : pair.person_id, name: isFirst ? pair.other_name : pair.name };
}

function makeLine(key, values, other = null, suffix = "", act = null, action = "") {
  const line = element("li", {}, element("span", { class: "words" }, text(key, values)));
  if (other) line.append(element("a", { href: `/people/${other.id}${suffix}` }, other.name));
  const mayChange = document.getElementById("rename");
  if (act && mayChange) line.append(element("button", { type: "button", ...act }, action));
  return line;
}
