// The page of a person: changes, each with its undo, and the page as the server shows it after them.

import { ask, describeProblem } from "./api.js";
import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { showFindings } from "./findings.js";
import { pickPerson } from "./person_picker.js";
import { refreshPart } from "./refresh.js";
import { text } from "./texts.js";
import { asJson, offerUndo, showUndo } from "./undo.js";

const content = document.getElementById("content");
const root = () => document.getElementById("person");
const readPerson = () => {
  const { id, name, gallery, suffix, templates, metadata } = root().dataset;
  return { id: Number(id), name, gallery, suffix, templates: templates.split(" ").map(Number), metadata };
};
let details = null;

const ACTS = { rename, merge, move, delete: removeTemplate, erase, withdraw };
const pathOf = ({ id, suffix }, more = "") => `/v1/people/${id}${more}${suffix}`;
const dropEmpty = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value));
const readForm = () => Object.fromEntries(new FormData(document.getElementById("details")));

content.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) attempt(() => ACTS[button.dataset.act](readPerson(), button.dataset));
});
content.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => changeDetails(readPerson(), readForm()));
});

// Does a change and shows the page anew; where the person or the face has gone, the page shows what is there now.
async function attempt(change) {
  try {
    await change();
  } catch (error) {
    if (error.status === 404) await refresh();
    const kept = error.status === 404 ? text("person.changed_elsewhere") : text("person.nothing_changed");
    const place = document.getElementById("notices") || content;
    const retry = error.status === 404 ? null : () => attempt(change);
    place.replaceChildren(describeProblem(error, { kept, retry }));
  }
}

async function refresh() {
  await refreshPart("content");
  if (document.activeElement === document.body) content.focus({ preventScroll: true });
  begin();
}

async function rename(person) {
  const input = element("input", { id: "new-name", value: person.name, maxlength: 200, required: true, autocomplete: "off" });
  const label = element("label", { for: "new-name" }, text("people.name"));
  const check = () => input.value.trim() !== "";
  if (!(await openDialog(text("person.rename"), [label, input], { action: text("person.rename"), check }))) return;
  const name = input.value.trim();
  if (name === person.name) return;
  await ask("PATCH", pathOf(person), asJson({ name }));
  await refresh();
  const back = { method: "PATCH", path: pathOf(person), body: { name: person.name } };
  offerUndo(text("person.renamed", { name }), [back]);
}

async function merge(person, { into, name }) {
  const chosen = into ? { id: Number(into), name } : await pickPerson(text("person.merge_title", { name: person.name }), {
    gallery: person.gallery,
    besides: person.id,
  });
  if (!chosen) return;
  const before = { ...details, metadata: JSON.parse(person.metadata) };
  const target = new URLSearchParams(person.suffix);
  target.set("into", chosen.id);
  await ask("POST", `/v1/people/${person.id}/merge?${target}`);
  const order = { name: person.name, template_ids: person.templates, new: true };
  const steps = [
    { method: "POST", path: `/v1/faces/name${person.suffix}`, body: order },
    { method: "PATCH", path: `/v1/people/{id}${person.suffix}`, body: dropEmpty(before) },
  ];
  offerUndo(text("person.merged", { name: person.name, into: chosen.name }), steps, `/people/{id}${person.suffix}`);
  location.assign(`/people/${chosen.id}${person.suffix}`);
}

async function move(person, { template, to, name }) {
  const title = text("person.move_title");
  const chosen = to ? { id: Number(to), name } : await pickPerson(title, { gallery: person.gallery, besides: person.id });
  if (!chosen) return;
  const order = { template_ids: [Number(template)] };
  await ask("POST", `/v1/people/${chosen.id}/faces${person.suffix}`, asJson(order));
  await refresh();
  const back = { method: "POST", path: pathOf(person, "/faces"), body: order };
  offerUndo(text("person.moved", { name: chosen.name }), [back]);
}

async function removeTemplate(person, { template, photo }) {
  const sentence = element("p", {}, text("person.delete_sentence", { photo: photo || text("person.no_photo") }));
  const options = { action: text("person.delete"), className: "erase" };
  if (!(await openDialog(text("person.delete_title"), [sentence], options))) return;
  await ask("DELETE", `/v1/faces/${template}${person.suffix}`);
  await refresh();
  offerUndo(text("person.deleted"));
}

async function erase(person) {
  const input = element("input", { id: "typed-name", autocomplete: "off", spellcheck: "false" });
  const label = element("label", { for: "typed-name" }, text("person.erase_type", { name: person.name }));
  const sentence = element("p", {}, text("person.erase_sentence"));
  const check = () => input.value.trim() === person.name.trim();
  const options = { action: text("person.erase"), className: "erase", check };
  if (!(await openDialog(text("person.erase_title", { name: person.name }), [sentence, label, input], options))) return;
  await ask("DELETE", pathOf(person));
  offerUndo(text("person.erased"));
  location.assign(`/people${person.suffix}`);
}

function withdraw(person) {
  return changeDetails(person, { note: details.note, consent: "", consented: "" });
}

async function changeDetails(person, wanted) {
  const before = details;
  for (const step of makeSteps(person, before, wanted)) await ask(step.method, step.path, step.body ? asJson(step.body) : {});
  await refresh();
  offerUndo(text("person.saved"), makeSteps(person, wanted, before));
}

// Requests that change details: a consent, or its day, is emptied by withdrawing both.
function makeSteps(person, from, to) {
  const isEmptied = (from.consent && !to.consent) || (from.consented && !to.consented);
  const change = { method: "PATCH", path: pathOf(person), body: { note: to.note, ...dropEmpty(to) } };
  return isEmptied ? [{ method: "DELETE", path: pathOf(person, "/consent") }, change] : [change];
}

// The details as they are stored: those of the form before anything is typed.
function readDetails() {
  return document.getElementById("details") ? readForm() : { note: "", consent: "", consented: "" };
}

function begin() {
  if (!root()) return;
  details = readDetails();
  showFindings(readPerson());
}

begin();
showUndo();
