// This browser subscribes to notices at its own push service, and tells the server where that is.
"use strict";
(() => {
  const state = document.getElementById("notices");
  const on = document.getElementById("notices-on");
  const off = document.getElementById("notices-off");
  const words = state.dataset;

  function show(text, subscribed) {
    state.textContent = text;
    on.hidden = subscribed !== false;
    off.hidden = subscribed !== true;
  }
  async function tell(path, body) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", "x-csrf-token": words.csrf },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error((await answer.json().catch(() => ({}))).error || words.failed);
  }
  async function manager() {
    return (await navigator.serviceWorker.ready).pushManager;
  }
  async function look() {
    if (!("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return show(words.unable);
    if (Notification.permission === "denied") return show(words.denied);
    const subscribed = (await (await manager()).getSubscription()) !== null;
    show(subscribed ? words.on : words.off, subscribed);
  }
  async function attempt(work) {
    try {
      await work();
      await look();
    } catch (error) {
      show(error.message || words.failed, false);
    }
  }
  on.addEventListener("click", () => attempt(async () => {
    if ((await Notification.requestPermission()) !== "granted") return;
    const subscription = await (await manager()).subscribe({ userVisibleOnly: true, applicationServerKey: words.key });
    await tell("/notices/browsers", subscription.toJSON());
  }));
  off.addEventListener("click", () => attempt(async () => {
    const subscription = await (await manager()).getSubscription();
    if (subscription === null) return;
    await tell("/notices/browsers/drop", { endpoint: subscription.endpoint });
    await subscription.unsubscribe();
  }));
  attempt(async () => {});
})();
