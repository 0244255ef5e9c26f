// Times and numbers as the reader's language and time zone write them; the page has times in UTC, sizes in megabytes.

import { formatNumber, locale } from "./texts.js";

const FORMS = {
  day: { dateStyle: "medium" },
  // Days of a calendar, which are the same in each time zone.
  date: { dateStyle: "medium", timeZone: "UTC" },
  weekday: { weekday: "short", year: "numeric", month: "short", day: "numeric", timeZone: "UTC" },
  month: { year: "numeric", month: "long", timeZone: "UTC" },
  moment: { dateStyle: "medium", timeStyle: "short" },
  full: {
    year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
    timeZoneName: "short",
  },
};

const NUMBERS = {
  size: { style: "unit", unit: "megabyte", maximumSignificantDigits: 3 },
  percent: { style: "percent", minimumFractionDigits: 2, maximumFractionDigits: 2 },
  distance: { minimumFractionDigits: 3, maximumFractionDigits: 3 },
  time: { style: "unit", unit: "millisecond", maximumSignificantDigits: 3 },
  count: {},
};

export function showLocally(place) {
  for (const time of place.querySelectorAll("time")) {
    const form = FORMS[time.dataset.form || "full"];
    time.textContent = new Intl.DateTimeFormat(locale, form).format(new Date(time.dateTime));
  }
  for (const number of place.querySelectorAll("data")) {
    number.textContent = formatNumber(number.value, NUMBERS[number.dataset.form || "size"]);
  }
}

showLocally(document);
