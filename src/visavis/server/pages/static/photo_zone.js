// A place for a photo: dropped, chosen, pasted or taken by the camera; its faces are found at once.

import { ask, describeProblem, showWaiting } from "./api.js";
import { element } from "./dom.js";
import { describeQuality, showQuality } from "./face_quality.js";
import { findLargest } from "./largest_face.js";
import { cropFace, FaceBoxes } from "./photo_boxes.js";
import { PhotoSource } from "./photo_source.js";
import { countText, text } from "./texts.js";

export class PhotoZone {
  constructor(root, onChange) {
    this.field = root.dataset.field;
    this.file = null;
    this.faces = [];
    this.chosen = 0;
    this.turn = 0;
    this.onChange = onChange;
    this.source = new PhotoSource(root, ([file]) => this.take(file));
    this.drop = root.querySelector(".drop");
    this.shown = root.querySelector(".shown");
  }

  get isReady() {
    return this.faces.length > 0;
  }

  // The number of the face that is compared, from 1; null for the largest, which the server finds itself.
  get face() {
    return this.chosen === findLargest(this.faces) ? null : this.chosen + 1;
  }

  async take(file) {
    this.forget();
    this.file = file;
    this.drop.hidden = true;
    this.shown.hidden = false;
    this.url = URL.createObjectURL(file);
    const remove = element("button", { type: "button", "aria-label": text("photo.remove", { name: file.name }) });
    remove.textContent = text("photo.remove_short");
    remove.addEventListener("click", () => this.clear());
    this.picture = element("div", { class: "picture" });
    this.status = element("div", { role: "status" });
    const head = element("div", { class: "row spread" }, element("b", { class: "name" }, file.name), remove);
    this.shown.replaceChildren(head, this.picture, this.status);
    remove.focus({ preventScroll: true });
    this.onChange();
    const { turn } = this;
    const image = await this.load();
    if (turn === this.turn) await this.find(image);
  }

  // Resolves to the decoded image, or to null where the browser does not know the format.
  async load() {
    const image = element("img", { alt: this.file.name, src: this.url });
    const picture = this.picture;
    try {
      await image.decode();
    } catch {
      picture.replaceChildren(element("p", { class: "muted" }, text("photo.not_shown")));
      return null;
    }
    picture.replaceChildren(element("div", { class: "photo" }, image));
    return image;
  }

  async find(image) {
    const { file, status, turn } = this;
    this.request = new AbortController();
    const body = new FormData();
    body.append("photo", file);
    const waiting = element("p", { class: "skeleton" }, text("photo.loading"));
    try {
      const work = ask("POST", "/v1/quality", { body, signal: this.request.signal });
      const answer = (await showWaiting(status, waiting, work)).photos[0];
      if (turn === this.turn) this.show(image, answer);
    } catch (error) {
      if (turn !== this.turn) return;
      const retry = () => this.find(image);
      status.replaceChildren(describeProblem(error, { kept: text("compare.photos_stay"), retry }));
    }
  }

  show(image, answer) {
    this.faces = answer.faces;
    if (answer.status !== "ok") {
      this.faces = [];
      const isEmpty = answer.status === "no_face";
      const notice = element("p", { class: "notice warning", role: "alert" }, text("photo.no_face"));
      this.status.replaceChildren(isEmpty ? notice : describeProblem({ code: answer.status, detail: answer.message }));
    } else {
      this.showFaces(image, answer);
    }
    this.onChange();
  }

  showFaces(image, answer) {
    const faces = answer.faces;
    this.chosen = findLargest(faces);
    const words = element("p", { class: "words" });
    const about = element("div", {}, element("p", {}, countText("photo.faces", faces.length)), words);
    const chip = element("div", { class: "chip" }, about);
    const describe = (number, place, isChosen) => {
      const values = { number: place + 1, count: faces.length, quality: describeQuality(faces[number]) };
      return isChosen ? `${text("photo.face", values)}, ${text("photo.compared")}` : text("photo.face", values);
    };
    const onFocus = (number) => words.replaceChildren(showQuality(faces[number]));
    const boxes = new FaceBoxes(answer, faces, { chosen: this.chosen, describe, onFocus, onChoose: (number) => choose(number) });
    const buttons = this.makeButtons(image, answer, { boxes, describe, choose: (number) => choose(number) });
    const show = () => {
      onFocus(this.chosen);
      buttons.forEach((button, place) => button.setAttribute("aria-pressed", boxes.order[place] === this.chosen));
      const label = text("photo.crop", { name: this.file.name });
      if (image) chip.replaceChildren(cropFace(image, answer, faces[this.chosen], { label }), about);
    };
    const choose = (number) => {
      if (number === this.chosen) return;
      this.chosen = number;
      boxes.choose(number);
      show();
      this.onChange();
    };
    show();
    if (image) this.picture.replaceChildren(element("div", { class: "photo" }, image, boxes.root));
    this.status.replaceChildren(chip);
    if (faces.length < 2) return;
    about.append(element("p", { class: "muted" }, text("photo.largest")));
    this.status.append(element("ul", { class: "faces" }, ...buttons.map((button) => element("li", {}, button))));
  }

  // Faces to choose from for fingers, which are larger than the boxes of many photos.
  makeButtons(image, answer, { boxes, describe, choose }) {
    return boxes.order.map((number, place) => {
      const crop = image ? [cropFace(image, answer, answer.faces[number], { side: 48 })] : [text("photo.number", { number: place + 1 })];
      const options = { type: "button", class: "face", "aria-label": describe(number, place, false) };
      return element("button", { ...options, click: () => choose(number) }, ...crop);
    });
  }

  clear() {
    this.forget();
    this.file = null;
    this.shown.replaceChildren();
    this.shown.hidden = true;
    this.drop.hidden = false;
    this.source.focus();
    this.onChange();
  }

  // What is still under way for the former photo shows nothing any more.
  forget() {
    this.turn += 1;
    if (this.request) this.request.abort();
    if (this.url) URL.revokeObjectURL(this.url);
    this.faces = [];
  }
}
