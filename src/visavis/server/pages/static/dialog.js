// A dialog with an action, which Enter confirms and Escape leaves.

import { element } from "./dom.js";
import { text } from "./texts.js";

let count = 0;

// Resolves to whether the action was chosen. `check` decides whether it may be; `className` marks what cannot be undone.
export function openDialog(title, children, { action, className = "primary", check = () => true }) {
  count += 1;
  const id = `dialog-${count}`;
  const confirm = element("button", { class: className, value: "yes" }, action);
  const cancel = element("button", { type: "button" }, text("people.cancel"));
  const row = element("div", { class: "row" }, confirm, cancel);
  const form = element("form", { method: "dialog" }, element("h2", { id }, title), ...children, row);
  const dialog = element("dialog", { "aria-labelledby": id }, form);
  const update = () => {
    confirm.disabled = !check();
  };
  form.addEventListener("input", update);
  cancel.addEventListener("click", () => dialog.close());
  document.body.append(dialog);
  update();
  dialog.showModal();
  const first = dialog.querySelector("input") || cancel;
  first.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
