"""Slow pages (``VISAVIS_SLOW_PAGES=1``): answers come late and out of order, on a browser of a quarter of its speed.

What fails then is a page that is wrong when answers are late, or a test that reads at once what comes later.
"""

from __future__ import annotations

import os
from typing import Any

IS_SLOW = "VISAVIS_SLOW_PAGES" in os.environ
THROTTLING = 4
DELAYS = """(() => {
  const wait = window.setTimeout.bind(window);
  const draw = () => 50 + 700 * Math.random();
  const pause = () => new Promise((resume) => wait(resume, draw()));

  const send = window.fetch.bind(window);
  window.fetch = async (...request) => {
    await pause();
    const answer = await send(...request);
    await pause();
    return answer;
  };

  const { set } = Object.getOwnPropertyDescriptor(IDBRequest.prototype, "onsuccess");
  Object.defineProperty(IDBOpenDBRequest.prototype, "onsuccess", {
    set(handle) {
      set.call(this, (event) => pause().then(() => handle.call(this, event)));
    },
  });

  const listen = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (kind, handle, ...options) {
    let due = 0; // events stay in their order
    const late = (event) => {
      due = Math.max(due, performance.now() + draw());
      wait(() => handle.call(this, event), due - performance.now());
    };
    listen.call(this, kind, late, ...options);
  };
})()"""


def slow_down(page: Any) -> None:
    """Delay the answers to all pages of a page's context, and slow down the page itself."""
    page.context.add_init_script(DELAYS)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setCPUThrottlingRate", {"rate": THROTTLING})
