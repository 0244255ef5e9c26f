// The first start: copy the key.

import "./camera_notice.js";
import { text } from "./texts.js";

const copy = document.getElementById("copy");
const key = document.getElementById("key");
const copied = document.getElementById("copied");

if (copy) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    key.select();
    try {
      await navigator.clipboard.writeText(key.value);
      copied.textContent = text("first_key.copied");
    } catch {
      copied.textContent = text("first_key.not_copied");
    }
  });
}
