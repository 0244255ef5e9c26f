// What there is to say and to do about a face of a photo: why it has its name, "not this person", "who is it?".

import { element } from "./dom.js";
import { showQuality } from "./face_quality.js";
import { gallery, mayEnroll } from "./gallery.js";
import { offerNaming } from "./naming.js";
import { cropFace } from "./photo_boxes.js";
import { offerRejection } from "./rejection.js";
import { formatDistance, text } from "./texts.js";
import { explain } from "./why.js";

// `onStored` gets a sentence and the path that undoes what was stored; `leave` closes the panel.
export function showFace(place, { face, photo, image, file, onStored, leave }) {
  const title = element("h3", { tabindex: -1 }, face.label);
  const crop = image ? [cropFace(image, photo, face)] : [];
  const words = element("div", {}, title, element("p", {}, showQuality(face)));
  const close = element("button", { type: "button", class: "quiet", click: leave }, text("why.close"));
  const card = element("div", { class: `card ${face.kind === "match" ? "same" : ""}` });
  card.append(element("div", { class: "row spread" }, element("div", { class: "chip" }, ...crop, words), close));
  for (const note of face.notes) card.append(element("p", { class: "muted", lang: "en" }, note));
  const context = { file, face };
  if (face.person_id === null) {
    if (mayEnroll) card.append(offerNaming(context, onStored));
    if (face.candidates.length) card.append(offerNearest(context));
  } else {
    const address = `/people/${face.person_id}?${new URLSearchParams({ gallery })}`;
    card.append(element("p", {}, element("a", { href: address }, text("why.person_page", { name: face.name }))));
    const explanation = element("div", { class: "why" });
    card.append(explanation);
    explain(explanation, context, { person_id: face.person_id, name: face.name });
    if (mayEnroll) card.append(offerRejection(context, onStored), offerNaming(context, onStored));
  }
  card.addEventListener("keydown", (event) => event.key === "Escape" && !event.defaultPrevented && leave());
  place.replaceChildren(card);
  title.focus();
}

// An unknown face is "unknown": who is nearest is shown when asked for.
function offerNearest(context) {
  const { candidates } = context.face;
  const place = element("div", { class: "why" });
  const choose = (candidate, button) => {
    for (const other of buttons) other.setAttribute("aria-pressed", other === button);
    explain(place, context, candidate);
  };
  const buttons = candidates.map((candidate) => {
    const words = text("why.candidate", { name: candidate.name, distance: formatDistance(candidate.distance) });
    const click = () => choose(candidate, button);
    const button = element("button", { type: "button", "aria-pressed": "false", click }, words);
    return button;
  });
  const row = element("div", { class: "row", role: "group", "aria-label": text("why.candidates") }, ...buttons);
  const details = element("details", {}, element("summary", {}, text("why.nearest")), row, place);
  details.addEventListener("toggle", () => details.open && !place.childElementCount && choose(candidates[0], buttons[0]));
  return details;
}
