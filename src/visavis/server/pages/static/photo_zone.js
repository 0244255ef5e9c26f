// A place for a photo: dropped, chosen, pasted or taken by the camera; its faces are found at once.

import { ask, describeProblem, showWaiting } from "./api.js";
import { takePhoto } from "./camera.js";
import { hasCamera, showCameraNotice } from "./camera_notice.js";
import { element } from "./dom.js";
import { showQuality } from "./face_quality.js";
import { findLargest } from "./largest_face.js";
import { cropFace, drawBoxes } from "./photo_boxes.js";
import { countText, text } from "./texts.js";

export class PhotoZone {
  constructor(root, onChange) {
    this.field = root.dataset.field;
    this.file = null;
    this.faces = [];
    this.turn = 0;
    this.onChange = onChange;
    this.input = root.querySelector("input");
    this.drop = root.querySelector(".drop");
    this.shown = root.querySelector(".shown");
    this.camera = root.querySelector(".take");
    this.input.addEventListener("change", () => this.take(this.input.files[0]));
    this.camera.addEventListener("click", () => this.useCamera());
    root.addEventListener("dragover", (event) => {
      event.preventDefault();
      root.classList.add("over");
    });
    root.addEventListener("dragleave", () => root.classList.remove("over"));
    root.addEventListener("drop", (event) => {
      event.preventDefault();
      root.classList.remove("over");
      this.take(event.dataTransfer.files[0]);
    });
  }

  get isReady() {
    return this.faces.length > 0;
  }

  async useCamera() {
    if (!hasCamera) return showCameraNotice();
    const photo = await takePhoto();
    if (photo) await this.take(photo);
    else this.camera.focus();
  }

  async take(file) {
    if (!file) return;
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
    const chosen = findLargest(faces);
    const words = element("p", { class: "words" }, showQuality(faces[chosen]));
    const about = element("div", {}, element("p", {}, countText("photo.faces", faces.length)), words);
    if (faces.length > 1) about.append(element("p", { class: "muted" }, text("photo.largest")));
    const chip = element("div", { class: "chip" }, about);
    if (image) {
      const onFocus = (number) => words.replaceChildren(showQuality(faces[number]));
      this.picture.replaceChildren(drawBoxes(image, answer, faces, { chosen, onFocus }));
      chip.prepend(cropFace(image, answer, faces[chosen], text("photo.crop", { name: this.file.name })));
    }
    this.status.replaceChildren(chip);
  }

  clear() {
    this.forget();
    this.file = null;
    this.shown.replaceChildren();
    this.shown.hidden = true;
    this.drop.hidden = false;
    this.input.focus();
    this.onChange();
  }

  // What is still under way for the former photo shows nothing any more.
  forget() {
    this.turn += 1;
    if (this.request) this.request.abort();
    if (this.url) URL.revokeObjectURL(this.url);
    this.faces = [];
    this.input.value = "";
  }
}
