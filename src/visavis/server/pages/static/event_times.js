// Times in a form, which the reader writes in the own time zone and the server gets in UTC.

import { language } from "./texts.js";

export function prepareTimes(form) {
  const zone = new Intl.DateTimeFormat(language, { timeZoneName: "short" });
  const name = zone.formatToParts(new Date()).find(({ type }) => type === "timeZoneName").value;
  for (const place of form.querySelectorAll(".zone-name")) place.textContent = name;
  for (const field of form.querySelectorAll("[data-moment]")) field.value = writeLocally(new Date(field.dataset.moment));
  form.addEventListener("formdata", ({ formData }) => {
    for (const field of form.querySelectorAll("[type=datetime-local]")) {
      if (field.value) formData.set(field.name, new Date(field.value).toISOString());
    }
  });
}

function writeLocally(moment) {
  const shifted = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}
