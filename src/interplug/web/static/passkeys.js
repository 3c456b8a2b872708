// Passkeys: asks the device, and hands its answer over. What may be asked and what is right, the server says.
"use strict";
(() => {
  const buttons = document.querySelectorAll("[data-passkey]");
  const problem = document.getElementById("passkey-problem");
  // A passkey is bound to a name: where the page stands at a bare address there can be none.
  if (!window.PublicKeyCredential || /^[\d.]+$|:/.test(location.hostname)) {
    for (const hint of document.querySelectorAll("[data-passkey-hint]")) hint.hidden = true;
    return;
  }
  for (const card of document.querySelectorAll("[data-passkey-card]")) card.hidden = false;
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  async function post(path, proof, body) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", "x-csrf-token": proof },
      body: JSON.stringify(body),
    });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.error);
    return told;
  }
  async function make(proof) {
    const options = await post("/account/passkeys/new", proof, {});
    options.challenge = bytes(options.challenge);
    options.user.id = bytes(options.user.id);
    for (const one of options.excludeCredentials || []) one.id = bytes(one.id);
    const made = await navigator.credentials.create({ publicKey: options });
    const label = document.getElementById("passkey-label");
    return post("/account/passkeys", proof, {
      label: label ? label.value : "",
      credential: {
        id: made.id,
        rawId: text(made.rawId),
        type: made.type,
        response: {
          clientDataJSON: text(made.response.clientDataJSON),
          attestationObject: text(made.response.attestationObject),
        },
      },
    });
  }
  async function prove(proof) {
    const options = await post("/account/passkeys/asked", proof, {});
    options.challenge = bytes(options.challenge);
    const made = await navigator.credentials.get({ publicKey: options });
    return post("/account/passkeys/sign-in", proof, {
      credential: {
        id: made.id,
        rawId: text(made.rawId),
        type: made.type,
        response: {
          clientDataJSON: text(made.response.clientDataJSON),
          authenticatorData: text(made.response.authenticatorData),
          signature: text(made.response.signature),
          userHandle: made.response.userHandle ? text(made.response.userHandle) : null,
        },
      },
    });
  }
  for (const button of buttons) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      button.disabled = true;
      problem.hidden = true;
      try {
        location.assign((await (button.dataset.passkey === "new" ? make : prove)(button.dataset.proof)).go);
      } catch (error) {
        // Who has closed the device's own window has not met a problem.
        if (error.name !== "NotAllowedError" && error.name !== "AbortError") {
          problem.textContent = error.message;
          problem.hidden = false;
        }
        button.disabled = false;
      }
    });
  }
})();
