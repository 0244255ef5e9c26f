// A question where the gallery has people of the name that was typed, or of one written like it.

import { element } from "./dom.js";
import { countText, text } from "./texts.js";

const NEW = "new";

// Returns the person that was chosen, {name, isNew} for a new one, or null where the question has not been answered.
export function askAboutName(place, name, people) {
  const answered = place.querySelector("input:checked");
  if (answered) {
    if (answered.value === NEW) return { name, isNew: true };
    return people.find((person) => String(person.id) === answered.value) || null;
  }
  const lines = people.map((person) =>
    makeChoice(person.id, text("same_name.person", { name: person.name, id: person.id }), countText("people.templates", person.templates.length)),
  );
  lines.push(makeChoice(NEW, text("same_name.new", { name }), ""));
  const legend = element("legend", {}, text("same_name.question"));
  place.replaceChildren(element("fieldset", { class: "question" }, legend, ...lines));
  place.querySelector("input").focus();
  return null;
}

function makeChoice(value, label, about) {
  const input = element("input", { type: "radio", name: "same-name", value });
  return element("label", { class: "option" }, input, element("span", {}, label), element("span", { class: "muted" }, about));
}
