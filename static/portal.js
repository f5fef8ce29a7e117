// Makes the pages pleasant; every page works without it. htmx is configured by a <meta> in the layout.
(() => {
  "use strict";
  const TOAST_MS = 6000;

  // --- toasts: rendered by the server with a page, sent as an event with a fragment
  const toasts = document.getElementById("toasts");

  function arm(toast) {
    const close = toast.querySelector("[data-dismiss]");
    close.hidden = false;
    close.addEventListener("click", () => toast.remove());
    // What went wrong stays until it is read.
    if (!toast.classList.contains("tone-bad")) setTimeout(() => toast.remove(), TOAST_MS);
  }

  function say(message, tone) {
    // A page that looks again by itself would say the same failure over and over.
    if ([...toasts.querySelectorAll(".toast-text")].some((shown) => shown.textContent === message)) return;
    const kind = ["calm", "good", "warn", "bad"].includes(tone) ? tone : "calm";
    const source = document.getElementById(`toast-${kind}`) || document.getElementById("toast-good");
    const toast = source.content.firstElementChild.cloneNode(true);
    toast.querySelector(".toast-text").textContent = message;
    toasts.append(toast);
    arm(toast);
  }

  toasts.querySelectorAll(".toast-note").forEach(arm);
  document.addEventListener("toast", (event) => say(event.detail.message, event.detail.kind));

  // --- the connection broke: htmx has no answer to show
  document.addEventListener("htmx:error", (event) => {
    if (event.detail.ctx && !event.detail.ctx.response) say(toasts.dataset.offline, "warn");
  });

  // --- confirmation: one native dialog, which holds the focus and gives it back
  const dialog = document.getElementById("confirm");
  function ask(question, yes, no) {
    dialog.querySelector("#confirm-question").textContent = question;
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => (dialog.returnValue === "yes" ? yes() : no()), { once: true });
    dialog.showModal();
  }
  document.addEventListener("htmx:confirm", (event) => {
    event.preventDefault();
    ask(event.detail.ctx.confirm, () => event.detail.issueRequest(), () => event.detail.dropRequest());
  });
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.confirm) return;
    event.preventDefault();
    event.stopPropagation();  // nothing is sent yet: whoever marks sent forms must not see this one
    // submit() asks nobody again, unlike requestSubmit().
    ask(form.dataset.confirm, () => form.submit(), () => {});
  }, true);

  // --- menus (<details class="menu">) close on Escape and on a press elsewhere
  function closeMenus(except) {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (menu !== except) menu.open = false;
    });
  }
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const open = document.querySelector("details.menu[open]");
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  // --- copy buttons appear where copying works
  document.querySelectorAll("[data-copy]").forEach((button) => {
    if (!navigator.clipboard) return;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.dataset.copy);
      say(button.dataset.copied, "good");
    });
  });

  // --- a plain form that was sent is not sent again by a second press
  document.addEventListener("submit", (event) => {
    if (event.target.hasAttribute("hx-post") || event.target.method === "dialog") return;
    if (event.target.dataset.sent) event.preventDefault();
    event.target.dataset.sent = "yes";
    event.submitter?.setAttribute("aria-busy", "true");
  });
  // Back from another page: the browser shows the old one as it was left.
  addEventListener("pageshow", () => {
    document.querySelectorAll("[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[aria-busy]").forEach((button) => button.removeAttribute("aria-busy"));
    });
  });
})();
