// "Who is it?": the face becomes a template of a person of the gallery, or of a new one; that can be undone.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { inGallery } from "./gallery.js";
import { PersonField } from "./person_field.js";
import { text } from "./texts.js";

export function offerNaming({ file, face }, onStored) {
  const field = new PersonField(text("naming.label"));
  const status = element("div", { role: "status" });
  const button = element("button", { class: "primary" }, text("naming.store"));
  const form = element("form", { class: "naming", submit }, field.root, element("div", { class: "row" }, button), status);

  function submit(event) {
    event.preventDefault();
    const { name, person } = field;
    if (name) store(name, person ? { person_id: person.id } : {});
    else field.input.focus();
  }

  async function store(name, parameters) {
    const fail = (error) => status.replaceChildren(describeProblem(error, { retry: () => store(name, parameters) }));
    const body = new FormData();
    body.append("name", name);
    body.append("photo", file, file.name);
    button.disabled = true;
    status.replaceChildren();
    try {
      const path = inGallery("/v1/people", { face: face.number + 1, ...parameters });
      await report(await ask("POST", path, { body }));
    } catch (error) {
      if (error.code === "similar_name") offerSimilar(name).catch(fail);
      else fail(error);
    } finally {
      button.disabled = false;
    }
  }

  async function report({ person_id: id, name, added, assigned, new: isNew, notes }) {
    if (!added.length) {
      status.replaceChildren(element("p", { class: "notice warning" }, text("naming.nothing_new", { name })), ...list(notes));
      return;
    }
    const sentences = [text(isNew ? "naming.new" : "naming.added", { name }), ...notes];
    if (assigned.length) {
      await onStored([...sentences, text("naming.assigned")].join(" "), ""); // to undo it would delete a stored face
      return;
    }
    await onStored(sentences.join(" "), isNew ? `/v1/people/${id}` : `/v1/faces/${added[0]}`);
  }

  // A new name is written like others: one of these people, or another person of that name.
  async function offerSimilar(name) {
    const { people } = await ask("GET", inGallery("/v1/people", { name }));
    const choose = (words, click) => element("button", { type: "button", click }, words);
    const buttons = people.map((person) =>
      choose(text("naming.person", { name: person.name, id: person.id }), () => store(person.name, { person_id: person.id })),
    );
    buttons.push(choose(text("naming.another", { name }), () => store(name, { new: true })));
    const words = element("p", {}, text("naming.similar", { name }));
    status.replaceChildren(element("div", { class: "notice warning" }, words, element("div", { class: "row" }, ...buttons)));
    buttons[0].focus();
  }

  return form;
}

const list = (notes) => notes.map((note) => element("p", { lang: "en" }, note));
