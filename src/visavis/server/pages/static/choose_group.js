// A group chosen in a dialog: one of those that look most alike, or another by its number.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { showCrop } from "./face_crop.js";
import { inGallery } from "./gallery.js";
import { countText, text } from "./texts.js";
import { describeNearness } from "./nearness.js";

const MOST = 500; // faces in an address

// Resolves to the number of a group other than `number`, or to null. The nearest are those of the faces `ids`.
export function chooseGroup(title, number, ids = []) {
  const list = element("ul", { class: "suggestions" });
  const status = element("div", { role: "status" });
  const input = element("input", { id: "other-group", type: "number", min: 0, step: 1, required: true });
  const label = element("label", { for: "other-group" }, text("groups.other_number"));
  const choose = element("button", { class: "primary" }, text("groups.choose"));
  const cancel = element("button", { type: "button", click: () => dialog.close() }, text("people.cancel"));
  const form = element("form", { method: "dialog" }, label, input, element("div", { class: "row" }, choose, cancel));
  const heading = element("h2", { id: "choose-title" }, title);
  const dialog = element("dialog", { "aria-labelledby": "choose-title" }, heading, status, list, form);
  let chosen = null;
  const take = (group) => {
    chosen = group;
    dialog.close();
  };
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const other = Number(input.value);
    if (other === number) return;
    try {
      await ask("GET", inGallery(`/v1/groups/${other}`)); // faces moved to a number that no group has would make one
      take(other);
    } catch (error) {
      status.replaceChildren(describeProblem(error, { isOrder: true }));
    }
  });

  async function find() {
    const query = new URLSearchParams(ids.slice(0, MOST).map((id) => ["template_id", id]));
    status.replaceChildren(element("p", { class: "skeleton" }, text("groups.looking")));
    try {
      const { groups } = await ask("GET", `${inGallery(`/v1/groups/${number}/near`)}&${query}`);
      status.replaceChildren(...(groups.length ? [] : [element("p", { class: "muted" }, text("groups.none_near"))]));
      list.replaceChildren(...groups.map((group) => element("li", {}, makeButton(group, take))));
      if (document.activeElement === cancel) list.querySelector("button")?.focus();
    } catch (error) {
      status.replaceChildren(describeProblem(error, { retry: find }));
    }
  }

  document.body.append(dialog);
  dialog.showModal();
  cancel.focus();
  find();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(chosen);
    });
  });
}

function makeButton(group, take) {
  const words = `${text("groups.number", { number: group.number })}, ${countText("groups.faces", group.faces)}`;
  const near = element("span", { class: "muted" }, describeNearness(group));
  const about = element("span", { class: "about" }, element("b", {}, words), near);
  return element("button", { type: "button", click: () => take(group.number) }, showCrop(group.cover), about);
}
