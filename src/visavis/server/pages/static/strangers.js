// "Who is it?": a stranger becomes a person of the gallery, which can be undone; or is forgotten, which cannot.

import { ask, describeProblem } from "./api.js";
import { openDialog } from "./dialog.js";
import { element } from "./dom.js";
import { inGallery } from "./gallery.js";
import { PersonField } from "./person_field.js";
import { countText, formatNumber, text } from "./texts.js";
import { asJson, offerUndo } from "./undo.js";

const FARTHEST = 0.05; // rate at which strangers are as near as a person who is suggested at most
const MOST = 1000; // strangers that a gallery remembers

export function askAboutStranger(number, onStored) {
  const field = new PersonField(text("naming.label"));
  const status = element("div", { role: "status" });
  const near = element("div", { class: "suggestions" });
  const id = `stranger-${number}-title`;
  const heading = element("h2", { id }, text("live.stranger", { number }));
  const store = element("button", { class: "primary" }, text("strangers.store"));
  const cancel = element("button", { type: "button", click: () => dialog.close() }, text("people.cancel"));
  const row = element("div", { class: "row" }, store, cancel);
  const form = element("form", { submit }, heading, near, field.root, status, row);
  const dialog = element("dialog", { "aria-labelledby": id }, form);

  function submit(event) {
    event.preventDefault();
    const { name, person } = field;
    if (person) nameIt({ person_id: person.id });
    else if (name) nameIt({ name });
    else field.input.focus();
  }

  async function nameIt(order) {
    store.disabled = true;
    status.replaceChildren();
    try {
      const templates = await readTemplates(number);
      report(await ask("POST", inGallery(`/v1/strangers/${number}/name`), asJson(order)), templates);
    } catch (problem) {
      if (problem.code === "similar_name") await offerSimilar(order.name);
      else status.replaceChildren(describeProblem(problem, { retry: () => nameIt(order) }));
    } finally {
      store.disabled = false;
    }
  }

  function report({ name, templates: all }, templates) {
    const body = { template_ids: templates, with_person: all.length === templates.length };
    const undo = { method: "POST", path: inGallery("/v1/faces/unassign"), body };
    offerUndo(text("strangers.named", { number, name }), [undo]);
    dialog.close();
    document.getElementById("undo").focus();
    onStored();
  }

  // A new name is written like others: one of these people, or another person of that name.
  async function offerSimilar(name) {
    const choose = (words, order) => element("button", { type: "button", click: () => nameIt(order) }, words);
    try {
      const { people } = await ask("GET", inGallery("/v1/people", { name }));
      const buttons = people.map((person) => choose(text("naming.person", person), { person_id: person.id }));
      buttons.push(choose(text("naming.another", { name }), { name, new: true }));
      const words = element("p", {}, text("naming.similar", { name }));
      status.replaceChildren(element("div", { class: "notice warning" }, words, element("div", { class: "row" }, ...buttons)));
      buttons[0].focus();
    } catch (problem) {
      status.replaceChildren(describeProblem(problem, { retry: () => offerSimilar(name) }));
    }
  }

  // People who are near enough that they may be meant; without an answer there are none.
  async function suggest() {
    const { people } = await ask("GET", inGallery(`/v1/strangers/${number}/near`)).catch(() => ({ people: [] }));
    const likely = people.filter(({ far }) => far !== null && far <= FARTHEST);
    near.replaceChildren(
      ...likely.map(({ person_id, name, far }) => {
        const words = element("span", { class: "muted" }, text("strangers.as_near", { count: formatNumber(Math.round(1 / far)) }));
        return element("button", { type: "button", click: () => nameIt({ person_id }) }, name, words);
      }),
    );
  }

  document.body.append(dialog);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.showModal();
  field.input.focus();
  suggest();
}

// `item` is the number of a stranger, or "all".
export async function forgetStrangers(item, place, onForgotten) {
  const isAll = item === "all";
  const { count } = document.getElementById("strangers").dataset;
  const title = isAll ? countText("strangers.forget_count", Number(count)) : text("strangers.forget_stranger", { number: item });
  const words = [element("p", {}, text("strangers.forget_help"))];
  const typed = element("input", { autocomplete: "off", inputmode: "numeric" });
  if (isAll) words.push(element("label", {}, text("strangers.type_count", { count }), typed));
  const check = () => !isAll || typed.value.trim() === count;
  if (await openDialog(title, words, { action: text("strangers.forget"), className: "erase", check })) forget();

  async function forget() {
    try {
      await ask("DELETE", inGallery(isAll ? "/v1/strangers" : `/v1/strangers/${item}`));
      place.replaceChildren();
      onForgotten();
    } catch (problem) {
      place.replaceChildren(describeProblem(problem, { retry: forget }));
    }
  }
}

// The faces of a stranger, with those that cameras have seen since the page was shown.
async function readTemplates(number) {
  const { strangers } = await ask("GET", inGallery("/v1/strangers", { limit: MOST }));
  return strangers.find((stranger) => String(stranger.number) === number)?.template_ids || [];
}
