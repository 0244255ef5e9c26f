// A field for the name of a person, with the people of the gallery whose names match what is typed.

import { ask } from "./api.js";
import { element } from "./dom.js";
import { inGallery } from "./gallery.js";
import { countText, text } from "./texts.js";

const MOST = 8;
const PAUSE = 150; // milliseconds after the last key
let fields = 0;

export class PersonField {
  constructor(label) {
    fields += 1;
    const [id, listId] = [`person-${fields}`, `people-${fields}`];
    this.person = null;
    this.options = [];
    this.list = element("ul", { id: listId, role: "listbox", class: "options", hidden: true, "aria-label": label });
    this.count = element("span", { class: "visually-hidden", role: "status" });
    this.input = element("input", {
      id,
      role: "combobox",
      autocomplete: "off",
      spellcheck: "false",
      maxlength: 200,
      "aria-autocomplete": "list",
      "aria-controls": listId,
      "aria-expanded": "false",
      input: () => this.type(),
      keydown: (event) => this.press(event),
      blur: () => this.close(),
    });
    this.root = element("div", { class: "person-field" }, element("label", { for: id }, label), this.input, this.list, this.count);
  }

  get name() {
    return this.person ? this.person.name : this.input.value.trim();
  }

  type() {
    this.person = null;
    clearTimeout(this.timer);
    const search = this.input.value.trim();
    if (search) this.timer = setTimeout(() => this.suggest(search), PAUSE);
    else this.close();
  }

  // Without an answer there are no suggestions; the name can be stored nevertheless.
  async suggest(search) {
    const answer = await ask("GET", inGallery("/v1/people", { search, limit: MOST })).catch(() => ({ people: [] }));
    if (this.input.value.trim() !== search || document.activeElement !== this.input) return;
    this.options = answer.people.map((person, n) => {
      const option = element("li", { id: `${this.list.id}-${n}`, role: "option", "aria-selected": "false" });
      option.append(element("span", {}, person.name), element("span", { class: "muted" }, describePerson(person)));
      option.addEventListener("pointerdown", (event) => {
        event.preventDefault(); // the field keeps the keyboard
        this.take(person);
      });
      return { option, person };
    });
    this.list.replaceChildren(...this.options.map(({ option }) => option));
    this.list.hidden = !this.options.length;
    this.input.setAttribute("aria-expanded", !this.list.hidden);
    this.count.textContent = countText("naming.suggestions", this.options.length);
    this.mark(-1);
  }

  press(event) {
    if (this.list.hidden) return;
    const count = this.options.length;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.mark(this.marked < 0 && step < 0 ? count - 1 : (this.marked + step + count) % count);
    else if (event.key === "Escape") this.close();
    else if (event.key === "Enter" && this.marked >= 0) this.take(this.options[this.marked].person);
    else return;
    event.preventDefault();
  }

  mark(number) {
    this.marked = number;
    this.options.forEach(({ option }, n) => option.setAttribute("aria-selected", n === number));
    if (number < 0) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", this.options[number].option.id);
  }

  take(person) {
    this.person = person;
    this.input.value = person.name;
    this.close();
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", false);
    this.mark(-1);
  }
}

function describePerson({ id, templates }) {
  return text("naming.option", { id, photos: countText("naming.photos", templates.length) });
}
