// The chosen group: what speaks against it, who it may be, its name, and its faces.

import { ask } from "./api.js";
import { element } from "./dom.js";
import { inGallery, mayEnroll } from "./gallery.js";
import { GroupFaces } from "./group_faces.js";
import { describeNearness } from "./nearness.js";
import { PersonField } from "./person_field.js";
import { askAboutName } from "./same_name.js";
import { countText, text } from "./texts.js";

const byId = (id) => document.getElementById(id);

export class GroupPanel {
  // `orders` do what the user wants: name(person), merge(), aside(), split(), move().
  constructor(orders) {
    this.orders = orders;
    this.details = null;
    this.suggested = [];
    this.faces = new GroupFaces(byId("faces"), () => this.showPicked());
    this.about = byId("about");
    this.actions = byId("actions");
    if (mayEnroll) this.makeForm();
  }

  makeForm() {
    this.field = new PersonField(text("groups.who"));
    this.question = element("div", {});
    this.button = element("button", { class: "primary" });
    this.doubtfulToo = element("input", { type: "checkbox", id: "doubtful-too", change: () => this.showCounts() });
    this.option = element("label", { class: "option" }, this.doubtfulToo, text("groups.doubtful_too"));
    const row = element("div", { class: "row" }, this.button);
    this.form = element("form", { class: "name-form" }, this.field.root, this.option, this.question, row);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.orders.submit();
    });
    this.field.input.addEventListener("input", () => this.question.replaceChildren());
    this.field.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.focus();
    });
  }

  get ids() {
    return this.details.faces.map((face) => face.template_id);
  }

  get picked() {
    return [...this.faces.picked];
  }

  // The faces that a name is for: the picked ones, else those that are not doubtful, unless these are wanted too.
  get toName() {
    if (this.faces.picked.size) return this.picked;
    const certain = this.details.faces.filter((face) => !face.doubtful);
    return this.doubtfulToo.checked ? this.ids : certain.map((face) => face.template_id);
  }

  // A name that was typed stays where the same group is shown anew.
  show(details) {
    const isOther = this.details === null || this.details.number !== details.number;
    this.details = details;
    if (isOther) this.reset();
    const { number, faces } = details;
    byId("group-title").textContent = text("groups.heading", { number, faces: countText("groups.faces", faces.length) });
    this.suggested = listPeople(details);
    const focused = this.form?.contains(document.activeElement) ? document.activeElement : null;
    this.about.replaceChildren(...this.makeDoubts(), ...this.makeSuggestions(), ...(mayEnroll ? [this.form] : []));
    focused?.focus({ preventScroll: true });
    this.faces.show(faces);
    this.showPicked();
  }

  reset() {
    this.faces.picked.clear();
    if (!mayEnroll) return;
    this.field.input.value = "";
    this.field.type();
    this.question.replaceChildren();
    this.doubtfulToo.checked = false;
  }

  // What the group is, for screen readers.
  get summary() {
    return [byId("group-title").textContent, ...this.doubts].join(" ");
  }

  get doubts() {
    const { faces, people } = this.details;
    const doubtful = faces.filter((face) => face.doubtful).length;
    const sentences = [];
    if (people.length > 1) sentences.push(text("groups.several_people", { names: people.map(({ name }) => name).join(", ") }));
    if (doubtful) sentences.push(countText("groups.disagree", doubtful));
    return sentences;
  }

  makeDoubts() {
    const { faces } = this.details;
    const doubtful = faces.filter((face) => face.doubtful).length;
    const sentences = this.doubts;
    if (!sentences.length) return [];
    const notice = element("div", { class: "notice warning" }, ...sentences.map((words) => element("p", {}, words)));
    if (doubtful && doubtful < faces.length && mayEnroll) {
      notice.append(element("button", { type: "button", click: () => this.orders.splitDoubtful() }, text("groups.split_doubtful")));
    }
    return [notice];
  }

  makeSuggestions() {
    if (!this.suggested.length) return [];
    const lines = this.suggested.map((person) => {
      const words = [person.name, element("span", { class: "muted" }, person.words)];
      const choose = { type: "button", click: () => this.orders.name(person) };
      return element("li", {}, mayEnroll ? element("button", choose, ...words) : element("span", {}, words[0], " · ", words[1]));
    });
    return [element("h3", {}, text("groups.suggestions")), element("ul", { class: "suggestions" }, ...lines)];
  }

  showPicked() {
    if (!mayEnroll || !this.details) return;
    const { size } = this.faces.picked;
    const act = (key, order) => element("button", { type: "button", click: order }, text(key));
    const rows = [element("div", { class: "row" }, act("groups.merge", this.orders.merge), this.makeAside())];
    if (size) {
      const words = element("span", { role: "status" }, countText("groups.picked", size));
      const split = size < this.details.faces.length ? [act("groups.new_group", this.orders.split)] : [];
      rows.push(element("div", { class: "row" }, words, ...split, act("groups.move", this.orders.move), act("groups.pick_none", () => this.faces.clear())));
    }
    this.actions.replaceChildren(...rows);
    this.showCounts();
  }

  makeAside() {
    const isAside = "aside" in byId("page").dataset;
    return element("button", { type: "button", click: this.orders.aside }, text(isAside ? "groups.bring_back" : "groups.unknown"));
  }

  showCounts() {
    const count = this.toName.length;
    this.button.textContent = text("groups.name_faces", { faces: countText("groups.faces", count) });
    this.button.disabled = !count;
    this.option.hidden = this.faces.picked.size > 0 || !this.details.faces.some((face) => face.doubtful);
  }

  // The person that was typed or chosen; null where a question about the name has to be answered first.
  async readPerson() {
    const { name, person } = this.field;
    if (!name) {
      this.field.input.focus();
      return null;
    }
    if (person) return person;
    const { people } = await ask("GET", inGallery("/v1/people", { name }));
    return people.length ? askAboutName(this.question, name, people) : { name };
  }

  focus() {
    byId("group-title").focus();
  }
}

// People with templates in the cluster, then those of the gallery that are near, each with what speaks for them.
function listPeople({ people, suggestions }) {
  const members = people.map(({ person_id: id, name, templates }) => ({ id, name, words: countText("groups.in_cluster", templates) }));
  const others = suggestions.filter(({ person_id: id }) => !people.some((person) => person.person_id === id));
  return [...members, ...others.map((near) => ({ id: near.person_id, name: near.name, words: describeNearness(near) }))];
}
