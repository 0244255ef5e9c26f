// The page "Celebrities": the likeliest people of a classifier for each face, with their probabilities.

import { ask } from "./api.js";
import { element } from "./dom.js";
import { describeQuality } from "./face_quality.js";
import { findLargest } from "./largest_face.js";
import { announce } from "./photo_view.js";
import { makeSinglePhotoPage } from "./single_photo.js";
import { formatNumber, text } from "./texts.js";

const classifier = document.getElementById("classifier");
let answer = null;
const view = makeSinglePhotoPage({ analyze, onFaces, onChoose: showNames });

classifier.addEventListener("change", () => view.restart());

async function analyze(file, signal) {
  const body = new FormData();
  body.append("photo", file, file.name);
  const path = `/v1/classify?${new URLSearchParams({ model: classifier.value })}`;
  const [shown] = (await ask("POST", path, { body, signal })).photos;
  const count = shown.faces.length;
  const faces = shown.faces.map((face) => {
    const label = face.known ? face.names[0][0] : text("photo.unknown");
    const values = { count, name: label, quality: describeQuality(face) };
    const say = (place) => text("photo.named_face", { number: place, ...values });
    return { ...face, label, say, kind: face.known ? "match" : "unknown" };
  });
  return { ...shown, faces };
}

function onFaces(shown) {
  answer = shown;
  view.choose(findLargest(shown.faces));
}

function showNames(number) {
  const { names, known, label } = answer.faces[number];
  const rows = names.map(([name, probability]) => {
    const bar = element("div", { class: "bar" });
    bar.style.width = `${100 * probability}%`;
    const percent = formatNumber(probability, { style: "percent", maximumFractionDigits: 1 });
    const head = element("div", { class: "row spread" }, element("span", { class: "name" }, name), element("span", {}, percent));
    return element("li", {}, head, element("div", { class: "track", "aria-hidden": "true" }, bar));
  });
  const title = element("h3", {}, known ? label : text("celebrities.not_sure"));
  const list = element("ol", { class: "ranking" }, ...rows);
  view.panel.replaceChildren(element("div", { class: `card ${known ? "same" : ""}` }, title, list));
  const likeliest = names.map(([name]) => name).join(", ");
  announce(known ? label : `${text("celebrities.not_sure")} ${likeliest}`);
}
