// What Flet's own page lacks: an identity for each tab, and a way back when its connection is lost.
(() => {
  "use strict";
  const KEPT = "bagan.tab";
  const AGAIN_MS = 1000;

  // The tab's secret: whoever has it is logged in as the tab is. It lives as long as the tab, over reloads.
  let tab = sessionStorage.getItem(KEPT);
  // Only a window of the desktop is given one: elsewhere a link with a secret in it would be somebody else's.
  const given = DESKTOP && /^#tab=([0-9a-f]{32})$/.exec(location.hash);
  if (given) {
    tab = given[1];
    history.replaceState(null, "", location.pathname);
  }
  // Flet keeps its own session there. Each load begins a new one: what it shows comes from the tab.
  sessionStorage.clear();
  if (!/^[0-9a-f]{32}$/.test(tab ?? "")) {
    tab = Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  sessionStorage.setItem(KEPT, tab);

  const asked = location.search;
  const told = new URLSearchParams({
    tab,
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "",
    languages: navigator.languages.join(","),
    asked,
    hidden: document.visibilityState === "hidden",
  });

  let leaving = false;
  let lost = false;
  addEventListener("pagehide", () => { leaving = true; });

  // Chosen by hand (`window.py`), or else as the browser prefers; LOST has the words of each language (`assets.py`).
  const chosen = JSON.parse(localStorage.getItem("flutter.bagan.language") ?? "null");
  const wanted = [chosen, ...navigator.languages].filter(Boolean).map((tag) => tag.toLowerCase().split("-")[0]);
  const language = wanted.map((tag) => (tag === "in" ? "id" : tag)).find((tag) => tag in LOST) ?? "en";
  document.documentElement.lang = language;

  const banner = () => {
    const shown = document.createElement("div");
    shown.setAttribute("role", "alert");
    shown.textContent = LOST[language];
    shown.style.cssText = "position:fixed;z-index:9;inset:0 0 auto;padding:10px;text-align:center;"
      + "background:#b3261e;color:#fff;font:500 14px Roboto,sans-serif";
    document.body.append(shown);
  };
  const reloadWhenItAnswers = async () => {
    try {
      if ((await fetch("health", { cache: "no-store" })).ok) { location.reload(); return; }
    } catch { /* not yet */ }
    setTimeout(reloadWhenItAnswers, AGAIN_MS);
  };

  // Flet would connect again by itself, and then leave the page as it was: nothing in it would move any more.
  window.WebSocket = class extends WebSocket {
    constructor(address, ...rest) {
      super(`${address}${String(address).includes("?") ? "&" : "?"}${told}`, ...rest);
      this.addEventListener("close", () => {
        if (leaving || lost) return;
        lost = true;
        banner();
        setTimeout(reloadWhenItAnswers, AGAIN_MS / 4);
      });
    }
  };
})();
