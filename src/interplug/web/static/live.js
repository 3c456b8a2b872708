// Counts ages and durations on, and says so when the page is no longer live. Everything else is the server's.
"use strict";
(() => {
  const QUIET = 25000; // The server says something every ten seconds.
  const PATIENCE = 4000;
  const speed = Number(document.body.dataset.speed) || 1;
  const seen = new WeakMap(); // time element -> when it was first seen
  const notice = document.getElementById("offline");
  const kept = Number(document.body.dataset.kept); // The worker has kept this page: when.
  let connected = document.querySelector("[sse-connect]") !== null;
  let heard = performance.now() - (kept ? Date.now() - kept : 0);
  let lost = kept ? heard : null;

  // As `age` and `lasting` of wording.py say it, whose words stand in the page.
  const ages = JSON.parse(document.body.dataset.ages);
  function age(s) {
    const [unit, of] = s < 60 ? ["s", 1] : s < 3600 ? ["min", 60] : s < 172800 ? ["h", 3600] : ["days", 86400];
    return ages[unit].replace("{n}", Math.floor(s / of));
  }
  function lasting(s) {
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(s / 3600), minutes = Math.floor(s / 60) % 60;
    return hours ? hours + ":" + two(minutes) + ":" + two(s % 60) : minutes + ":" + two(s % 60);
  }
  function write(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
  function count() {
    const now = performance.now();
    for (const [name, say] of Object.entries({ age, lasting })) {
      for (const element of document.querySelectorAll("time[data-" + name + "]")) {
        if (!seen.has(element)) seen.set(element, kept ? heard : now);
        const passed = Math.floor(Number(element.dataset[name]) + ((now - seen.get(element)) / 1000) * speed);
        write(element, say(passed));
        if (passed > Number(element.dataset.old)) element.parentElement.classList.add("old");
      }
    }
    for (const element of document.querySelectorAll("time[data-left]")) {
      if (!seen.has(element)) seen.set(element, kept ? heard : now);
      write(element, lasting(Math.max(0, Math.ceil(Number(element.dataset.left) - ((now - seen.get(element)) / 1000) * speed))));
    }
    if (connected && lost === null && now - heard > QUIET) lost = heard;
    notice.hidden = lost === null || now - lost < PATIENCE;
    if (!notice.hidden) write(notice.querySelector("time"), age(Math.floor((now - heard) / 1000)));
  }
  function listen() {
    heard = performance.now();
    lost = null;
  }

  // What htmx takes for an EventSource: it follows the stream while somebody looks at the page, and lets it go while nobody does. A browser
  // opens six connections to one place, and pages that are hidden must not keep one from a page on which a charge is to be stopped. A stream
  // begins with every part, so nothing is missed.
  class Followed extends EventTarget {
    #url;
    #stream = null;
    #names = new Set();
    #ended = false;
    #pass = (event) => this.dispatchEvent(new MessageEvent(event.type, { data: event.data }));
    #looked = () => (document.hidden ? this.#let() : this.#follow());

    constructor(url) {
      super();
      this.#url = url;
      document.addEventListener("visibilitychange", this.#looked);
      this.#looked();
    }
    get readyState() {
      return this.#ended ? EventSource.CLOSED : (this.#stream?.readyState ?? EventSource.CONNECTING);
    }
    addEventListener(name, ...more) {
      super.addEventListener(name, ...more);
      if (this.#names.has(name)) return;
      this.#names.add(name);
      this.#stream?.addEventListener(name, this.#pass);
    }
    close() {
      this.#ended = true;
      document.removeEventListener("visibilitychange", this.#looked);
      this.#let();
    }
    #follow() {
      if (this.#stream) return;
      if (!kept) listen(); // Said to be lost only when it is not there soon.
      this.#stream = new EventSource(this.#url, { withCredentials: true });
      for (const name of this.#names) this.#stream.addEventListener(name, this.#pass);
      this.#stream.onopen = (event) => this.onopen?.(event);
      this.#stream.onerror = (event) => {
        if (this.#stream.readyState === EventSource.CLOSED) this.close(); // htmx makes another one.
        this.onerror?.(event);
      };
    }
    #let() {
      this.#stream?.close();
      this.#stream = null;
    }
  }
  if (window.htmx) htmx.createEventSource = (url) => new Followed(url);
  document.addEventListener("htmx:sseOpen", (opened) => {
    if (kept) location.reload(); // There is a network again.
    connected = true;
    listen();
    opened.detail.source.addEventListener("beat", listen);
  });
  document.addEventListener("htmx:sseMessage", listen);
  document.addEventListener("htmx:sseError", () => (lost ??= performance.now()));
  document.addEventListener("htmx:sseClose", (closed) => {
    if (closed.detail.type === "message") connected = false;
  });
  window.addEventListener("offline", () => (lost ??= performance.now()));
  // A form that was sent is not sent again by a second tap.
  document.addEventListener("submit", (sent) => {
    const button = sent.target.querySelector("button");
    if (sent.target.method === "post" && button) setTimeout(() => (button.disabled = true), 0);
  });
  window.addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("button:disabled")) button.disabled = false;
  });
  if (kept) for (const button of document.querySelectorAll("main button")) button.hidden = true;
  if ("serviceWorker" in navigator && document.querySelector("link[rel=manifest]")) navigator.serviceWorker.register("/worker.js");
  setInterval(count, 1000);
  count();
})();
