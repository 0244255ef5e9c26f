// Times and sizes as the reader's language and time zone write them; the page has times in UTC, sizes in megabytes.

import { formatNumber, language } from "./texts.js";

const format = new Intl.DateTimeFormat(language, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  timeZoneName: "short",
});

export function showLocally(place) {
  for (const time of place.querySelectorAll("time")) time.textContent = format.format(new Date(time.dateTime));
  for (const size of place.querySelectorAll("data")) {
    size.textContent = formatNumber(size.value, { style: "unit", unit: "megabyte", maximumSignificantDigits: 3 });
  }
}

showLocally(document);
