// "Not this person": the effect is shown before it is stored, and storing can be undone.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { inGallery } from "./gallery.js";
import { formatNumber, locale, text } from "./texts.js";

export function offerRejection({ file, face }, onStored) {
  const { name } = face;
  const path = `/v1/people/${face.person_id}/rejections`;
  const place = element("div", { class: "rejection" });
  const send = (address) => {
    const body = new FormData();
    body.append("photo", file, file.name);
    return ask("POST", inGallery(address), { body });
  };
  const fail = (error, retry) => place.replaceChildren(describeProblem(error, { retry }), cancel);
  const first = element("button", { type: "button", click: showEffect }, text("rejection.offer", { name }));
  const cancel = element("button", { type: "button", click: reset }, text("rejection.cancel"));

  function reset() {
    place.replaceChildren(first);
    first.focus();
  }

  async function showEffect() {
    first.disabled = true;
    try {
      const effect = await send(`${path}/effect`);
      const store = element("button", { type: "button", class: "primary", click: storeIt }, text("rejection.store"));
      const isOther = effect.box.some((side, n) => Math.abs(side - face.box[n]) > 2);
      const sentence = isOther ? text("rejection.other_face", { name }) : describeEffect(effect);
      const words = element("p", { tabindex: -1 }, sentence);
      const row = element("div", { class: "row" }, ...(isOther ? [] : [store]), cancel);
      place.replaceChildren(element("div", { class: "notice warning" }, words, row));
      words.focus();
    } catch (error) {
      fail(error, showEffect);
    } finally {
      first.disabled = false;
    }
  }

  async function storeIt(event) {
    event.target.disabled = true;
    try {
      const { id, expires } = await send(path);
      const date = new Intl.DateTimeFormat(locale, { dateStyle: "long" }).format(new Date(expires));
      await onStored(text("rejection.stored", { name, date }), `/v1/rejections/${id}`);
    } catch (error) {
      fail(error, showEffect);
    }
  }

  place.append(first);
  return place;
}

function describeEffect({ name, compared, lost }) {
  const values = { name, compared: formatNumber(compared), lost: formatNumber(lost.length) };
  if (!compared) return text("rejection.effect_unknown", values);
  return text(lost.length ? "rejection.effect_lost" : "rejection.effect_none", values);
}
