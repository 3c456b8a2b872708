// Keeps the files of one edition, and the page of the last drive for reading without a network. Forms and live streams are not its business:
// nothing is started or stopped without the server.
"use strict";
const FILES = "files-" + {{ edition|tojson }};
const DRIVE = "drive";
const SHELL = {{ shell|tojson }};
const OFFLINE = "/offline";

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(FILES).then((cache) => cache.addAll([...SHELL, OFFLINE])).then(() => self.skipWaiting())
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name !== FILES && name !== DRIVE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim())
  );
});

self.addEventListener("fetch", (event) => {
  const request = event.request, url = new URL(request.url);
  if (url.origin !== location.origin) return;
  if (request.mode === "navigate") {
    event.respondWith(request.method === "GET" ? page(request, url) : fetch(request).catch(nothing));
    // Whoever signs out, erases the account, or is somebody else now, leaves nothing to read behind.
    if (request.method !== "GET" && /sign|erase/.test(url.pathname)) event.waitUntil(caches.delete(DRIVE));
  } else if (request.method === "GET" && SHELL.includes(url.pathname + url.search)) {
    event.respondWith(caches.match(request).then((kept) => kept || fetch(request)));
  }
});

async function page(request, url) {
  try {
    const answer = await fetch(request);
    if (/^\/drives\/[0-9a-f]+$/.test(url.pathname)) {
      if (answer.ok && !answer.redirected) await keep(url.pathname, answer.clone());
      else if (answer.status === 404) await caches.delete(DRIVE); // It is not this visitor's any more.
    }
    return answer;
  } catch {
    return (await kept(url.pathname)) || nothing();
  }
}

async function keep(path, answer) {
  const text = (await answer.text()).replace("<body ", '<body data-kept="' + Date.now() + '" ');
  await caches.delete(DRIVE);
  const cache = await caches.open(DRIVE);
  await cache.put(path, new Response(text, { headers: { "content-type": "text/html; charset=utf-8" } }));
}

// The page of the drive itself; from everywhere else in the app, the last drive is what there is to read.
async function kept(path) {
  const cache = await caches.open(DRIVE);
  const [last] = await cache.keys();
  if (!last) return undefined;
  const there = new URL(last.url).pathname;
  if (path === there) return cache.match(last);
  return path === "/" || path === "/drives" ? Response.redirect(there, 302) : undefined;
}

function nothing() {
  return caches.match(OFFLINE).then((answer) => answer || Response.error());
}

// A notice leads to a page of this app, whatever it says.
self.addEventListener("push", (event) => {
  const told = event.data ? event.data.json() : {};
  const url = typeof told.url === "string" && told.url.startsWith("/") ? told.url : "/";
  event.waitUntil(self.registration.showNotification("Interplug", {
    body: told.text || "", tag: url, renotify: true, icon: {{ icon|tojson }}, data: { url },
  }));
});

self.addEventListener("notificationclick", (event) => {
  const url = new URL(event.notification.data.url, location.origin);
  event.notification.close();
  if (url.origin !== location.origin) return;
  event.waitUntil(self.clients.matchAll({ type: "window" }).then((open) => {
    const there = open.find((one) => new URL(one.url).pathname === url.pathname);
    return there ? there.focus() : self.clients.openWindow(url.href);
  }));
});
