// Punches that wait in the browser for a connection: encrypted and signed when they are made, sent in their order.

import { ask } from "./api.js";

const NAME = "visavis-kiosk";
const encode = (text) => new TextEncoder().encode(text);

// The store outlives the page and the browser. Its keys cannot be read by scripts, only used.
export class PunchQueue {
  #database;
  #kiosk;
  #keys;

  constructor(database, kiosk, keys) {
    this.#database = database;
    this.#kiosk = kiosk;
    this.#keys = keys;
  }

  // `kiosk` is the name of the key of this session: punches are signed with a key of its own.
  static async open(kiosk) {
    const opening = indexedDB.open(NAME, 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("punches", { keyPath: "order", autoIncrement: true });
      opening.result.createObjectStore("keys");
    };
    const database = await finish(opening);
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
    const { key } = await ask("POST", "/v1/kiosk/signing-key");
    const bytes = Uint8Array.from(key.match(/../g), (digits) => parseInt(digits, 16));
    const signing = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    await finish(this.#store("keys", "readwrite").put(signing, `signing ${this.#kiosk}`));
    this.#keys.signing = signing;
  }

  async add({ id, made, number, pin, badge, direction }) {
    const text = [id, made, number, pin, badge, direction].join("\n");
    const signature = await crypto.subtle.sign("HMAC", this.#keys.signing, encode(text));
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const secret = encode(JSON.stringify({ number, pin, badge }));
    const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, this.#keys.cipher, secret);
    const hex = Array.from(new Uint8Array(signature), (byte) => byte.toString(16).padStart(2, "0")).join("");
    await finish(this.#store("punches", "readwrite").add({ kiosk: this.#kiosk, id, made, direction, signature: hex, iv, data }));
  }

  // The oldest punch that waits, as it is sent now; null where none waits.
  async first() {
    const [punch] = await this.#list(({ code }) => !code);
    if (!punch) return null;
    const data = await crypto.subtle.decrypt({ name: "AES-GCM", iv: punch.iv }, this.#keys.cipher, punch.data);
    const { number, pin, badge } = JSON.parse(new TextDecoder().decode(data));
    const waited = { made: punch.made, sent: Date.now(), signature: punch.signature };
    const body = { id: punch.id, number, pin, badge, waited };
    if (punch.direction) body.direction = punch.direction;
    return { order: punch.order, body };
  }

  async count() {
    return (await this.#list(({ code }) => !code)).length;
  }

  // Punches that the server has refused, until they are closed; without what was typed.
  refused() {
    return this.#list(({ code }) => code);
  }

  async refuse(order, code) {
    const store = this.#store("punches", "readwrite");
    const { kiosk, id, made } = await finish(store.get(order));
    await finish(store.put({ order, kiosk, id, made, code }));
  }

  remove(order) {
    return finish(this.#store("punches", "readwrite").delete(order));
  }

  async #list(matches) {
    const punches = await finish(this.#store("punches").getAll());
    return punches.filter((punch) => punch.kiosk === this.#kiosk && matches(punch));
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
