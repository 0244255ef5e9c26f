// One photo after another: it is read, sent to the server, and shown with its faces, or with what went wrong.

import { describeProblem, showWaiting } from "./api.js";
import { element } from "./dom.js";
import { FacePhoto } from "./face_photo.js";
import { text } from "./texts.js";

const byId = (id) => document.getElementById(id);

export class PhotoView {
  // `analyze` gets a file and a signal, and resolves to the answer about a photo; `onFaces` gets it when it is shown,
  // `onChoose` the number of a face.
  constructor({ analyze, onFaces, onChoose }) {
    this.analyze = analyze;
    this.onFaces = onFaces;
    this.onChoose = onChoose;
    this.root = byId("view");
    [this.title, this.actions, this.picture, this.state, this.panel] =
      ["view-title", "view-actions", "picture", "state", "panel"].map(byId);
    this.file = null;
    window.addEventListener("online", () => this.state.querySelector("[role=alert]") && this.refresh());
  }

  async show(file) {
    this.close();
    this.file = file;
    this.root.hidden = false;
    this.title.textContent = file.name;
    this.title.tabIndex = -1;
    this.title.focus();
    this.url = URL.createObjectURL(file);
    const image = await this.load();
    if (this.file !== file) return; // another photo came while this one was decoded
    this.image = image;
    this.showBare();
    await this.refresh();
  }

  showBare() {
    if (this.faces && this.faces.observer) this.faces.observer.disconnect();
    this.faces = null;
    this.panel.replaceChildren();
    if (this.image) this.picture.replaceChildren(element("div", { class: "photo" }, this.image));
    else this.picture.replaceChildren(element("p", { class: "muted" }, text("photo.not_shown")));
  }

  // Asks the server again where its answer depends on more than the photo: the former answer goes at once.
  restart() {
    if (!this.request) return; // the photo is still decoded, and then asked about
    this.showBare();
    this.refresh();
  }

  // Asks the server again about the photo that is shown, after something was changed.
  async refresh(chosen = -1) {
    const { file } = this;
    if (this.request) this.request.abort();
    this.request = new AbortController();
    const { signal } = this.request;
    const waiting = element("p", { class: "skeleton" }, text("photo.loading"));
    try {
      const answer = await showWaiting(this.state, waiting, this.analyze(file, signal));
      if (!signal.aborted) this.display(answer, chosen);
    } catch (error) {
      if (signal.aborted) return;
      const retry = () => this.refresh(chosen);
      this.state.replaceChildren(describeProblem(error, { kept: text("photo.stays"), retry }));
    }
  }

  display(answer, chosen) {
    this.state.replaceChildren();
    this.panel.replaceChildren();
    if (answer.status === "no_face") {
      this.state.append(element("p", { class: "notice warning", role: "alert" }, text("photo.no_face")));
    } else if (answer.status !== "ok") {
      this.state.append(describeProblem({ code: answer.status, detail: answer.message }));
    } else {
      if (this.faces && this.faces.observer) this.faces.observer.disconnect();
      const onChoose = (number) => this.choose(number);
      this.faces = new FacePhoto(this.image, answer, answer.faces, { chosen, onChoose });
      this.picture.replaceChildren(this.faces.root);
      this.onFaces(answer);
    }
  }

  choose(number) {
    this.faces.choose(number);
    this.onChoose(number);
  }

  // Resolves to the decoded image, or to null where the browser does not know the format.
  async load() {
    const image = element("img", { alt: this.file.name, src: this.url });
    try {
      await image.decode();
      return image;
    } catch {
      return null;
    }
  }

  // What is under way for the former photo shows nothing any more.
  close() {
    if (this.request) this.request.abort();
    if (this.url) URL.revokeObjectURL(this.url);
    if (this.faces && this.faces.observer) this.faces.observer.disconnect();
    [this.file, this.url, this.image, this.faces, this.request] = [null, null, null, null, null];
    for (const place of [this.actions, this.picture, this.state, this.panel]) place.replaceChildren();
    this.root.hidden = true;
  }
}

// Says a sentence to users of a screen reader.
export function announce(sentence) {
  byId("announcement").textContent = sentence;
}
