// What Flet's own page lacks: an identity for each tab, and a way back when its connection is lost.
(() => {
  "use strict";
  const KEPT = "bagan.tab";
  const AGAIN_MS = 1000;
  const REFUSED_MS = 10000;

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
  // This page, of all that were or are in the tab, or in a copy of it.
  const loaded = crypto.getRandomValues(new Uint32Array(4)).join("-");
  const told = new URLSearchParams({
    tab,
    page: loaded,
    zone: Intl.DateTimeFormat().resolvedOptions().timeZone ?? "",
    languages: navigator.languages.join(","),
    asked,
    hidden: document.visibilityState === "hidden",
  });

  let leaving = false;
  let lost = false;
  let sending = 0;  // choices of which files are under way: with the page they would be cut
  addEventListener("pagehide", () => { leaving = true; });
  addEventListener("beforeunload", (event) => {
    if (!sending) return;
    event.preventDefault();  // the browser asks whether to leave all the same
    event.returnValue = true;
  });

  // Chosen by hand (`window.py`), or else as the browser prefers; LOST has the words of each language (`assets.py`).
  const chosen = JSON.parse(localStorage.getItem("flutter.bagan.language") ?? "null");
  const wanted = [chosen, ...navigator.languages].filter(Boolean).map((tag) => tag.toLowerCase().split("-")[0]);
  const language = wanted.map((tag) => (tag === "in" ? "id" : tag)).find((tag) => tag in LOST) ?? "en";
  document.documentElement.lang = language;

  const put = (text, style) => {
    const shown = document.createElement("div");
    shown.textContent = text;
    shown.style.cssText = `position:fixed;z-index:9;text-align:center;font:500 14px Roboto,sans-serif;${style}`;
    document.body.append(shown);
    return shown;
  };
  const banner = (text) => {
    const shown = put(text, "inset:0 0 auto;padding:10px;background:#b3261e;color:#fff");
    shown.setAttribute("role", "alert");
    return shown;
  };
  const reloadWhenItAnswers = async () => {
    try {
      if (!sending && (await fetch("health", { cache: "no-store" })).ok && !sending) { location.reload(); return; }
    } catch { /* not yet */ }
    setTimeout(reloadWhenItAnswers, AGAIN_MS);
  };

  // Files go to the server by this, as the browser reads them: Flet's own way holds all of one in memory. What becomes
  // of them is said by the window.
  const ask = async (files) => {
    const about = files.slice(0, AT_ONCE).map((file) => ({ name: file.name || "?", size: file.size }));
    const body = JSON.stringify({ route: location.hash.slice(1), files: about, more: files.length - about.length });
    const answer = await fetch("files", { method: "POST", headers: { "Bagan-Tab": tab, "Bagan-Page": loaded }, body });
    if (!answer.ok) throw new Error(`the files were answered with ${answer.status}`);
    return (await answer.json()).addresses;
  };
  const send = async (address, file) => {
    try {
      if ((await fetch(address, { method: "PUT", body: file })).ok) return;
    } catch { /* a folder cannot be read, nor a file that is gone; or the server is */ }
    try {
      await fetch(address, { method: "DELETE" });  // whoever waits for it need not, if anybody does
    } catch { /* the server sees it by itself, later */ }
  };
  const bring = async (files) => {
    if (!files.length) return;
    sending += 1;
    try {
      for (const [number, address] of (await ask(files)).entries()) {
        if (address !== null) await send(address, files[number]);
      }
    } catch {
      const shown = banner(REFUSED[language]);
      setTimeout(() => shown.remove(), REFUSED_MS);
    } finally {
      sending -= 1;
    }
  };
  const choose = () => {
    const field = document.createElement("input");
    field.type = "file";
    field.multiple = true;
    field.hidden = true;
    const done = () => field.remove();
    field.addEventListener("change", () => { bring([...field.files]); done(); });
    field.addEventListener("cancel", done);
    document.body.append(field);  // Safari forgets one that is not in the page
    field.click();
  };
  const save = (address) => {
    const link = document.createElement("a");
    link.href = address;
    link.download = "";
    link.click();
  };

  // Flet opens addresses by this. Two are for this script: a file is chosen in the moment of a click, or not at all.
  const open = window.open;
  window.open = (address, ...rest) => {
    const [, deed, what] = /^bagan:(choose|save)(?:\/([\w-]+\.[\w-]+))?$/.exec(address) ?? [];
    if (deed === "choose") choose();
    else if (deed === "save") save(`files/${what}`);
    else return open.call(window, address, ...rest);
    return null;
  };

  // What is dropped on a room is sent there; on any other page the browser would leave for it.
  let hint = null;
  const inRoom = () => location.hash.startsWith("#/room/");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  const unhint = () => { hint?.remove(); hint = null; };
  addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = inRoom() ? "copy" : "none";
    if (inRoom()) {
      hint ??= put(DROP[language], "inset:12px;display:grid;place-items:center;font-size:20px;pointer-events:none;"
        + "border:3px dashed #4db6ac;border-radius:16px;background:#00696ecc;color:#fff");
    }
  });
  addEventListener("dragleave", (event) => { if (event.relatedTarget === null) unhint(); });
  addEventListener("drop", (event) => {
    unhint();
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (inRoom()) bring([...event.dataTransfer.files]);
  });

  // Enter sends what stands in the field of many lines; what is typed next begins a new message. The server would empty
  // the field some time later, with what was typed meanwhile. Flet has taken the key first: it listens before this does.
  const empty = (event) => {
    const field = event.target;
    if (event.key !== "Enter" || event.shiftKey || !event.defaultPrevented || field.tagName !== "TEXTAREA") return;
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  addEventListener("focusin", () => addEventListener("keydown", empty, true), { once: true });

  // Flet would connect again by itself, and then leave the page as it was: nothing in it would move any more.
  window.WebSocket = class extends WebSocket {
    constructor(address, ...rest) {
      super(`${address}${String(address).includes("?") ? "&" : "?"}${told}`, ...rest);
      this.addEventListener("close", () => {
        if (leaving || lost) return;
        lost = true;
        banner(LOST[language]);
        setTimeout(reloadWhenItAnswers, AGAIN_MS / 4);
      });
    }
  };
})();
