// The page of a person: changes, each with its undo, and the page as the server shows it after them.

import { ask, describeProblem } from "./api.js";
import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { showFindings } from "./findings.js";
import { loadPart, refreshPart } from "./page_parts.js";
import { pickPerson } from "./person_picker.js";
import { text } from "./texts.js";
import { asJson, offerUndo, showUndo } from "./undo.js";

const content = document.getElementById("content");
const root = () => document.getElementById("person");
const FIELDS = ["note", "consent", "consented"];

const ACTS = { rename, merge, move, delete: removeTemplate, erase, withdraw };
const pathOf = ({ id, suffix }, more = "") => `/v1/people/${id}${more}${suffix}`;
const dropEmpty = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value));
const fold = (name) => name.normalize("NFKC").replace(/\s+/g, " ").trim();

// The person as a part of a page shows it, by default this page. The details are those that the server sent, not what was
// typed, nor what the browser restored; the metadata are text in JSON.
function readPerson(part = root()) {
  const { id, name, gallery, suffix, templates, metadata } = part.dataset;
  const details = Object.fromEntries(FIELDS.map((field) => [field, part.querySelector(`#${field}`)?.defaultValue ?? ""]));
  return { id: Number(id), name, gallery, suffix, templates: templates.split(" ").map(Number), metadata, details };
}

// The details that were typed. An input has no line breaks: those of a stored consent are no change.
function readForm({ details }) {
  const typed = Object.fromEntries(new FormData(document.getElementById("details")));
  return typed.consent === details.consent.replace(/[\r\n]/g, "") ? { ...typed, consent: details.consent } : typed;
}

content.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button) attempt(() => ACTS[button.dataset.act](readPerson(), button.dataset));
});
content.addEventListener("submit", (event) => {
  event.preventDefault();
  const person = readPerson();
  const wanted = readForm(person);
  attempt(() => changeDetails(person, wanted));
});

// Does a change and shows the page anew; where the person or the face has gone, the page shows what is there now.
async function attempt(change) {
  try {
    await change();
  } catch (error) {
    if (error.status === 404 && !(await refresh())) return;
    const kept = error.status === 404 ? text("person.changed_elsewhere") : text("person.nothing_changed");
    showProblem(error, kept, error.status === 404 ? null : () => attempt(change));
  }
}

function showProblem(error, kept, retry) {
  const place = document.getElementById("notices") || content;
  place.replaceChildren(describeProblem(error, { kept, retry }));
}

// Returns whether the page shows what the server has now; where it does not, a notice says so.
async function refresh() {
  try {
    await refreshPart("content");
  } catch (error) {
    showProblem(error, text("person.not_refreshed"), refresh);
    return false;
  }
  if (document.activeElement === document.body) content.focus({ preventScroll: true });
  begin();
  return true;
}

async function rename(person) {
  const input = element("input", { id: "new-name", value: person.name, maxlength: 200, required: true, autocomplete: "off" });
  const label = element("label", { for: "new-name" }, text("people.name"));
  const check = () => input.value.trim() !== "";
  if (!(await openDialog(text("person.rename"), [label, input], { action: text("person.rename"), check }))) return;
  const name = input.value.trim();
  if (name === person.name) return;
  await ask("PATCH", pathOf(person), asJson({ name }));
  const back = { method: "PATCH", path: pathOf(person), body: { name: person.name } };
  offerUndo(text("person.renamed", { name }), [back]);
  await refresh();
}

async function merge(person, { into, name }) {
  const chosen = into ? { id: Number(into), name } : await pickPerson(text("person.merge_title", { name: person.name }), {
    gallery: person.gallery,
    besides: person.id,
  });
  if (!chosen) return;
  const before = readPerson(await loadPart("person"));
  const target = new URLSearchParams(person.suffix);
  target.set("into", chosen.id);
  await ask("POST", `/v1/people/${person.id}/merge?${target}`);
  const order = { name: before.name, template_ids: before.templates, new: true };
  const fields = Object.entries(dropEmpty(before.details)).map(([field, value]) => `"${field}":${JSON.stringify(value)}`);
  const body = `{${[...fields, `"metadata":${before.metadata}`].join(",")}}`;
  const steps = [
    { method: "POST", path: `/v1/faces/name${person.suffix}`, body: order },
    { method: "PATCH", path: `/v1/people/{id}${person.suffix}`, body },
  ];
  offerUndo(text("person.merged", { name: before.name, into: chosen.name }), steps, `/people/{id}${person.suffix}`);
  location.assign(`/people/${chosen.id}${person.suffix}`);
}

async function move(person, { template, to, name }) {
  const title = text("person.move_title");
  const chosen = to ? { id: Number(to), name } : await pickPerson(title, { gallery: person.gallery, besides: person.id });
  if (!chosen) return;
  const order = { template_ids: [Number(template)] };
  await ask("POST", `/v1/people/${chosen.id}/faces${person.suffix}`, asJson(order));
  const back = { method: "POST", path: pathOf(person, "/faces"), body: order };
  offerUndo(text("person.moved", { name: chosen.name }), [back]);
  await refresh();
}

async function removeTemplate(person, { template, photo }) {
  const sentence = element("p", {}, text("person.delete_sentence", { photo: photo || text("person.no_photo") }));
  const options = { action: text("person.delete"), className: "erase" };
  if (!(await openDialog(text("person.delete_title"), [sentence], options))) return;
  await ask("DELETE", `/v1/faces/${template}${person.suffix}`);
  offerUndo(text("person.deleted"));
  await refresh();
}

async function erase(person) {
  const input = element("input", { id: "typed-name", autocomplete: "off", spellcheck: "false" });
  const label = element("label", { for: "typed-name" }, text("person.erase_type", { name: person.name }));
  const sentence = element("p", {}, text("person.erase_sentence"));
  const check = () => fold(input.value) === fold(person.name);
  const options = { action: text("person.erase"), className: "erase", check };
  if (!(await openDialog(text("person.erase_title", { name: person.name }), [sentence, label, input], options))) return;
  await ask("DELETE", pathOf(person));
  offerUndo(text("person.erased"));
  location.assign(`/people${person.suffix}`);
}

function withdraw(person) {
  return storeDetails(person, ["consent", "consented"], { consent: "", consented: "" });
}

// Stores the fields that differ from those that the page got, so that what was changed elsewhere meanwhile stays.
async function changeDetails(person, wanted) {
  const fields = FIELDS.filter((field) => wanted[field] !== person.details[field]);
  if (fields.length) await storeDetails(person, fields, wanted);
}

async function storeDetails(person, fields, wanted) {
  const pick = (values) => Object.fromEntries(fields.map((field) => [field, values[field] || (field === "note" ? "" : null)]));
  await ask("PATCH", pathOf(person), asJson(pick(wanted)));
  offerUndo(text("person.saved"), [{ method: "PATCH", path: pathOf(person), body: pick(person.details) }]);
  await refresh();
}

function begin() {
  if (root()) showFindings(readPerson());
}

begin();
showUndo();
