// A photo of the enrollment: its picture, its quality, and what became of it.

import { ask, describeProblem } from "./api.js";
import { element } from "./dom.js";
import { showQuality } from "./face_quality.js";
import { findLargest } from "./largest_face.js";
import { countText, text } from "./texts.js";

export class EnrolledPhoto {
  constructor(file, { gallery, onRemove, onRetry }) {
    this.file = file;
    this.gallery = gallery;
    this.onRetry = onRetry;
    this.state = "unchecked";
    this.url = URL.createObjectURL(file);
    this.status = element("div", { role: "status" });
    const image = element("img", { class: "avatar", src: this.url, alt: "", width: 96, height: 96 });
    image.addEventListener("error", () => image.replaceWith(element("span", { class: "avatar", "aria-hidden": "true" }, "?")));
    const remove = { type: "button", class: "quiet", "aria-label": text("photo.remove", { name: file.name }), click: () => onRemove(this) };
    this.button = element("button", remove, text("photo.remove_short"));
    this.words = element("p", {});
    const head = element("div", { class: "row" }, element("b", { class: "name" }, file.name), this.button);
    const about = element("div", { class: "about" }, head, this.words, this.status);
    this.line = element("li", { class: "card-plain" }, image, about);
  }

  // Whether it is to be enrolled, or is still looked at.
  get isWaiting() {
    return ["unchecked", "ready", "failed"].includes(this.state);
  }

  get isReady() {
    return ["ready", "failed"].includes(this.state);
  }

  get isEnrolled() {
    return this.state === "enrolled";
  }

  async check() {
    if (this.state !== "unchecked") return;
    this.say(element("p", { class: "muted" }, text("photo.loading")));
    const body = new FormData();
    body.append("photo", this.file);
    try {
      const { status, faces, message } = (await ask("POST", "/v1/quality", { body })).photos[0];
      if (status === "ok") this.showFaces(faces);
      else if (status === "no_face") this.refuse(element("p", { class: "danger" }, text("photo.no_face")));
      else this.refuse(describeProblem({ code: status, detail: message }));
    } catch (error) {
      this.state = "failed";
      this.say(describeProblem(error, { retry: () => this.checkAgain() }));
    }
  }

  checkAgain() {
    this.state = "unchecked";
    return this.check();
  }

  showFaces(faces) {
    this.state = "ready";
    this.words.replaceChildren(showQuality(faces[findLargest(faces)]));
    const several = element("p", { class: "warning" }, countText("photo.faces", faces.length), ": ", text("enroll.largest"));
    this.say(...(faces.length > 1 ? [several] : []));
  }

  // Enrolls it for a person; returns the answer, or null where it was refused, or has to be sent again.
  async send({ id, name, isNew }, details) {
    const body = new FormData();
    for (const [key, value] of Object.entries({ name, ...details })) body.append(key, value);
    body.append("photo", this.file);
    const query = new URLSearchParams({ gallery: this.gallery });
    if (id) query.set("person_id", id);
    else if (isNew) query.set("new", true);
    this.button.hidden = true;
    this.say(element("p", { class: "skeleton" }, text("enroll.sending")));
    try {
      const answer = await ask("POST", `/v1/people?${query}`, { body });
      this.showAnswer(answer);
      return answer;
    } catch (error) {
      const isRefused = error.status === 422;
      this.state = isRefused ? "refused" : "failed";
      this.button.hidden = false;
      this.say(describeProblem(error, { retry: isRefused ? null : this.onRetry }));
      return null;
    }
  }

  showAnswer(answer) {
    const [duplicate] = answer.duplicates;
    this.state = answer.added.length ? "enrolled" : "refused";
    const sentence = duplicate
      ? element("p", { class: "warning" }, text("enroll.duplicate", { name: duplicate.name }))
      : element("p", { class: "done" }, text("enroll.done"));
    const doubts = answer.doubts.map(() => element("p", { class: "warning" }, text("enroll.doubt", { name: answer.name })));
    this.say(sentence, ...doubts);
  }

  refuse(notice) {
    this.state = "refused";
    this.say(notice);
  }

  say(...children) {
    this.status.replaceChildren(...children);
  }

  forget() {
    URL.revokeObjectURL(this.url);
    this.state = "refused";
    this.line.remove();
  }
}
