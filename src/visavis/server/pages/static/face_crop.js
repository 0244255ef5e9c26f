// The kept crop of a face of the gallery, or a sign where there is none.

import { element } from "./dom.js";
import { inGallery } from "./gallery.js";

export const cropPath = (id, side) => inGallery(`/v1/faces/${id}/crop`, { side });

export function showCrop(id, side = 96) {
  const none = () => element("span", { class: "avatar", "aria-hidden": "true" }, "?");
  if (id === null) return none();
  const image = element("img", { class: "avatar", src: cropPath(id, side), alt: "", width: 96, height: 96, draggable: "false" });
  image.addEventListener("error", () => image.replaceWith(none()));
  return image;
}
