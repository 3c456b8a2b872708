// The payment provider's own field for cards and wallets: what is typed into it never comes to this server.
"use strict";
(() => {
  const form = document.getElementById("payment-form");
  const problem = document.getElementById("payment-problem");
  const button = document.getElementById("pay");
  function say(text) {
    problem.textContent = text || "";
    problem.hidden = !text;
  }
  if (typeof Stripe === "undefined") {
    say(form.dataset.unreachable);
    return;
  }
  const stripe = Stripe(form.dataset.key);
  const wanted = { clientSecret: form.dataset.secret };
  // Of a driver with an account: the field asks whether the card shall be remembered.
  if (form.dataset.session) wanted.customerSessionClientSecret = form.dataset.session;
  const elements = stripe.elements(wanted);
  const field = elements.create("payment");
  field.on("ready", () => { button.disabled = false; });
  field.mount("#payment-element");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    say("");
    const { error } = await stripe.confirmPayment({ elements, confirmParams: { return_url: form.dataset.back } });
    say(error && error.message);
    button.disabled = false;
  });
})();
