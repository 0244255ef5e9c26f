// Boxes of faces as SVG over a photo, and crops. One face has the keyboard: arrow keys go on to its neighbors, and
// Enter chooses it, as a click does.

import { element, shape } from "./dom.js";

const FORWARD = new Set(["ArrowRight", "ArrowDown"]);
const BACK = new Set(["ArrowLeft", "ArrowUp"]);

export class FaceBoxes {
  // `size` is the width and height of the upright photo, in whose pixels the boxes are. `describe` returns the words of
  // a face, given its number and its place from the left; `onFocus` and `onChoose` get the number.
  constructor(size, faces, { chosen, describe, onFocus = () => {}, onChoose }) {
    this.describe = describe;
    this.order = faces.map((_, number) => number).sort((a, b) => faces[a].box[0] - faces[b].box[0]);
    this.boxes = this.order.map((number) => makeBox(faces[number]));
    this.root = shape("svg", { viewBox: `0 0 ${size.width} ${size.height}`, class: "boxes", role: "group" });
    this.root.append(...this.boxes);
    this.root.addEventListener("keydown", (event) => this.press(event));
    this.boxes.forEach((box, place) => {
      box.addEventListener("focus", () => onFocus(this.order[place]));
      box.addEventListener("click", () => onChoose(this.order[place]));
    });
    this.choose(chosen);
  }

  press(event) {
    const place = this.boxes.indexOf(event.target);
    if (place < 0) return;
    const next = this.boxes[place + (FORWARD.has(event.key) ? 1 : BACK.has(event.key) ? -1 : this.boxes.length)];
    if (event.key === "Enter" || event.key === " ") this.boxes[place].dispatchEvent(new MouseEvent("click"));
    else if (next) this.give(next, this.boxes[place]);
    else return;
    event.preventDefault();
  }

  give(next, former) {
    former.setAttribute("tabindex", -1);
    next.setAttribute("tabindex", 0);
    next.focus();
  }

  // Marks a face; the first one from the left has the keyboard where none is chosen (-1).
  choose(chosen) {
    this.boxes.forEach((box, place) => {
      const isChosen = this.order[place] === chosen;
      box.classList.toggle("chosen", isChosen);
      box.setAttribute("aria-pressed", isChosen);
      box.setAttribute("aria-label", this.describe(this.order[place], place, isChosen));
      box.setAttribute("tabindex", isChosen || (chosen < 0 && place === 0) ? 0 : -1);
    });
  }

  focus(number) {
    this.boxes[this.order.indexOf(number)].focus();
  }
}

function makeBox(face) {
  const [left, top, right, bottom] = face.box;
  return shape("rect", {
    x: left,
    y: top,
    width: right - left,
    height: bottom - top,
    rx: (right - left) / 16,
    class: "box",
    role: "button",
  });
}

// The part of a photo around a face, `side` pixels high and wide, with a margin of a fifth of the box.
export function cropFace(image, size, face, { side = 96, label = "" } = {}) {
  const named = label ? { role: "img", "aria-label": label } : { "aria-hidden": "true" };
  const canvas = element("canvas", { width: 2 * side, height: 2 * side, class: "crop", ...named });
  const [left, top, right, bottom] = face.box;
  const scale = image.naturalWidth / size.width;
  const edge = 1.4 * Math.max(right - left, bottom - top) * scale;
  const x = ((left + right) / 2) * scale - edge / 2;
  const y = ((top + bottom) / 2) * scale - edge / 2;
  canvas.getContext("2d").drawImage(image, x, y, edge, edge, 0, 0, 2 * side, 2 * side);
  return canvas;
}
