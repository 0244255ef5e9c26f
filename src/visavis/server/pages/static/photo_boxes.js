// A photo with the boxes of its faces as SVG over it. One face has the keyboard; arrow keys go on to its neighbors.

import { element, shape } from "./dom.js";
import { text } from "./texts.js";
import { describeQuality } from "./face_quality.js";

const FORWARD = new Set(["ArrowRight", "ArrowDown"]);
const BACK = new Set(["ArrowLeft", "ArrowUp"]);

// `size` is the width and height of the upright photo, in whose pixels the boxes are; `onFocus` gets a face's number.
export function drawBoxes(image, size, faces, { chosen, onFocus }) {
  const overlay = shape("svg", { viewBox: `0 0 ${size.width} ${size.height}`, class: "boxes", role: "group" });
  const order = faces.map((_, number) => number).sort((a, b) => faces[a].box[0] - faces[b].box[0]);
  const boxes = order.map((number, place) => makeBox(faces[number], { number, place, chosen, count: faces.length }));
  overlay.append(...boxes);
  overlay.addEventListener("keydown", (event) => {
    const place = boxes.indexOf(event.target);
    const step = FORWARD.has(event.key) ? 1 : BACK.has(event.key) ? -1 : 0;
    const next = boxes[place + step];
    if (!step || !next) return;
    event.preventDefault();
    boxes[place].setAttribute("tabindex", -1);
    next.setAttribute("tabindex", 0);
    next.focus();
  });
  boxes.forEach((box, place) => box.addEventListener("focus", () => onFocus(order[place])));
  return element("div", { class: "photo" }, image, overlay);
}

function makeBox(face, { number, place, chosen, count }) {
  const [left, top, right, bottom] = face.box;
  const isChosen = number === chosen;
  const label = text("photo.face", { number: place + 1, count, quality: describeQuality(face) });
  return shape("rect", {
    x: left,
    y: top,
    width: right - left,
    height: bottom - top,
    rx: (right - left) / 16,
    class: isChosen ? "box chosen" : "box",
    role: "img",
    tabindex: isChosen ? 0 : -1,
    "aria-label": isChosen ? `${label}, ${text("photo.compared")}` : label,
  });
}

// The part of a photo around a face, 96 pixels high and wide, with a margin of a fifth of the box.
export function cropFace(image, size, face, label) {
  const side = 96;
  const canvas = element("canvas", { width: 2 * side, height: 2 * side, class: "crop", role: "img", "aria-label": label });
  const [left, top, right, bottom] = face.box;
  const scale = image.naturalWidth / size.width;
  const edge = 1.4 * Math.max(right - left, bottom - top) * scale;
  const x = ((left + right) / 2) * scale - edge / 2;
  const y = ((top + bottom) / 2) * scale - edge / 2;
  canvas.getContext("2d").drawImage(image, x, y, edge, edge, 0, 0, 2 * side, 2 * side);
  return canvas;
}
