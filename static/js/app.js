// What every page has: theme, menus, dialogs, toasts, forms that are sent once, trouble that is said aloud.
(() => {
  "use strict";
  const texts = JSON.parse(document.getElementById("texts")?.textContent || "{}");
  const root = document.documentElement;

  const say = (template, ...values) => values.reduce((text, value) => text.replace(/\{[^}]*\}/, value), texts[template] || template);

  const icon = (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("class", "icon");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
    svg.append(use);
    return svg;
  };

  // --- A photo that its operator no longer has is taken away, and with the last one its shelf ---------------------
  document.addEventListener("error", (event) => {
    const photo = event.target.closest?.("[data-photo]");
    const shelf = photo?.closest(".photos");
    photo?.remove();
    if (shelf && !shelf.querySelector("[data-photo]")) shelf.remove();
  }, true);

  // --- Toasts, and words for the ear ---------------------------------------------------------------------
  const announce = (words) => { document.getElementById("announcer").textContent = words; };

  const toast = (words, kind = "") => {
    let shelf = document.querySelector(".toasts");
    if (!shelf) {
      shelf = document.createElement("div");
      shelf.className = "toasts";
      document.body.append(shelf);
    }
    const box = document.createElement("div");
    const close = document.createElement("button");
    box.className = `toast ${kind && `toast--${kind}`}`;
    close.type = "button";
    close.setAttribute("aria-label", texts.close);
    close.append(icon("x"));
    close.addEventListener("click", () => box.remove());
    box.append(icon(kind === "error" ? "triangle-alert" : "circle-check"), words, close);
    shelf.append(box);
    announce(words);
    if (kind !== "error") setTimeout(() => box.remove(), 6000);
  };

  // --- Theme: a cookie, so that the server draws the next page right at once -------------------------------
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-theme-switch]") || !event.submitter) return;
    event.preventDefault();
    const theme = event.submitter.value;
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `theme=${theme}; path=/; max-age=31536000; SameSite=Lax${secure}`;
    if (theme === "auto") delete root.dataset.theme; else root.dataset.theme = theme;
    for (const button of event.target.elements) {
      if (button.name === "theme") button.setAttribute("aria-pressed", String(button.value === theme));
    }
    document.dispatchEvent(new CustomEvent("themechange"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("themechange")));

  // --- A form that came through the socket was drawn without a request: it gets the token of the page ----------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || form.elements.csrfmiddlewaretoken) return;
    const token = document.createElement("input");
    token.type = "hidden";
    token.name = "csrfmiddlewaretoken";
    token.value = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
    form.append(token);
  }, true);

  // --- Menus close when one looks elsewhere ---------------------------------------------------------------
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details[data-menu][open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });

  // --- Dialogs: data-dialog="id" opens, data-close closes, a click beside it closes -------------------------
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      event.preventDefault();
      document.getElementById(opener.dataset.dialog)?.showModal();
    } else if (event.detail > 1 && event.target.closest("dialog[open]")) {
      event.preventDefault(); // the second click of a double one was not meant for what opened under it
    } else if (event.target.closest("[data-close]") || event.target.matches("dialog[open]")) {
      event.target.closest("dialog")?.close();
    }
  });

  // --- Slider and box of an amount say the same number -------------------------------------------------------
  document.addEventListener("input", (event) => {
    const amount = event.target.closest("[data-amount]");
    if (!amount) return;
    for (const input of amount.querySelectorAll("input")) if (input !== event.target) input.value = event.target.value;
  });

  // --- A form is sent once -----------------------------------------------------------------------------------
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.closest("[hx-post], [data-hx-post]")) return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "yes";
    (event.submitter || form.querySelector(".button"))?.classList.add("is-busy");
  });
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll(".is-busy")) button.classList.remove("is-busy");
  });

  // --- Sharing and copying -------------------------------------------------------------------------------------
  document.addEventListener("click", async (event) => {
    const source = event.target.closest("[data-copy]");
    if (!source) return;
    await navigator.clipboard.writeText(source.dataset.copy);
    toast(source.dataset.copied || source.dataset.copy);
  });

  // --- Trouble is said aloud ---------------------------------------------------------------------------------
  document.addEventListener("htmx:responseError", () => toast(texts.server_trouble, "error"));
  document.addEventListener("htmx:sendError", (event) => {
    if (!event.detail.elt.closest("[data-quiet]")) toast(texts.network_trouble, "error");
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id === "notices") event.detail.target.focus();
    const wrong = event.detail.target?.querySelector?.("[aria-invalid=true]");
    if (wrong && event.detail.xhr?.status === 422) wrong.focus();
  });

  // A lost socket is tried again soon, not ever more rarely; spread, so that a restarted server is not overrun.
  if (window.htmx) htmx.config.wsReconnectDelay = (tries) => Math.min(2 ** tries, 8) * 500 * (1 + Math.random());

  window.portal = { texts, say, icon, toast, announce };
})();
