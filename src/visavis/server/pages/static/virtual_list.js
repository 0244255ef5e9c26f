// A list of thousands of items, of which only those in view are in the page: a listbox of one column, or of as many as
// fit. The listbox has the focus; its active option is the one that the keyboard has brought up.

import { element } from "./dom.js";

const BEYOND = 2; // rows above and below the view

export class VirtualList {
  // `root` is the element that scrolls; rows are `height` pixels high, columns `width` wide, 0 for one column. `make`
  // returns the option of an item, without what this list sets; `onActive` and `onChoose` get the place of an item.
  // `isPicked` tells which items are selected where several can be; else the active one is.
  constructor(root, { height, width = 0, make, isPicked = null, onActive = () => {}, onChoose = () => {} }) {
    Object.assign(this, { root, height, width, make, isPicked, onActive, onChoose });
    this.items = [];
    this.active = -1;
    this.options = new Map();
    this.isDrawn = true;
    this.sheet = element("div", { class: "rows", role: "presentation" });
    root.setAttribute("role", "listbox");
    root.tabIndex = 0;
    if (isPicked) root.setAttribute("aria-multiselectable", true);
    root.replaceChildren(this.sheet);
    root.addEventListener("scroll", () => this.schedule(), { passive: true });
    root.addEventListener("keydown", (event) => this.press(event));
    root.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(root);
  }

  // Shows other items; the active one is that of the place `active`.
  show(items, active) {
    this.items = items;
    this.active = Math.min(active, items.length - 1);
    this.options.clear();
    this.draw();
    if (this.active >= 0) this.reveal();
  }

  get columns() {
    return this.width ? Math.max(1, Math.floor(this.root.clientWidth / this.width)) : 1;
  }

  schedule() {
    if (!this.isDrawn) return;
    this.isDrawn = false;
    requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.isDrawn = true;
    const { columns, height, items, root, sheet } = this;
    sheet.style.height = `${Math.ceil(items.length / columns) * height}px`;
    const first = Math.max(0, Math.floor(root.scrollTop / height) - BEYOND) * columns;
    const end = Math.min(items.length, (Math.ceil((root.scrollTop + root.clientHeight) / height) + BEYOND) * columns);
    const options = new Map();
    for (let place = first; place < end; place += 1) options.set(place, this.options.get(place) || this.makeOption(place));
    this.options = options;
    const shown = [...options.values()];
    if (shown.length !== sheet.children.length || shown.some((option, n) => option !== sheet.children[n])) {
      sheet.replaceChildren(...shown);
    }
    for (const [place, option] of options) this.mark(place, option);
    if (options.has(this.active)) root.setAttribute("aria-activedescendant", options.get(this.active).id);
    else root.removeAttribute("aria-activedescendant");
  }

  makeOption(place) {
    const option = this.make(this.items[place]);
    option.id = `${this.root.id}-${place}`;
    option.dataset.place = place;
    option.setAttribute("role", "option");
    option.setAttribute("aria-setsize", this.items.length);
    option.setAttribute("aria-posinset", place + 1);
    return option;
  }

  mark(place, option) {
    const { columns, height, width } = this;
    option.style.top = `${Math.floor(place / columns) * height}px`;
    if (width) option.style.left = `${(place % columns) * width}px`;
    const isActive = place === this.active;
    option.classList.toggle("active", isActive);
    option.setAttribute("aria-selected", this.isPicked ? this.isPicked(this.items[place]) : isActive);
  }

  // Makes the item of a place the active one, and brings it into view.
  go(place) {
    if (!this.items.length) return;
    const next = Math.min(Math.max(place, 0), this.items.length - 1);
    const isOther = next !== this.active;
    this.active = next;
    this.reveal();
    this.draw();
    if (isOther) this.onActive(next);
  }

  reveal() {
    const { height, root } = this;
    const top = Math.floor(this.active / this.columns) * height;
    if (top < root.scrollTop) root.scrollTop = top;
    else if (top + height > root.scrollTop + root.clientHeight) root.scrollTop = top + height - root.clientHeight;
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { columns } = this;
    const page = Math.max(1, Math.floor(this.root.clientHeight / this.height)) * columns;
    const steps = { ArrowDown: columns, ArrowUp: -columns, ArrowRight: 1, ArrowLeft: -1, PageDown: page, PageUp: -page };
    if (event.key in steps) this.step(steps[event.key]);
    else if (event.key === "Home") this.go(0);
    else if (event.key === "End") this.go(this.items.length - 1);
    else if ((event.key === "Enter" || event.key === " ") && this.active >= 0) this.onChoose(this.active, event.key);
    else return;
    event.preventDefault();
  }

  // From the active item; the first one where none is.
  step(by) {
    this.go(this.active < 0 ? 0 : this.active + by);
  }

  click(event) {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    const place = Number(option.dataset.place);
    this.go(place);
    this.onChoose(place, "");
  }
}
