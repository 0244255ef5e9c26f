// A person chosen in a dialog, by a part of the name or the number.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { countText, text } from "./texts.js";

const WAIT = 200;
const MOST = 8;

// Resolves to a person of the gallery other than that of the id `besides`, or to null.
export function pickPerson(title, { gallery, besides }) {
  const search = element("input", { id: "pick", type: "search", autocomplete: "off", maxlength: 200 });
  const label = element("label", { for: "pick" }, text("people.search"));
  const status = element("p", { class: "muted", role: "status" });
  const list = element("ul", { class: "candidates" });
  const cancel = element("button", { type: "button", click: () => dialog.close() }, text("people.cancel"));
  const heading = element("h2", { id: "pick-title" }, title);
  const dialog = element("dialog", { "aria-labelledby": "pick-title" }, heading, label, search, status, list, cancel);
  let picked = null;
  let timer = 0;
  let turn = 0;

  async function find() {
    turn += 1;
    const mine = turn;
    const query = new URLSearchParams({ gallery, search: search.value, limit: MOST + 1 });
    try {
      const { people } = await ask("GET", `/v1/people?${query}`);
      if (mine !== turn) return;
      const others = people.filter((person) => person.id !== besides).slice(0, MOST);
      status.textContent = others.length ? "" : text("people.no_match");
      list.replaceChildren(...others.map((person) => element("li", {}, makeButton(person))));
    } catch (error) {
      if (mine === turn) status.replaceChildren(describeProblem(error, { retry: find }));
    }
  }

  function makeButton(person) {
    const about = `#${person.id} · ${countText("people.templates", person.templates.length)}`;
    const choose = () => {
      picked = person;
      dialog.close();
    };
    return element("button", { type: "button", click: choose }, person.name, element("span", { class: "muted" }, about));
  }

  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, WAIT);
  });
  document.body.append(dialog);
  dialog.showModal();
  search.focus();
  find();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(picked);
    });
  });
}
