// A photo with the boxes of its faces and their names beside them, and the faces as a row of crops below it.

import { element, shape } from "./dom.js";
import { showDots } from "./face_quality.js";
import { cropFace, FaceBoxes } from "./photo_boxes.js";
import { placeLabels } from "./place_labels.js";

export class FacePhoto {
  // `image` is null where the browser cannot show the photo. A face has a `box`, a `label` for its name beside it, a
  // `kind` ("match" or "unknown"), and `say`, which returns what a screen reader says, given its place from the left.
  constructor(image, size, faces, { onChoose, chosen = -1 }) {
    this.faces = faces;
    const describe = (number, place) => faces[number].say(place + 1);
    this.boxes = new FaceBoxes(size, faces, { chosen, describe, onChoose });
    this.buttons = this.boxes.order.map((number, place) =>
      makeButton(image, size, faces[number], { words: describe(number, place), click: () => onChoose(number) }),
    );
    const row = element("ul", { class: "faces" }, ...this.buttons.map((button) => element("li", {}, button)));
    this.root = element("div", { class: "face-photo" }, ...(image ? [this.drawPhoto(image, size)] : []), row);
    this.choose(chosen);
  }

  drawPhoto(image, size) {
    this.labels = this.faces.map(({ label, kind }, number) => {
      const made = element("span", { class: `label ${kind}`, "aria-hidden": "true" }, label);
      made.addEventListener("click", () => this.boxes.boxes[this.boxes.order.indexOf(number)].dispatchEvent(new MouseEvent("click")));
      return made;
    });
    this.leaders = shape("svg", { class: "leaders", "aria-hidden": "true" });
    this.photo = element("div", { class: "photo" }, image, this.leaders, this.boxes.root, ...this.labels);
    this.observer = new ResizeObserver(() => this.place(image, size));
    this.observer.observe(image);
    return this.photo;
  }

  place(image, size) {
    const { width, height } = image.getBoundingClientRect();
    if (!width) return;
    const scale = width / size.width;
    const boxes = this.faces.map(({ box }) => box.map((value) => value * scale));
    const sizes = this.labels.map((label) => ({ width: label.offsetWidth, height: label.offsetHeight }));
    const placed = placeLabels(boxes, sizes, { width, height });
    this.photo.style.marginBottom = `${placed.height - height}px`;
    this.labels.forEach((label, number) => {
      label.style.left = `${placed.labels[number].x}px`;
      label.style.top = `${placed.labels[number].y}px`;
    });
    const lines = placed.labels.filter(({ leader }) => leader);
    this.leaders.replaceChildren(
      ...lines.map(({ leader: [x1, y1, x2, y2] }) => shape("line", { x1, y1, x2, y2 })),
    );
  }

  choose(number) {
    this.boxes.choose(number);
    this.buttons.forEach((button, place) => button.setAttribute("aria-pressed", this.boxes.order[place] === number));
  }

  // Gives the keyboard back to a face.
  focus(number) {
    if (this.photo) this.boxes.focus(number);
    else this.buttons[this.boxes.order.indexOf(number)].focus();
  }
}

function makeButton(image, size, face, { words, click }) {
  const crop = image ? [cropFace(image, size, face, { side: 48 })] : [];
  const name = element("span", { class: "caption" }, element("span", {}, face.label), showDots(face));
  return element("button", { type: "button", class: "face", "aria-label": words, click }, ...crop, name);
}
