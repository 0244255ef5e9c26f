// The faces of a group: picked by click or Space, shown larger by Enter, dragged to another group.

import { element } from "./dom.js";
import { cropPath, showCrop } from "./face_crop.js";
import { describeQuality } from "./face_quality.js";
import { mayEnroll } from "./gallery.js";
import { text } from "./texts.js";
import { VirtualList } from "./virtual_list.js";

const HEIGHT = 152;
const WIDTH = 112;

export class GroupFaces {
  // `onPick` is called after the picked faces have changed.
  constructor(root, onPick) {
    this.picked = new Set();
    this.onPick = onPick;
    this.dragged = [];
    const isPicked = mayEnroll ? (face) => this.picked.has(face.template_id) : null;
    this.list = new VirtualList(root, {
      height: HEIGHT,
      width: WIDTH,
      make: (face) => this.makeTile(face),
      isPicked,
      onChoose: (place, key) => this.choose(place, key),
    });
  }

  // Faces that are still there stay picked.
  show(faces) {
    const ids = new Set(faces.map((face) => face.template_id));
    for (const id of this.picked) if (!ids.has(id)) this.picked.delete(id);
    this.list.show(faces, 0);
  }

  clear() {
    this.picked.clear();
    this.list.draw();
    this.onPick();
  }

  choose(place, key) {
    const face = this.list.items[place];
    if (!mayEnroll || key === "Enter") return showLarge(face);
    const id = face.template_id;
    if (!this.picked.delete(id)) this.picked.add(id);
    this.list.draw();
    this.onPick();
  }

  makeTile(face) {
    const words = element("span", { class: "muted" }, face.photo || text("groups.no_photo"));
    const tile = element("div", { class: "face-tile", "aria-label": describe(face) }, showCrop(face.has_picture ? face.template_id : null), words);
    if (face.doubtful) tile.append(element("span", { class: "doubt" }, text("groups.doubtful")));
    tile.title = describe(face);
    if (mayEnroll) this.allowDrag(tile, face.template_id);
    return tile;
  }

  allowDrag(tile, id) {
    tile.draggable = true;
    tile.addEventListener("dragstart", (event) => {
      this.dragged = this.picked.has(id) ? [...this.picked] : [id];
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("application/x-visavis-faces", this.dragged.join(" "));
    });
    tile.addEventListener("dragend", () => {
      this.dragged = [];
    });
  }
}

function describe(face) {
  const parts = [face.photo || text("groups.no_photo")];
  if (face.quality !== null) parts.push(describeQuality(face));
  if (face.doubtful) parts.push(text("groups.doubtful"));
  return parts.join(", ");
}

function showLarge(face) {
  const close = element("button", { type: "button", class: "primary", click: () => dialog.close() }, text("people.close"));
  const picture = { class: "large-face", src: cropPath(face.template_id, 384), alt: "", width: 384, height: 384 };
  const parts = face.has_picture ? [element("img", picture)] : [];
  const title = element("h2", { id: "face-title" }, face.photo || text("groups.no_photo"));
  const dialog = element("dialog", { "aria-labelledby": "face-title" }, title, ...parts, element("p", {}, describe(face)), close);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  close.focus();
}
