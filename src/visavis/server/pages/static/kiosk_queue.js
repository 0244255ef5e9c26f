// Punches that wait in the browser for a connection: encrypted and signed when they are made, sent in their order.

import { ask } from "./api.js";

const NAME = "visavis-kiosk";
const MOST_FACES = 100; // people whose frames wait
const MOST_BYTES = 64e6;
const LONGEST = 8000; // milliseconds for an answer
const LEAST_STEP = 10_000; // milliseconds: a machine that slept counts as one whose clock was set
const write = (bytes) => Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
const encode = (text) => new TextEncoder().encode(text);

// The store outlives the page and the browser. Its keys cannot be read by scripts, only used.
export class PunchQueue {
  #clock = null;
  #database;
  #kiosk;
  #keys;

  constructor(database, kiosk, keys) {
    this.#database = database;
    this.#kiosk = kiosk;
    this.#keys = keys;
  }

  // `kiosk` is the name of the key of this session: punches are signed with a key of its own. `onBlocked` hears that another
  // tab, of an older version, has to be closed first. `onLost` hears that the queue cannot be used any more: another tab
  // needs a newer store, which waits for this one, or has signed out.
  static async open(kiosk, { onBlocked, onLost }) {
    const opening = indexedDB.open(NAME, 2);
    opening.onblocked = onBlocked;
    opening.onupgradeneeded = ({ oldVersion }) => {
      if (oldVersion < 1) {
        opening.result.createObjectStore("punches", { keyPath: "order", autoIncrement: true });
        opening.result.createObjectStore("keys");
      }
      opening.result.createObjectStore("frames"); // by the id of their punch
    };
    const database = await finish(opening);
    database.onversionchange = () => {
      database.close();
      onLost();
    };
    database.onclose = onLost;
    let cipher = await finish(database.transaction("keys").objectStore("keys").get("cipher"));
    if (!cipher) {
      cipher = await crypto.subtle.generateKey({ name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
      await finish(database.transaction("keys", "readwrite").objectStore("keys").put(cipher, "cipher"));
    }
    const signing = await finish(database.transaction("keys").objectStore("keys").get(`signing ${kiosk}`));
    return new PunchQueue(database, kiosk, { cipher, signing });
  }

  // Fetches the key that signs, unless it is there: without a connection it cannot be had.
  async prepare() {
    if (this.#keys.signing) return;
    const { key } = await ask("POST", "/v1/kiosk/signing-key", { signal: AbortSignal.timeout(LONGEST) });
    const bytes = Uint8Array.from(key.match(/../g), (digits) => parseInt(digits, 16));
    const signing = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    await finish(this.#store("keys", "readwrite").put(signing, `signing ${this.#kiosk}`));
    this.#keys.signing = signing;
  }

  // Takes the time of the server, in milliseconds, when it has just been reached.
  noteClock(time) {
    this.#clock = { time, date: Date.now(), since: performance.now() };
  }

  async add({ id, made, number, pin, badge, direction }) {
    const offset = this.#readOffset();
    const text = [id, made, number, pin, badge, direction, ...offset].join("\n");
    const secret = await this.#encrypt(encode(JSON.stringify({ number, pin, badge })));
    const [signature, who] = [await this.#sign(text), await this.#markEmployee(number, badge)];
    const transaction = this.#database.transaction("punches", "readwrite");
    transaction.objectStore("punches").add({ kiosk: this.#kiosk, id, made, direction, offset, signature, who, ...secret });
    await complete(transaction);
  }

  // Keeps frames (JPEG) of a person who is recognized later; false where there are too many already.
  async addFrames({ id, made, direction }, pictures) {
    const kept = (await this.waiting()).filter(({ bytes }) => bytes);
    const bytes = pictures.reduce((sum, { size }) => sum + size, 0);
    if (kept.length >= MOST_FACES || kept.reduce((sum, punch) => sum + punch.bytes, bytes) > MOST_BYTES) return false;
    const [digests, frames] = [[], []];
    for (const picture of pictures) {
      const data = await picture.arrayBuffer();
      digests.push(write(await crypto.subtle.digest("SHA-256", data)));
      frames.push(await this.#encrypt(data));
    }
    const offset = this.#readOffset();
    const signature = await this.#sign([id, made, "", "", "", direction, ...digests, ...offset].join("\n"));
    const [punches, store, transaction] = this.#change();
    store.put(frames, id);
    punches.add({ kiosk: this.#kiosk, id, made, direction, offset, signature, who: id, bytes });
    await complete(transaction);
    return true;
  }

  // The address and the body of a punch that waits, as it is sent now.
  async open({ id, made, direction, offset: [offset] = [], signature, iv, data, bytes }) {
    const waited = { made, sent: Date.now(), signature, ...(offset !== undefined && { offset }) };
    if (bytes) {
      const body = new FormData();
      for (const frame of await finish(this.#store("frames").get(id))) {
        body.append("photo", new Blob([await this.#decrypt(frame)], { type: "image/jpeg" }), "frame.jpg");
      }
      const query = new URLSearchParams({ punch_id: id, ...waited, ...(direction && { direction }) });
      return { path: `/v1/kiosk/frames/waited?${query}`, body };
    }
    const { number, pin, badge } = JSON.parse(new TextDecoder().decode(await this.#decrypt({ iv, data })));
    return { path: "/v1/kiosk/punches", body: { id, number, pin, badge, waited, ...(direction && { direction }) } };
  }

  // Punches that wait, in their order; `who` is the same for those with the same number or badge.
  waiting() {
    return this.#list(({ code }) => !code);
  }

  // Whether a new punch has to wait behind those that do.
  async holds({ number, badge }, isStuck) {
    const punches = await this.waiting();
    if (!punches.length) return false;
    const who = await this.#markEmployee(number, badge);
    const stuck = new Set(punches.filter(isStuck).map((punch) => punch.who));
    return stuck.has(who) || punches.some((punch) => !stuck.has(punch.who));
  }

  // Punches that the server has refused, until they are closed; without what was typed.
  refused() {
    return this.#list(({ code }) => code);
  }

  async refuse(order, code) {
    const [punches, frames, transaction] = this.#change();
    const { kiosk, id, made } = await finish(punches.get(order));
    punches.put({ order, kiosk, id, made, code });
    frames.delete(id);
    await complete(transaction);
  }

  async postpone(order, { tries, restsUntil }) {
    const store = this.#store("punches", "readwrite");
    await finish(store.put({ ...(await finish(store.get(order))), tries, restsUntil }));
  }

  async remove({ order, id }) {
    const [punches, frames, transaction] = this.#change();
    punches.delete(order);
    frames.delete(id);
    await complete(transaction);
  }

  // The server's clock less this one, when the server was last reached, as a list; empty where it is not known, or where
  // this clock may have been set since.
  #readOffset() {
    if (!this.#clock) return [];
    const { time, date, since } = this.#clock;
    const step = Date.now() - date - (performance.now() - since);
    return Math.abs(step) < LEAST_STEP ? [Math.round(time - date)] : [];
  }

  #markEmployee(number, badge) {
    return this.#sign(badge ? `badge\n${badge}` : `number\n${number}`);
  }

  async #sign(text) {
    const signature = await crypto.subtle.sign("HMAC", this.#keys.signing, encode(text));
    return write(signature);
  }

  async #encrypt(bytes) {
    const iv = crypto.getRandomValues(new Uint8Array(12));
    return { iv, data: await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.#keys.cipher, bytes) };
  }

  #decrypt({ iv, data }) {
    return crypto.subtle.decrypt({ name: "AES-GCM", iv }, this.#keys.cipher, data);
  }

  async #list(matches) {
    const punches = await finish(this.#store("punches").getAll());
    return punches.filter((punch) => punch.kiosk === this.#kiosk && matches(punch));
  }

  // A punch and its frames change together, or not at all.
  #change() {
    const transaction = this.#database.transaction(["punches", "frames"], "readwrite");
    return [transaction.objectStore("punches"), transaction.objectStore("frames"), transaction];
  }

  #store(name, mode = "readonly") {
    return this.#database.transaction(name, mode).objectStore(name);
  }
}

function finish(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

// Waits until a transaction is stored: where there is no room, its requests succeed, and it does not.
function complete(transaction) {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
