// Times and sizes as the reader's language and time zone write them; the page has times in UTC, sizes in megabytes.

import { formatNumber, locale } from "./texts.js";

const FORMS = {
  day: { dateStyle: "medium" },
  moment: { dateStyle: "medium", timeStyle: "short" },
  full: {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    timeZoneName: "short",
  },
};

export function showLocally(place) {
  for (const time of place.querySelectorAll("time")) {
    const form = FORMS[time.dataset.form || "full"];
    time.textContent = new Intl.DateTimeFormat(locale, form).format(new Date(time.dateTime));
  }
  for (const size of place.querySelectorAll("data")) {
    size.textContent = formatNumber(size.value, { style: "unit", unit: "megabyte", maximumSignificantDigits: 3 });
  }
}

showLocally(document);
