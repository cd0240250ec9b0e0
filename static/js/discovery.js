// The page around the map: filters, list and map tell each other what changed; the address tells all of it.
// A station opens in the sheet (a panel on a desktop) without leaving the page, and Back closes it again.
(() => {
  "use strict";
  const { say, announce } = window.portal;
  const form = document.getElementById("filters");
  const page = document.querySelector(".explore");
  const sheet = page.querySelector("[data-sheet]");
  const ground = page.querySelector("[data-map]");
  const results = () => document.getElementById("results");
  const map = () => ground.portalMap;
  const isList = () => results().matches("[data-list]");
  const swap = (html) => htmx.swap(results(), html, { swapStyle: "outerHTML" });
  const get = async (url) => {
    const answer = await fetch(url, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(answer.status);
    return answer.text();
  };

  // --- Filters: they toggle in place; the address keeps them --------------------------------------------------------------
  const HERE = ["q", "lat", "lon", "radius"];
  const PLACE = [...HERE, "page", "sort", "kwh", "minutes"];
  const clear = form?.querySelector("[data-clear]");
  const countFilters = () => {
    const set = [...new FormData(form)].filter(([name, value]) => value && !PLACE.includes(name));
    clear.hidden = !set.length;
    clear.querySelector("[data-count]").textContent = set.length;
    const kept = [...new FormData(form)].filter(([name, value]) => value && PLACE.includes(name));
    clear.href = `${form.action}?${new URLSearchParams(kept)}`;
    const all = [...new FormData(form)].filter(([, value]) => value);
    const save = form.querySelector("[data-save-filters]");
    save.href = `${save.pathname}?${new URLSearchParams(all)}`;
    const where = kept.filter(([name]) => HERE.includes(name));
    for (const link of form.querySelectorAll("[data-profile]")) {
      link.href = `${form.action}?${new URLSearchParams([...new URLSearchParams(link.dataset.profile), ...("place" in link.dataset ? [] : where)])}`;
    }
  };
  const readAddress = () => {
    const query = new URLSearchParams(location.search);
    for (const field of form.elements) {
      if (!field.name) continue;
      const said = query.getAll(field.name);
      if (field.type === "checkbox" || field.type === "radio") field.checked = said.includes(field.value);
      else if (field.multiple) for (const option of field.options) option.selected = said.includes(option.value);
      else field.value = said[0] ?? "";
    }
    for (const name of ["lat", "lon", "radius"]) if (!query.has(name)) form.elements.namedItem(name)?.remove(); else put(name, query.get(name));
    countFilters();
  };
  const put = (name, value) => {
    let input = form.elements.namedItem(name);
    if (!input) {
      input = Object.assign(document.createElement("input"), { type: "hidden", name });
      form.append(input);
    }
    input.value = value;
  };
  const fitWords = () => {
    if (!new URLSearchParams(location.search).get("q")) return;
    const places = [...results().querySelectorAll("[data-lat]")].slice(0, 10).map(({ dataset }) => [Number(dataset.lat), Number(dataset.lon)]);
    if (places.length) map()?.fit(places);
  };
  document.addEventListener("change", (event) => { if (form?.contains(event.target)) countFilters(); });
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target !== form) return;
    const values = event.detail.parameters;
    for (const name of [...new Set(Object.keys(values))]) if (values[name] === "") delete values[name];
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    const { requestConfig, pathInfo, target } = event.detail;
    if (!form || requestConfig?.elt !== form || target.id !== "results") return;
    const url = new URL(pathInfo.finalRequestPath, location.href);
    if (url.href !== location.href) history.pushState({ explore: true }, "", url);
    kept = null;
    landed();
    announce(document.getElementById("found").textContent);
    fitWords();
  });
  // Links that only change the filters: "Clear", and the one to drop of an empty list.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-clear], [data-in-place]");
    if (!form || !link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState({ explore: true }, "", link.href);
    readAddress();
    await showList(location.href);
    announce(document.getElementById("found").textContent);
    (link.matches("[data-clear]") ? form.querySelector(".chip input, .chip select") : results().querySelector(".station-card"))?.focus();
  });

  // --- Where: the map and the device say it, the form keeps it in the address ----------------------------------------------
  const lookAt = (lat, lon, radius) => {
    if (!form) return;
    form.elements.namedItem("q").value = "";
    put("lat", Number(lat).toFixed(5));
    put("lon", Number(lon).toFixed(5));
    put("radius", Math.max(1, Math.min(500, Math.ceil(radius))));
    form.requestSubmit();
  };
  document.addEventListener("map:located", ({ detail }) => lookAt(detail.lat, detail.lon, 10));
  document.addEventListener("map:search", ({ detail }) => {
    const [west, south, east, north] = [detail.west, detail.south, detail.east, detail.north].map(Number);
    lookAt((south + north) / 2, (west + east) / 2, ((north - south) / 2) * 111.32);
  });

  // --- A station in the sheet -----------------------------------------------------------------------------------------------
  let kept = null; // the list under the station: its address, picture, height and the card that was pressed
  const titleOfList = document.title;
  const landed = () => {
    page.classList.toggle("is-station", !isList());
    if (isList()) { document.title = titleOfList; map()?.select(null); }
    map()?.load();
  };

  const kilometres = (from, to) => {
    const radians = Math.PI / 180;
    const aside = (to.lon - from.lon) * Math.cos(((Number(from.lat) + Number(to.lat)) / 2) * radians);
    return Math.hypot(to.lat - from.lat, aside) * 111.32;
  };
  const dressStation = () => {
    const heading = document.getElementById("station");
    const away = results().querySelector("[data-away]");
    const centre = map()?.here() || (kept && kept.centre);
    if (away && centre) {
      away.textContent = say("kilometres", kilometres(centre, away.dataset).toFixed(1));
      away.hidden = false;
    }
    heading?.setAttribute("tabindex", "-1");
    return heading;
  };
  document.addEventListener("htmx:afterSettle", ({ detail }) => { if (detail.target?.id === "results" && !isList()) dressStation(); });
  let turn = 0; // who presses twice gets what was pressed last
  const showStation = async (code, url) => {
    const mine = ++turn;
    const html = await get(url);
    if (mine !== turn) return false;
    if (isList()) {
      const { lat, lon } = results().dataset;
      kept = { html: results().outerHTML, url: location.href, height: sheet.dataset.height, scroll: results().scrollTop, card: code && `s-${code}`, centre: { lat, lon } };
    }
    swap(html);
    page.classList.add("is-station");
    if (sheet.dataset.height === "peek") sheet.portalSheet.set("half");
    const heading = dressStation();
    if (heading) document.title = `${heading.textContent} · EV Portal`;
    heading?.focus({ preventScroll: true });
    return true;
  };
  const open = async (code, url, spot) => {
    map()?.select(code, spot);
    const wasList = isList();
    try {
      if (!(await showStation(code, url))) return;
    } catch {
      location.assign(url);
      return;
    }
    history[wasList ? "pushState" : "replaceState"]({ explore: true, code, isOver: wasList || Boolean(history.state?.isOver) }, "", url);
  };

  const showList = async (address) => {
    const mine = ++turn;
    const html = kept?.url === address ? kept.html : await get(address);
    if (mine !== turn) return;
    swap(html);
    landed();
    if (kept) {
      sheet.portalSheet.set(kept.height);
      results().scrollTop = kept.scroll;
      document.getElementById(kept.card)?.focus({ preventScroll: true });
      if (document.activeElement === document.body) map()?.focus(kept.card?.slice(2));
    }
    if (kept) htmx.trigger(results(), "refresh");
    kept = null;
  };
  const close = () => {
    if (history.state?.isOver) history.back();
    else location.assign(page.querySelector(".back").href);
  };

  document.addEventListener("map:select", (event) => {
    event.preventDefault();
    open(event.detail.code, event.detail.url);
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const card = event.target.closest("a.station-card");
    if (card) {
      event.preventDefault();
      open(card.dataset.station, card.href, card);
    } else if (event.target.closest(".station > .back") && history.state?.isOver) {
      event.preventDefault();
      close();
    }
  });
  sheet.addEventListener("sheet:escape", (event) => {
    if (isList()) return;
    event.preventDefault();
    close();
  });
  addEventListener("popstate", async () => {
    try {
      if (history.state?.code) {
        map()?.select(history.state.code);
        await showStation(history.state.code, location.href);
      } else if (form && location.pathname === new URL(form.action).pathname) {
        readAddress();
        await showList(location.href);
      } else location.reload();
    } catch {
      location.reload();
    }
  });
  if (form) {
    countFilters();
    if (map()) fitWords();
  } else dressStation();

  // --- The legend: open on a desktop until somebody shuts it ------------------------------------------------------------------
  const legend = page.querySelector(".legend");
  const isWide = matchMedia("(min-width: 48rem)").matches;
  const memory = { read: () => { try { return localStorage.getItem("legend"); } catch { return null; } }, write: (word) => { try { localStorage.setItem("legend", word); } catch { /* private window */ } } };
  if (legend) {
    legend.open = isWide && memory.read() !== "shut";
    legend.querySelector("summary").addEventListener("click", () => { if (isWide) memory.write(legend.open ? "shut" : "open"); });
    document.addEventListener("pointerdown", (event) => { if (!isWide && legend.open && !legend.contains(event.target)) legend.open = false; });
    legend.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !legend.open) return;
      event.preventDefault();
      legend.open = false;
      legend.querySelector("summary").focus();
    });
  }
})();
