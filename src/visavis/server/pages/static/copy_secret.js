// A secret that is shown once, and the button that copies it.

import { text } from "./texts.js";

// `status` is where it is said whether the secret was copied; it is selected anyway, for the keyboard.
export function offerCopy(input, button, status) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    input.select();
    try {
      await navigator.clipboard.writeText(input.value);
      status.textContent = text("key.copied");
    } catch {
      status.textContent = text("key.not_copied");
    }
  });
}
