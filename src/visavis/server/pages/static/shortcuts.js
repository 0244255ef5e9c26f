// Single keys that act on a page. They do nothing while a field or a dialog has the keyboard, and can be turned off, in
// this browser until they are turned on again.

import { element } from "./dom.js";
import { text } from "./texts.js";

const STORED = "visavis-shortcuts";
const OFF = "off";

// `keys` are rows of a key, the text of what it does, the function that does it, and whether it does it again and again
// while the key is held down. The button opens their list, with a text about other keys below it.
export function useShortcuts(button, keys, others = text("groups.pick_help")) {
  const help = () => showKeys(keys, others);
  const actions = new Map([...keys, ["?", "", help]].map(([key, , act, repeats]) => [key, { act, repeats }]));
  button.addEventListener("click", help);
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (!areOn() || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const action = actions.get(event.key);
    if (!action) return;
    event.preventDefault();
    if (!event.repeat || action.repeats) action.act();
  });
}

const areOn = () => localStorage.getItem(STORED) !== OFF;

const TICKED = ["checkbox", "radio"];
const isTyping = (target) =>
  target.isContentEditable || ["textarea", "select"].includes(target.localName) || (target.localName === "input" && !TICKED.includes(target.type));

function showKeys(keys, others) {
  const rows = [...keys, ["?", text("groups.key_help")]];
  const lines = rows.flatMap(([key, words]) => [element("dt", {}, element("kbd", {}, key)), element("dd", {}, words)]);
  const help = element("p", {}, others);
  const box = element("input", { type: "checkbox", id: "shortcuts-on" });
  box.checked = areOn();
  box.addEventListener("change", () => {
    if (box.checked) localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, OFF);
  });
  const option = element("label", { class: "option" }, box, text("groups.shortcuts_on"));
  const close = element("button", { type: "button", class: "primary", click: () => dialog.close() }, text("people.close"));
  const title = element("h2", { id: "keys-title" }, text("groups.shortcuts"));
  const dialog = element("dialog", { "aria-labelledby": "keys-title" }, title, element("dl", { class: "keys" }, ...lines), help, option, close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
