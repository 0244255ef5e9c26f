// Many photos, identified a few at a time: a bar of progress, and a line for each photo that is done. Of a photo stay
// its file, which the browser reads when it is sent, and the names in it: a thousand photos take no more memory than two.

import { describeProblem } from "./api.js";
import { BatchList, describeLine } from "./batch_list.js";
import { element } from "./dom.js";
import { identify } from "./identification.js";
import { formatNumber, text } from "./texts.js";

const AT_ONCE = 2;
const MOST_TRIES = 5;
const STOPS = new Set([0, 401, 403]); // the server cannot be reached, or the session is another

export class Batch {
  // `onOpen` gets the file of a line that is chosen.
  constructor(place, files, { onOpen, onClose }) {
    this.waiting = [...files].sort((a, b) => nameOf(a).localeCompare(nameOf(b), undefined, { numeric: true }));
    this.count = files.length;
    this.failed = [];
    this.list = new BatchList(onOpen);
    this.title = element("h2", { id: "batch-title", tabindex: -1 }, text("batch.title"));
    this.bar = element("progress", { max: this.count, value: 0, "aria-labelledby": "batch-title" });
    this.words = element("p", { role: "status" });
    this.actions = element("div", { class: "row" });
    this.state = element("div");
    const close = () => {
      this.cancel();
      place.hidden = true;
      place.replaceChildren();
      onClose();
    };
    this.closeButton = element("button", { type: "button", click: close }, text("batch.close"));
    place.replaceChildren(this.title, this.bar, this.words, this.actions, this.state, this.list.root);
    place.hidden = false;
    this.title.focus();
    this.warn = (event) => event.preventDefault();
  }

  // Identifies what waits, until all is done, it is canceled, or nothing can be answered.
  async start() {
    this.request = new AbortController();
    this.state.replaceChildren();
    this.isRunning = true;
    window.addEventListener("beforeunload", this.warn);
    this.update();
    const { request } = this;
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.work(request.signal)));
    if (this.request !== request) return;
    this.isRunning = false;
    window.removeEventListener("beforeunload", this.warn);
    this.update();
  }

  async work(signal) {
    while (this.waiting.length && !signal.aborted) {
      const file = this.waiting.shift();
      try {
        this.finish(file, await this.identify(file, signal));
      } catch (error) {
        if (error.status === 0 && !signal.aborted && !(await isReadable(file))) {
          this.finish(file, { status: "unreadable", message: "", faces: [] });
          continue;
        }
        if (signal.aborted || STOPS.has(error.status)) this.waiting.unshift(file);
        else this.finish(file, { status: error.code, message: error.detail, faces: [] });
        if (!signal.aborted && STOPS.has(error.status)) this.stop(error);
      }
    }
  }

  // A server that has too much to do says when to ask again.
  async identify(file, signal) {
    for (let tries = 1; ; tries += 1) {
      try {
        return await identify(file, signal, { top: 1 });
      } catch (error) {
        if (![429, 503].includes(error.status) || tries === MOST_TRIES) throw error;
        await pause(1000 * (error.waitSeconds || tries), signal);
      }
    }
  }

  finish(file, answer) {
    const line = { file, name: nameOf(file), ...summarize(answer) };
    if (isFailed(line)) this.failed.push(line);
    this.list.add(line);
    this.update();
  }

  // A newer answer about a photo: a face of it was named, or a name of it was undone.
  replace(file, answer) {
    const line = this.list.lines.find((candidate) => candidate.file === file);
    if (!line) return; // a photo that is not of the batch
    this.list.replace(line, summarize(answer));
    this.failed = this.failed.filter((failed) => failed !== line);
    this.update();
  }

  // Asks again about a photo of the batch: what was stored since then changes its line.
  async renew(file) {
    const line = this.list.lines.find((candidate) => candidate.file === file);
    if (!line) return;
    try {
      this.replace(file, await this.identify(file, new AbortController().signal));
    } catch (error) {
      this.replace(file, { status: error.code, message: error.detail, faces: [] });
      this.failed.push(line);
      this.update();
    }
  }

  stop(error) {
    this.request.abort();
    this.state.replaceChildren(describeProblem(error, { kept: text("batch.kept"), retry: () => this.start() }));
  }

  cancel() {
    if (this.request) this.request.abort();
    window.removeEventListener("beforeunload", this.warn);
  }

  retryFailed() {
    this.waiting = this.failed.map(({ file }) => file);
    this.list.remove(this.failed);
    this.failed = [];
    this.start();
  }

  update() {
    const done = this.list.lines.length;
    this.bar.value = done;
    const values = { done: formatNumber(done), count: formatNumber(this.count) };
    const isWhole = done === this.count;
    this.words.textContent = text(isWhole ? "batch.done" : this.isRunning ? "batch.running" : "batch.canceled", values);
    const buttons = [];
    const add = (words, click) => buttons.push(element("button", { type: "button", click }, text(words)));
    if (this.isRunning) add("batch.cancel", () => this.cancel());
    else if (this.waiting.length) add("batch.go_on", () => this.start());
    else if (this.failed.length) add("batch.retry", () => this.retryFailed());
    if (!this.isRunning && done) add("batch.save", () => save(this.list.lines));
    const kind = buttons.map((button) => button.textContent).join();
    if (kind === this.kind && this.actions.childElementCount) return; // the keyboard stays where it is
    this.kind = kind;
    const hadFocus = this.actions.contains(document.activeElement);
    this.actions.replaceChildren(...buttons, this.closeButton);
    if (hadFocus) this.actions.querySelector("button").focus();
  }

  focus() {
    this.list.focus(this.title);
  }
}

const isFailed = ({ status }) => status !== "ok" && status !== "no_face";
const nameOf = (file) => file.webkitRelativePath || file.name;

function summarize({ status, message, faces }) {
  return { status, message, names: faces.map(({ name }) => name), distances: faces.map(({ distance }) => distance) };
}

// A file may have been changed or deleted since it was chosen. A part of a deleted one is read as empty.
function isReadable(file) {
  return file.slice(0, 1).arrayBuffer().then(({ byteLength }) => byteLength > 0, () => false);
}

function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

// A table for spreadsheets: a row a face. A cell that begins like a formula is kept from being one.
function save(lines) {
  const cell = (value) => `"${String(value).replace(/^(?=[=+\-@\t\r])/, "'").replaceAll('"', '""')}"`;
  const rows = [["photo", "face", "name", "distance", "status"]];
  for (const line of lines) {
    line.names.forEach((name, n) => rows.push([line.name, n + 1, name || "", line.distances[n] ?? "", line.status]));
    if (!line.names.length) rows.push([line.name, "", "", "", line.status === "ok" ? "ok" : describeLine(line)]);
  }
  const content = `\uFEFF${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
  const url = URL.createObjectURL(new Blob([content], { type: "text/csv" }));
  element("a", { href: url, download: "visavis.csv" }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
