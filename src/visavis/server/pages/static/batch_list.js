// The lines of photos that were identified, by what was found in them.

import { element } from "./dom.js";
import { countText, formatNumber, hasText, text } from "./texts.js";

const KINDS = {
  all: () => true,
  unknown: ({ names }) => names.includes(null),
  no_face: ({ status }) => status === "no_face",
  failed: ({ status }) => status !== "ok" && status !== "no_face",
};

export class BatchList {
  constructor(onOpen) {
    this.onOpen = onOpen;
    this.lines = [];
    this.kind = "all";
    this.person = "";
    this.buttons = Object.fromEntries(Object.keys(KINDS).map((kind) => [kind, this.makeFilter(kind)]));
    this.people = element("select", { id: "batch-person", change: () => this.filter(this.kind, this.people.value) });
    this.all = element("option", { value: "" }, text("batch.all_people"));
    this.people.append(this.all);
    this.counts = new Map();
    const label = element("label", { for: "batch-person" }, text("batch.person"));
    const row = element("div", { class: "row choose" }, ...Object.values(this.buttons), label, this.people);
    this.rows = element("ol", { class: "lines" });
    this.root = element("div", {}, row, this.rows);
    this.filter("all", "");
  }

  makeFilter(kind) {
    return element("button", { type: "button", click: () => this.filter(kind, this.person) });
  }

  add(line) {
    const open = () => {
      this.opened = button;
      this.onOpen(line.file);
    };
    const name = element("span", { class: "name" }, line.name);
    line.words = element("span");
    const button = element("button", { type: "button", class: "entry", click: open }, name, line.words);
    line.row = element("li", {}, button);
    this.lines.push(line);
    this.rows.append(line.row);
    this.describe(line);
    this.update(line);
  }

  // The row stays, and the keyboard with it; what it says is new.
  replace(line, answer) {
    const { names } = line;
    Object.assign(line, answer);
    this.describe(line);
    this.countPeople(names, -1);
    this.filter(this.kind, this.person);
  }

  describe(line) {
    line.words.textContent = describeLine(line);
    line.row.className = KINDS.failed(line) ? "failed" : "";
    this.countPeople(line.names, 1);
  }

  countPeople(names, step) {
    for (const person of new Set(names)) if (person !== null) this.count(person, step);
  }

  // People are in the choice by their names, with the number of their photos; `step` is 1 or -1.
  count(person, step) {
    const known = this.counts.get(person);
    const entry = known || { photos: 0, option: element("option", { value: person }) };
    entry.photos += step;
    if (!entry.photos) {
      this.forget(person, entry);
      return;
    }
    entry.option.textContent = text("batch.person_count", { name: person, count: formatNumber(entry.photos) });
    if (known) return;
    this.counts.set(person, entry);
    const next = [...this.people.options].slice(1).find(({ value }) => value.localeCompare(person) > 0);
    this.people.insertBefore(entry.option, next || null);
  }

  forget(person, { option }) {
    this.counts.delete(person);
    option.remove();
    if (this.person === person) this.filter(this.kind, "");
  }

  remove(lines) {
    const removed = new Set(lines);
    for (const { row } of lines) row.remove();
    this.lines = this.lines.filter((line) => !removed.has(line));
    this.filter("all", this.person);
  }

  filter(kind, person) {
    [this.kind, this.person] = [kind, person];
    for (const [name, button] of Object.entries(this.buttons)) button.setAttribute("aria-pressed", name === kind);
    for (const line of this.lines) this.hide(line);
    this.update();
  }

  hide(line) {
    line.row.hidden = !KINDS[this.kind](line) || Boolean(this.person && !line.names.includes(this.person));
  }

  update(added) {
    if (added) this.hide(added);
    for (const [kind, button] of Object.entries(this.buttons)) {
      const count = this.lines.filter(KINDS[kind]).length;
      button.textContent = text(`batch.kind_${kind}`, { count: formatNumber(count) });
    }
  }

  // Gives the keyboard to the line that was opened last.
  focus(otherwise) {
    const isShown = this.opened && this.opened.isConnected && !this.opened.closest("[hidden]");
    (isShown ? this.opened : otherwise).focus();
  }
}

// The names in a photo, or what went wrong.
export function describeLine({ status, message, names }) {
  if (status === "ok") return describeNames(names);
  if (status === "no_face") return text("batch.no_face");
  const key = `problem.${status}`;
  return hasText(key) ? text(key) : message || text("problem.unknown");
}

function describeNames(names) {
  const unknown = names.filter((name) => name === null).length;
  const parts = names.filter((name) => name !== null);
  if (unknown) parts.push(countText("batch.unknown", unknown));
  return parts.join(", ");
}
