"use strict";
// Asks for the sections again and puts in what changed. Without this file the Refresh link does the same by hand.
(() => {
  const EVERY = 5000;
  const PATIENCE = 15000;
  const stale = document.getElementById("stale");
  let timer;
  let asking = false;

  function put(fresh) {
    const shown = document.getElementById(fresh.id);
    if (!shown || (shown.innerHTML === fresh.innerHTML && shown.className === fresh.className)) return;
    const focused = shown.contains(document.activeElement) ? document.activeElement.id : "";
    shown.className = fresh.className;
    shown.replaceChildren(...fresh.childNodes);
    const next = focused && (document.getElementById(focused) || shown.querySelector("h2"));
    if (next) next.focus({ preventScroll: true });
  }

  async function ask() {
    const answer = await fetch("/status", { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) })
      .catch(() => null);
    if (!answer) return "The server does not answer.";
    if (answer.status === 401) return location.assign("/login");
    const page = new DOMParser().parseFromString(await answer.text().catch(() => ""), "text/html");
    const parts = page.querySelectorAll("[data-part]");
    if (!answer.ok || !parts.length) return page.getElementById("sentence")?.textContent || "The server has a fault.";
    parts.forEach(put);
    return "";
  }

  async function refresh() {
    if (asking || document.hidden) return;
    clearTimeout(timer);
    asking = true;
    const problem = await ask();
    asking = false;
    const since = document.getElementById("asof").textContent;
    const text = problem ? `Not up to date since ${since}: ${problem}` : "";
    if (stale.textContent !== text) stale.textContent = text;
    stale.hidden = !problem;
    timer = setTimeout(refresh, EVERY);
  }

  if (location.search) history.replaceState(null, "", "/"); // a notice is said once
  document.addEventListener("visibilitychange", refresh);
  timer = setTimeout(refresh, EVERY);
})();
