// The page of findings: what in a gallery will cause wrong answers, with links to the people.

import { ask, describeProblem, showWaiting } from "./api.js";
import { element } from "./dom.js";
import { formatNumber, text } from "./texts.js";

const MOST = 50;
const place = document.getElementById("report");
const { gallery, suffix } = place.dataset;

// Sections in the order of what helps most: their findings, and the key of the sentence of each.
const SECTIONS = [
  ["same", (report) => report.same, () => "findings.one_person"],
  ["harmful", (report) => report.harmful, (face) => (face.kind === "outlier" ? "findings.outlier" : "findings.mislabeled")],
  ["confused", (report) => report.confused, () => "findings.pair"],
  ["thin", (report) => report.thin, (person) => (person.kind === "few" ? "findings.few" : "findings.alike")],
];

async function load() {
  const waiting = element("p", { class: "skeleton" }, text("findings.loading"));
  try {
    const report = await showWaiting(place, waiting, ask("GET", `/v1/galleries/${encodeURIComponent(gallery)}/coach`));
    const sections = SECTIONS.flatMap(([key, select, name]) => makeSection(key, select(report), name));
    const none = element("p", { class: "notice" }, text("findings.none"));
    const values = { people: formatNumber(report.people), templates: formatNumber(report.templates) };
    const compared = element("p", { class: "muted", role: "status" }, text("findings.compared", values));
    place.replaceChildren(compared, ...(sections.length ? sections : [none]));
  } catch (error) {
    place.replaceChildren(describeProblem(error, { retry: load }));
  }
}

function makeSection(key, findings, name) {
  if (!findings.length) return [];
  const lines = findings.slice(0, MOST).map((finding) => makeLine(name(finding), finding));
  const heading = element("h2", {}, `${text(`findings.${key}`)} (${formatNumber(findings.length)})`);
  const more = element("p", { class: "muted" }, text("findings.more", { count: formatNumber(findings.length - MOST) }));
  const children = [heading, element("ul", { class: "lines" }, ...lines), ...(findings.length > MOST ? [more] : [])];
  return [element("section", {}, ...children)];
}

function makeLine(key, finding) {
  const values = {
    name: finding.name,
    other: finding.other_name,
    photo: finding.photo || text("findings.no_photo"),
    count: finding.near,
    templates: finding.templates,
  };
  const people = [[finding.person_id, finding.name], [finding.other_id, finding.other_name]].filter(([id]) => id);
  const links = people.map(([id, name]) => element("a", { href: `/people/${id}${suffix}` }, name));
  return element("li", {}, element("span", { class: "words" }, text(key, values)), ...links);
}

load();
