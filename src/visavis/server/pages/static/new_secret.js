// A key that was just made: shown once, with a button that copies it.

import { offerCopy } from "./copy_secret.js";
import { element } from "./dom.js";
import { text } from "./texts.js";

export function showSecret(place, made) {
  const input = element("input", { id: "key", class: "key", readonly: true, autocomplete: "off", spellcheck: "false" });
  input.value = made.key;
  const copied = element("p", { role: "status" });
  const copy = element("button", { type: "button" }, text("key.copy"));
  offerCopy(input, copy, copied);
  const title = element("h2", { tabindex: "-1" }, text("key.title", { name: made.name }));
  const label = element("label", { for: "key" }, text("key.text"));
  const row = element("div", { class: "row" }, input, copy);
  place.replaceChildren(
    element("div", { class: "card same" }, title, element("p", {}, text("key.explanation")), label, row, copied),
  );
  title.focus();
}
