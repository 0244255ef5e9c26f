// The newest pictures of the cameras, with boxes and names. A camera of which none comes shows nothing: no old face.

import { element, shape } from "./dom.js";
import { placeLabels } from "./place_labels.js";
import { text } from "./texts.js";

const OLD = 4000; // milliseconds after which a picture is not shown any more

export class LivePictures {
  constructor(place, state) {
    Object.assign(this, { place, state, isPaused: false, stream: null });
    this.views = new Map();
    document.addEventListener("visibilitychange", () => this.goOn());
  }

  pause(isPaused) {
    this.isPaused = isPaused;
    this.goOn();
  }

  // Begins to look, again where the stream was refused, or stops: nothing is asked for in a page that is not looked at.
  goOn() {
    if (this.isPaused || document.hidden) this.leave();
    else if (!this.stream || this.stream.readyState === EventSource.CLOSED) this.listen();
  }

  listen() {
    this.stream = new EventSource("/v1/camera-pictures/stream");
    this.stream.addEventListener("picture", ({ data }) => this.show(JSON.parse(data)));
    this.stream.addEventListener("blank", ({ data }) => this.views.get(JSON.parse(data).camera)?.blank());
    this.stream.addEventListener("open", () => this.say(""));
    this.stream.addEventListener("error", () => this.say(text("live.pictures_away")));
  }

  leave() {
    this.stream?.close();
    this.stream = null;
    for (const view of this.views.values()) view.blank();
  }

  show(picture) {
    if (!this.stream) return;
    if (!this.views.has(picture.camera)) {
      const view = new PictureView(picture.camera);
      this.views.set(picture.camera, view);
      this.place.append(view.root);
    }
    this.views.get(picture.camera).show(picture);
  }

  say(sentence) {
    if (this.state.textContent !== sentence) this.state.textContent = sentence;
  }
}

class PictureView {
  constructor(camera) {
    this.camera = camera;
    this.image = element("img", {});
    this.boxes = shape("svg", { class: "boxes", "aria-hidden": "true" });
    this.leaders = shape("svg", { class: "leaders", "aria-hidden": "true" });
    this.photo = element("div", { class: "photo" });
    const caption = element("figcaption", {}, camera);
    this.root = element("figure", { class: "live-picture", "data-camera": camera }, this.photo, caption);
    this.picture = null;
    new ResizeObserver(() => this.picture && this.placeNames()).observe(this.photo);
    this.blank();
  }

  async show(picture) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.blank(), OLD);
    this.picture = picture;
    const { image } = this;
    image.src = `data:image/jpeg;base64,${picture.jpeg}`;
    try {
      await image.decode();
    } catch {
      return; // the next picture came meanwhile
    }
    if (this.picture === picture) this.draw();
  }

  draw() {
    const { camera, faces, width, height } = this.picture;
    this.names = faces.map(makeName);
    const who = faces.map(nameOf).join(", ");
    this.image.alt = who ? text("live.picture_of", { camera, who }) : text("live.picture", { camera });
    this.boxes.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.boxes.replaceChildren(...faces.map(makeBox));
    this.photo.replaceChildren(this.image, this.leaders, this.boxes, ...this.names);
    this.placeNames();
  }

  placeNames() {
    const { width, height } = this.image.getBoundingClientRect();
    if (!width || !this.names) return;
    const scale = width / this.picture.width;
    const boxes = this.picture.faces.map(({ box }) => box.map((side) => side * scale));
    const sizes = this.names.map((name) => ({ width: name.offsetWidth, height: name.offsetHeight }));
    const placed = placeLabels(boxes, sizes, { width, height });
    this.photo.style.marginBottom = `${placed.height - height}px`;
    this.names.forEach((name, number) => {
      name.style.left = `${placed.labels[number].x}px`;
      name.style.top = `${placed.labels[number].y}px`;
    });
    const lines = placed.labels.filter(({ leader }) => leader);
    this.leaders.replaceChildren(...lines.map(({ leader: [x1, y1, x2, y2] }) => shape("line", { x1, y1, x2, y2 })));
  }

  blank() {
    clearTimeout(this.timer);
    this.picture = this.names = null;
    this.image.removeAttribute("src");
    this.image.alt = "";
    this.boxes.replaceChildren();
    this.photo.style.marginBottom = "";
    this.photo.replaceChildren(element("p", { class: "blank" }, text("live.no_picture")));
  }
}

function nameOf({ name, stranger, decided }) {
  if (name !== null) return name;
  if (stranger !== null) return text("live.stranger", { number: stranger });
  return text(decided ? "live.unknown" : "live.looking");
}

const kindOf = ({ name }) => (name === null ? "unknown" : "match");
const makeName = (face) => element("span", { class: `label ${kindOf(face)}`, "aria-hidden": "true" }, nameOf(face));

function makeBox(face) {
  const [left, top, right, bottom] = face.box;
  const place = { x: left, y: top, width: right - left, height: bottom - top, rx: (right - left) / 16 };
  return shape("rect", { ...place, class: `box ${kindOf(face)}` });
}
