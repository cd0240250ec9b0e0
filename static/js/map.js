// The map of stations. Everything it needs stands in data attributes:
//   <div class="map" id="map" data-map data-lat data-lon data-zoom data-pins="/pins/" data-land="/static/vendor/land/"
//        [data-tiles data-attribution] [data-selected="code"] aria-label="Map of stations"></div>
//   <button data-search-here hidden> shows once the map has moved; pressing it fires `map:search` {west,south,east,north}.
// Pins come from data-pins?west=&south=&east=&north=&zoom= plus the fields of the form named by data-filters, as
//   {pins: [{code, lat, lon, status, free, total, speed, name, url}], clusters: [{lat, lon, count}]}.
// A row with data-station="code" (data-lat, data-lon, a .pin) and its pin light up together; a station inside a cluster
// shows its pin for as long as its row is lit. A press on a pin fires `map:select` {code, url} on the map;
// unless somebody calls preventDefault(), the browser goes to url.
(() => {
  "use strict";
  const { texts, say, icon, toast } = window.portal;
  const box = document.querySelector("[data-map]");
  if (!box || !window.L) return;
  const config = box.dataset;
  const fire = (name, detail) => box.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, cancelable: true }));

  const map = L.map(box, {
    center: [Number(config.lat), Number(config.lon)], zoom: Number(config.zoom), minZoom: 3, maxZoom: 18,
    zoomControl: false, worldCopyJump: true, maxBoundsViscosity: 1, attributionControl: false,
  });
  L.control.attribution({ prefix: false }).addTo(map);
  L.control.scale({ imperial: false, position: "bottomleft" }).addTo(map);

  // --- Ground: the tiles of the deployer, or our own plain one ---------------------------------------------------
  const LANDS = [
    { file: "south-asia.json", box: L.latLngBounds([-2, 60], [40, 100]) },
    { file: "north-america.json", box: L.latLngBounds([23, -128], [52, -64]) },
    { file: "world.json", box: L.latLngBounds([-90, -540], [90, 540]) },
  ];
  const loaded = new Map();
  let ground = null;

  const landFor = (bounds) => LANDS.find((land) => land.box.contains(bounds));
  const showLand = async () => {
    const land = landFor(map.getBounds());
    if (!land || land === ground) return;
    ground = land;
    if (!loaded.has(land)) {
      const answer = await fetch(config.land + land.file);
      if (!answer.ok) return;
      loaded.set(land, L.geoJSON(await answer.json(), { interactive: false, className: "map__land", fillOpacity: 1, pane: "land" }));
    }
    for (const [known, layer] of loaded) known === ground ? layer.addTo(map) : layer.remove();
  };

  // A faint grid tells the hand that the ground moves, where there is nothing else to see.
  const STEPS = [20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005];
  const grid = L.layerGroup();
  const showGrid = () => {
    grid.clearLayers();
    const bounds = map.getBounds().pad(0.3);
    const step = STEPS.find((size) => (bounds.getEast() - bounds.getWest()) / size > 9) || 0.005;
    const line = (from, to) => grid.addLayer(L.polyline([from, to], { className: "map__grid", interactive: false, pane: "grid", color: null }));
    for (let lon = Math.ceil(bounds.getWest() / step) * step; lon < bounds.getEast(); lon += step) line([bounds.getSouth(), lon], [bounds.getNorth(), lon]);
    for (let lat = Math.ceil(bounds.getSouth() / step) * step; lat < bounds.getNorth(); lat += step) line([lat, bounds.getWest()], [lat, bounds.getEast()]);
  };

  const labels = L.layerGroup();
  let places = [];
  const showLabels = () => {
    labels.clearLayers();
    const zoom = map.getZoom();
    const bounds = map.getBounds();
    const taken = [];
    for (const [name, lat, lon, rank] of places) {
      if (zoom < rank || zoom > rank + 9 || !bounds.contains([lat, lon])) continue;
      const at = map.latLngToContainerPoint([lat, lon]);
      if (taken.some((other) => Math.abs(other.x - at.x) < 90 && Math.abs(other.y - at.y) < 26)) continue;
      taken.push(at);
      const kind = rank <= 6 ? "city" : rank >= 10 ? "town" : "place";
      const words = document.createElement("span");
      words.textContent = name;
      labels.addLayer(L.marker([lat, lon], { icon: L.divIcon({ className: `map__label map__label--${kind}`, html: words, iconSize: [0, 0] }), interactive: false, keyboard: false, pane: "labels" }));
    }
  };

  const plainGround = async () => {
    for (const [pane, level] of [["land", 210], ["grid", 215], ["labels", 220]]) map.createPane(pane).style.zIndex = level;
    map.getPane("labels").setAttribute("aria-hidden", "true");
    map.attributionControl.addAttribution("Natural Earth");
    grid.addTo(map);
    labels.addTo(map);
    map.on("moveend", () => { showLand(); showGrid(); showLabels(); });
    showLand();
    showGrid();
    const answer = await fetch(`${config.land}places.json`);
    if (answer.ok) { places = await answer.json(); showLabels(); }
  };
  if (config.tiles) L.tileLayer(config.tiles, { attribution: config.attribution, maxZoom: 19 }).addTo(map);
  else plainGround();

  // --- Controls ----------------------------------------------------------------------------------------------------
  const control = (...buttons) => {
    const bar = L.control({ position: "bottomright" });
    bar.onAdd = () => {
      const shelf = L.DomUtil.create("div", "leaflet-bar");
      for (const [name, label, act] of buttons) {
        const button = L.DomUtil.create("button", "", shelf);
        button.type = "button";
        button.setAttribute("aria-label", label);
        button.append(icon(name));
        L.DomEvent.on(button, "click", act);
      }
      L.DomEvent.disableClickPropagation(shelf);
      return shelf;
    };
    return bar.addTo(map);
  };
  const locate = () => map.locate({ setView: true, maxZoom: 14, enableHighAccuracy: true });
  control(["plus", texts.zoom_in, () => map.zoomIn()], ["minus", texts.zoom_out, () => map.zoomOut()]);
  control(["locate-fixed", texts.locate, locate]);
  const CALM = matchMedia("(prefers-reduced-motion: reduce)").matches;
  let here = null;
  map.on("locationfound", (event) => {
    here?.remove();
    here = L.marker(event.latlng, { icon: L.divIcon({ className: "", html: '<span class="me-here"></span>', iconSize: [20, 20] }), interactive: false, keyboard: false }).addTo(map);
    settled();
    fire("map:located", { lat: event.latlng.lat, lon: event.latlng.lng });
  });
  map.on("locationerror", () => toast(texts.locate_failed, "error"));
  document.addEventListener("click", (event) => { if (event.target.closest("[data-locate]")) locate(); });

  // --- Pins ----------------------------------------------------------------------------------------------------------
  const markers = new Map();
  const clusters = L.layerGroup().addTo(map);
  let selected = config.selected || null;

  const BOLTS = ["normal", "fast", "ultra"];
  const look = ({ status, free, words, speed }) => [status, free, words, speed].join();
  const drawing = (symbol, name = "") => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
    svg.setAttribute("aria-hidden", "true");
    svg.setAttribute("class", name);
    use.setAttribute("href", `${document.body.dataset.icons}#${symbol}`);
    svg.append(use);
    return svg;
  };
  const pinDrawn = ({ status, free, speed }) => {
    const pin = document.createElement("span");
    const count = document.createElement("span");
    pin.className = `pin pin--${status}`;
    count.className = "pin__count";
    count.textContent = { free, busy: 0, "some-unknown": free, unknown: "?", fault: "!", reserved: "", closed: "" }[status] ?? "";
    pin.append(drawing(`pin-${status}`), count);
    if (BOLTS.includes(speed)) pin.append(drawing(`bolts-${speed}`, `bolts bolts--${speed}`));
    return pin;
  };
  const pinPicture = (html) => L.divIcon({ className: "", html, iconSize: [44, 48], iconAnchor: [22, 46] });

  const pinWords = ({ name, status, free, total, words, speed }) => [name, words || say(status, free, total), texts[`speed_${speed}`]].filter(Boolean).join(", ");

  // The pin of a row whose station is inside a cluster: drawn while the row is lit or selected.
  const ghosts = new Map();
  const spots = new Map(); // where selected rows were, for the time after they are gone
  const raise = (code, spot) => {
    if (markers.has(code) || ghosts.has(code) || !spot?.dataset?.lat) return;
    const pin = spot.querySelector(".pin").cloneNode(true);
    pin.classList.remove("pin--small");
    const ghost = L.marker([spot.dataset.lat, spot.dataset.lon], { icon: pinPicture(pin), interactive: false, keyboard: false, zIndexOffset: 1000 });
    ghosts.set(code, ghost);
    ghost.on("add", () => { ghost.getElement().setAttribute("aria-hidden", "true"); ghost.getElement().classList.add("is-ghost"); });
    ghost.addTo(map);
  };
  const lay = (code) => {
    if (code === selected && !markers.has(code)) return;
    ghosts.get(code)?.remove();
    ghosts.delete(code);
  };

  const mark = (code, what, on) => {
    const rows = [...document.querySelectorAll(`[data-station="${CSS.escape(code)}"]`)];
    on ? raise(code, spots.get(code) || rows[0]) : lay(code);
    ghosts.get(code)?.getElement()?.classList.toggle(what, on);
    markers.get(code)?.marker.getElement()?.classList.toggle(what, on);
    for (const row of rows) row.classList.toggle(what, on);
  };

  const select = (code, spot) => {
    const before = selected;
    selected = code;
    if (before && before !== code) { mark(before, "is-selected", false); spots.delete(before); }
    if (!code) return;
    if (spot) spots.set(code, spot.cloneNode(true));
    mark(code, "is-selected", true);
    const marker = markers.get(code)?.marker || ghosts.get(code);
    if (marker) reveal(marker.getLatLng());
  };

  // What the search card and the sheet leave of the map.
  const clearing = () => {
    const ground = box.getBoundingClientRect();
    const sheet = document.querySelector(".sheet")?.getBoundingClientRect();
    const search = document.querySelector(".explore__top")?.getBoundingClientRect();
    const isOver = (part) => part && part.height && part.left < ground.right - 1 && part.right > ground.left + 1;
    const top = isOver(search) ? Math.max(search.bottom - ground.top, 0) : 0;
    const bottom = isOver(sheet) ? Math.max(sheet.top - ground.top, top) : ground.height;
    return { top, bottom, left: 0, right: ground.width };
  };
  const reveal = (place) => {
    const at = map.latLngToContainerPoint(place);
    const free = clearing();
    if (free.bottom - free.top < 96) return;
    const isSeen = at.x > 32 && at.x < free.right - 32 && at.y > free.top + 56 && at.y < free.bottom - 16;
    if (!isSeen) map.panBy([at.x - free.right / 2, at.y - (free.top + free.bottom) / 2 - 16], { animate: !CALM });
  };
  const fit = (places) => {
    const free = clearing();
    map.fitBounds(places, { paddingTopLeft: [40, free.top + 60], paddingBottomRight: [40, box.clientHeight - free.bottom + 20], maxZoom: 14, animate: false });
  };

  // Leaflet gives a marker the role of a button, but only its click.
  const pressed = (marker, act) => {
    marker.on("click", act);
    marker.on("keydown", ({ originalEvent }) => {
      if (originalEvent.key !== "Enter" && originalEvent.key !== " ") return;
      originalEvent.preventDefault();
      act();
    });
  };

  const addPin = (pin) => {
    const marker = L.marker([pin.lat, pin.lon], { icon: pinPicture(pinDrawn(pin)), alt: pinWords(pin), riseOnHover: true });
    marker.on("add", () => {
      nameIt(marker, pin);
      marker.getElement().classList.toggle("is-selected", pin.code === selected);
    });
    marker.on("mouseover", () => mark(pin.code, "is-highlighted", true));
    marker.on("mouseout", () => mark(pin.code, "is-highlighted", false));
    pressed(marker, () => {
      select(pin.code);
      if (fire("map:select", { code: pin.code, url: pin.url })) location.assign(pin.url);
    });
    marker.on("add", () => { for (const [event, on] of [["focus", true], ["blur", false]]) marker.getElement().addEventListener(event, () => mark(pin.code, "is-highlighted", on)); });
    markers.set(pin.code, { marker, picture: look(pin) });
    ghosts.get(pin.code)?.remove();
    ghosts.delete(pin.code);
    marker.addTo(map);
  };
  const nameIt = (marker, pin) => {
    marker.getElement().setAttribute("aria-label", pinWords(pin));
    marker.getElement().title = pinWords(pin);
  };
  // A pin that says something new stays the same button under the finger.
  const redraw = (known, pin) => {
    known.marker.getElement().replaceChildren(pinDrawn(pin));
    known.marker.setLatLng([pin.lat, pin.lon]);
    known.picture = look(pin);
    nameIt(known.marker, pin);
  };

  const balls = new Map();
  const addCluster = (key, { lat, lon, count }) => {
    const size = count < 10 ? "" : count < 100 ? "cluster--m" : "cluster--l";
    const width = { "": 44, "cluster--m": 52, "cluster--l": 64 }[size];
    const ball = document.createElement("span");
    ball.className = `cluster ${size}`;
    ball.textContent = count > 9999 ? `${Math.round(count / 1000)}k` : count;
    const marker = L.marker([lat, lon], { icon: L.divIcon({ className: "", html: ball, iconSize: [width, width] }) });
    marker.on("add", () => marker.getElement().setAttribute("aria-label", say("stations", count)));
    pressed(marker, () => map.flyTo([lat, lon], Math.min(map.getZoom() + 2, 16), { duration: 0.4, animate: !CALM }));
    balls.set(key, marker);
    clusters.addLayer(marker);
  };

  const show = ({ pins = [], clusters: told = [] }) => {
    const wanted = new Set(pins.map((pin) => pin.code));
    for (const [code, { marker }] of markers) if (!wanted.has(code)) { marker.remove(); markers.delete(code); }
    for (const pin of pins) {
      const known = markers.get(pin.code);
      if (!known) addPin(pin);
      else if (known.picture !== look(pin)) redraw(known, pin);
    }
    const keys = new Map(told.map((ball) => [[ball.lat, ball.lon, ball.count].join(), ball]));
    for (const [key, marker] of balls) if (!keys.has(key)) { clusters.removeLayer(marker); balls.delete(key); }
    for (const [key, ball] of keys) if (!balls.has(key)) addCluster(key, ball);
    if (selected) mark(selected, "is-selected", true);
    box.dataset.shown = viewportKey;
  };

  const viewport = () => {
    const bounds = map.getBounds();
    const round = (number) => number.toFixed(5);
    return { west: round(bounds.getWest()), south: round(bounds.getSouth()), east: round(bounds.getEast()), north: round(bounds.getNorth()), zoom: map.getZoom() };
  };

  let asking = null;
  let viewportKey = "";
  const load = async () => {
    if (!config.pins) return;
    asking?.abort();
    asking = new AbortController();
    const form = config.filters && document.querySelector(config.filters);
    const query = new URLSearchParams(form ? new FormData(form) : undefined);
    for (const [key, value] of Object.entries(viewport())) query.set(key, value);
    try {
      const answer = await fetch(`${config.pins}?${query}`, { signal: asking.signal, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(answer.status);
      const told = await answer.json();
      viewportKey = query.toString();
      show(told);
    } catch (error) {
      if (error.name !== "AbortError") toast(texts.pins_failed, "error");
    }
  };

  // --- The list beside it ---------------------------------------------------------------------------------------------
  for (const [event, on] of [["mouseover", true], ["focusin", true], ["mouseout", false], ["focusout", false]]) {
    document.addEventListener(event, (hover) => {
      const row = hover.target.closest?.("[data-station]");
      if (row && !row.contains(hover.relatedTarget)) mark(row.dataset.station, "is-highlighted", on);
    });
  }

  const searchHere = document.querySelector("[data-search-here]");
  let wait = null;
  map.on("moveend", () => {
    clearTimeout(wait);
    wait = setTimeout(load, 150);
    if (searchHere && moved) searchHere.hidden = false;
    fire("map:moved", viewport());
  });
  let moved = false; // by hand: what the page moves needs no new search
  const settled = () => { moved = false; if (searchHere) searchHere.hidden = true; };
  map.on("dragstart", () => { moved = true; });
  for (const event of ["wheel", "dblclick", "keydown", "touchmove"]) box.addEventListener(event, ({ key }) => { if (!key || /^(Arrow|[+\-=_])/.test(key)) moved = true; }, { passive: true });
  box.addEventListener("click", ({ target }) => { if (target.closest(".leaflet-bar, .cluster, .leaflet-marker-icon:has(.cluster)")) moved = true; });
  searchHere?.addEventListener("click", () => {
    settled();
    fire("map:search", viewport());
  });
  document.addEventListener("change", (event) => { if (config.filters && event.target.closest(config.filters)) load(); });
  addEventListener("resize", () => map.invalidateSize());

  // What a sheet hides is not the middle of the map.
  const makeRoom = () => {
    const free = clearing();
    map.panBy([0, (box.clientHeight - free.top - free.bottom) / 2 - (free.bottom < box.clientHeight ? 20 : 0)], { animate: false });
  };
  makeRoom();

  load();
  // For the page that uses the map: move it, reload it, choose a pin.
  const focus = (code) => markers.get(code)?.marker.getElement()?.focus({ preventScroll: true });
  const whereIAm = () => here && { lat: here.getLatLng().lat, lon: here.getLatLng().lng };
  box.portalMap = { leaflet: map, load, select, show, fit, focus, here: whereIAm, goTo: (lat, lon, zoom) => map.setView([lat, lon], zoom || map.getZoom()) };
})();
