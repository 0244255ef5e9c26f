// A key that was just made: shown once, with a button that copies it.

import { element } from "./dom.js";
import { text } from "./texts.js";

export function showSecret(place, made) {
  const input = element("input", { id: "key", class: "key", readonly: true, autocomplete: "off", spellcheck: "false" });
  input.value = made.key;
  const copied = element("p", { role: "status" });
  const copy = async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(input.value);
      copied.textContent = text("key.copied");
    } catch {
      copied.textContent = text("key.not_copied");
    }
  };
  const title = element("h2", { tabindex: "-1" }, text("key.title", { name: made.name }));
  const row = element("div", { class: "row" }, input, element("button", { type: "button", click: copy }, text("key.copy")));
  const label = element("label", { for: "key" }, text("key.text"));
  place.replaceChildren(
    element("div", { class: "card same" }, title, element("p", {}, text("key.explanation")), label, row, copied),
  );
  title.focus();
}
