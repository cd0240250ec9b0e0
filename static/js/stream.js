// Answers of operators stream into the open list. What stands there is mended where it stands: nothing moves under a finger.
// A station that belongs above the last one waits behind the button data-news; one that belongs below is appended.
(() => {
  "use strict";
  const { say, announce } = window.portal;
  const results = () => document.getElementById("results");
  const map = () => document.querySelector("[data-map]")?.portalMap;
  const cardsOf = (list) => [...list.querySelectorAll("#cards > [data-station]")];
  let waiting = null; // the newest answer of the server that has stations for the button

  // What a person opened, what has the focus and what the map lit stays so.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => {
    if (name === "open") return node.localName !== "details";
    if (name === "class") return !node.matches("[data-station]");
    return name !== "tabindex";
  };

  const mend = (list, fresh, selector) => {
    const [old, news] = [list.querySelector(selector), fresh.querySelector(selector)];
    if (!old || !news) return;
    Idiomorph.morph(old, news);
    htmx.process(list.querySelector(selector));
  };

  const tell = (list, number) => {
    const button = list.querySelector("[data-news]");
    const words = say("new_stations", number);
    button.hidden = !number;
    if (!number || button.textContent === words) return;
    button.textContent = words;
    announce(words);
  };

  const merge = (html) => {
    const list = results();
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("results");
    const shown = cardsOf(list);
    if (!fresh || (!shown.length && !list.contains(document.activeElement))) {
      htmx.swap(list, html, { swapStyle: "outerHTML" });
      map()?.load();
      return;
    }
    const news = cardsOf(fresh);
    const known = new Map(shown.map((card) => [card.id, card]));
    const told = new Set(news.map((card) => card.id));
    const isWhole = !fresh.querySelector("#pages [rel=next]");
    for (const card of news) if (known.has(card.id)) Idiomorph.morph(known.get(card.id), card);
    for (const card of shown) card.classList.toggle("is-gone", isWhole && !told.has(card.id));
    const last = news.findLastIndex((card) => known.has(card.id));
    const below = news.filter((card, place) => place > last && last >= 0 && !known.has(card.id));
    const above = news.filter((card, place) => (place < last || last < 0) && !known.has(card.id));
    list.querySelector("#cards").append(...below.map((card) => document.importNode(card, true)));
    for (const selector of ["#found", "#search-progress", "#pages"]) mend(list, fresh, selector);
    list.dataset.version = fresh.dataset.version;
    waiting = above.length ? html : null;
    tell(list, above.length);
    map()?.load();
  };

  document.addEventListener("htmx:beforeSwap", (event) => {
    const { target, requestConfig, xhr } = event.detail;
    if (target?.id !== "results" || requestConfig.elt !== target || xhr.status !== 200) return;
    if (!target.matches("[data-list]")) event.detail.swapOverride = "morph";
    else if (document.getElementById("results") === target) {
      event.detail.shouldSwap = false;
      merge(event.detail.serverResponse);
    }
  });

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-news]") || !waiting) return;
    const before = new Set(cardsOf(results()).map((card) => card.id));
    htmx.swap(results(), waiting, { swapStyle: "outerHTML" });
    waiting = null;
    const first = cardsOf(results()).find((card) => !before.has(card.id));
    first?.focus();
    map()?.load();
  });

  // --- News of a search: the list is older than the news, so it is asked for again --------------------------------------
  const compare = () => {
    const news = document.getElementById("search-progress");
    const list = results();
    if (news && list && news.dataset.version && news.dataset.version !== list.dataset.version) htmx.trigger(list, "refresh");
  };
  document.addEventListener("htmx:wsAfterMessage", compare);
  document.addEventListener("htmx:afterSettle", (event) => { if (event.detail.target?.id === "search-progress") compare(); });
})();
