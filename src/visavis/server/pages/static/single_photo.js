// A page on one photo after another: its source gives way to the photo, and comes back.

import { element } from "./dom.js";
import { listenToPage, PhotoSource } from "./photo_source.js";
import { PhotoView } from "./photo_view.js";
import { text } from "./texts.js";

// See PhotoView for the options; returns the view.
export function makeSinglePhotoPage(options) {
  const place = document.getElementById("source");
  const view = new PhotoView(options);
  const source = new PhotoSource(place, take);
  listenToPage(take);
  return view;

  function take([file]) {
    place.hidden = true;
    view.show(file);
    view.actions.append(element("button", { type: "button", click: goBack }, text("photo.another")));
  }

  function goBack() {
    view.close();
    place.hidden = false;
    source.focus();
  }
}
