// A page that follows something: ages that tick, times that run, the curve, and whether we still hear anything.
(() => {
  "use strict";
  const { texts, say, announce } = window.portal;
  const LATE_SECONDS = 30;
  const pad = (number) => String(number).padStart(2, "0");
  const seconds = (element) => Math.round((Date.now() - Date.parse(element.dateTime)) / 1000) - skew;

  // The server's clock decides: a page says with data-now what it was when it was drawn.
  const drawn = document.querySelector("[data-now]")?.dataset.now;
  const skew = drawn ? Math.round((Date.now() - Date.parse(drawn)) / 1000) : 0;

  const span = (age) => (age < 60 ? say("seconds", age) : age < 3600 ? say("minutes", Math.floor(age / 60)) : say("hours", Math.floor(age / 3600), pad(Math.floor(age / 60) % 60)));

  const tick = () => {
    for (const element of document.querySelectorAll("[data-reading]")) {
      const age = Math.max(0, seconds(element));
      const late = age > LATE_SECONDS;
      element.classList.toggle("is-late", late);
      element.textContent = late ? say("no_news", span(age)) : say("seconds_old", age);
    }
    for (const element of document.querySelectorAll("[data-elapsed]")) {
      const age = Math.max(0, seconds(element));
      element.textContent = `${Math.floor(age / 3600)}:${pad(Math.floor(age / 60) % 60)}:${pad(age % 60)}`;
    }
    for (const element of document.querySelectorAll("[data-countdown]")) countDown(element);
  };

  const countDown = (element) => {
    const left = Math.max(0, -seconds(element));
    const [hours, minutes] = [Math.floor(left / 3600), Math.floor(left / 60) % 60];
    element.textContent = hours ? `${hours}:${pad(minutes)}:${pad(left % 60)}` : `${minutes}:${pad(left % 60)}`;
    element.classList.toggle("is-soon", left > 0 && left <= 60);
    if (left === 0 && !element.classList.contains("is-over")) {
      element.classList.add("is-over");
      element.dispatchEvent(new CustomEvent("over", { bubbles: true }));
    }
  };

  // --- The curve ---------------------------------------------------------------------------------------------
  // <div class="chart" data-chart="id-of-json" data-metric="power_kw"></div>
  // <script type="application/json" id="id-of-json">{"at": [unix seconds], "power_kw": [..], "energy_kwh": [..],
  //   "gaps": [[from, to], ..], "zone": "Asia/Kolkata"}</script>; a swap that brings new JSON draws it anew.
  const charts = new Map();

  const colour = (name) => {
    const probe = document.createElement("i");
    probe.style.color = `var(--${name})`;
    document.body.append(probe);
    const resolved = getComputedStyle(probe).color;
    probe.remove();
    return resolved;
  };
  const faint = (rgb, alpha) => rgb.replace(/^rgb\(([^)]+)\)$/, `rgba($1, ${alpha})`);

  const UNITS = { power_kw: "kW", energy_kwh: "kWh" };
  const json = (id) => {
    try { return JSON.parse(document.getElementById(id).textContent); } catch { return null; }
  };
  // Beside the curve stands what came after it was drawn (<id>-more, the same columns): taken over point by point.
  const read = (box) => {
    const id = box.dataset.chart;
    const data = json(id);
    const more = data && json(`${id}-more`);
    const news = (more?.at || []).findIndex((at) => !data.at.length || at > data.at.at(-1));
    if (news < 0) return data;
    for (const name of ["at", "power_kw", "energy_kwh"]) data[name].push(...more[name].slice(news));
    document.getElementById(id).textContent = JSON.stringify(data);
    return data;
  };

  // No power in a reading that came after the page was drawn: shaded as the server shades the earlier ones.
  const newStandstills = (data) => {
    const known = Math.max(0, ...(data.gaps || []).map(([, to]) => to));
    return data.at.slice(0, -1).map((at, place) => [at, data.at[place + 1]]).filter(([from], place) => data.power_kw[place] === 0 && from >= known && data.power_kw.slice(0, place).some((kw) => kw > 0));
  };

  const options = (box, data, metric) => {
    const ink = { line: colour("brand"), grid: colour("line"), text: colour("muted"), gap: colour("warn") };
    const zone = data.zone || Intl.DateTimeFormat().resolvedOptions().timeZone;
    const fine = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: zone };
    const toTheSecond = new Intl.DateTimeFormat(document.documentElement.lang, fine);
    const toTheMinute = new Intl.DateTimeFormat(document.documentElement.lang, { ...fine, second: undefined });
    // Marks closer than a minute would all say the same.
    const clockOf = (ticks) => (ticks.length > 1 && ticks[1] - ticks[0] < 60 ? toTheSecond : toTheMinute);
    const axis = { stroke: ink.text, grid: { stroke: ink.grid, width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
    const shadeGaps = (plot) => {
      plot.ctx.save();
      plot.ctx.fillStyle = faint(ink.gap, 0.2);
      for (const [from, to] of [...(data.gaps || []), ...newStandstills(data)]) {
        const left = plot.valToPos(from, "x", true);
        plot.ctx.fillRect(left, plot.bbox.top, Math.max(2, plot.valToPos(to, "x", true) - left), plot.bbox.height);
      }
      plot.ctx.restore();
    };
    const tip = document.createElement("div");
    tip.className = "chart__tip";
    tip.hidden = true;
    const showTip = (plot) => {
      const at = plot.cursor.idx;
      const value = at == null ? null : plot.data[1][at];
      tip.hidden = value == null || plot.cursor.left < 0;
      if (tip.hidden) return;
      tip.textContent = `${toTheMinute.format(plot.data[0][at] * 1000)} · ${value.toLocaleString(document.documentElement.lang, { maximumFractionDigits: 1 })} ${UNITS[metric]}`;
      tip.style.left = `${plot.over.offsetLeft + Math.min(Math.max(plot.valToPos(plot.data[0][at], "x"), 40), plot.over.clientWidth - 40)}px`;
      tip.style.top = `${plot.over.offsetTop + plot.valToPos(value, "y")}px`;
    };
    return {
      width: box.clientWidth, height: Math.max(176, box.clientHeight), padding: [12, 8, 0, 0],
      cursor: { y: false, points: { size: 9 }, drag: { x: false, y: false } }, legend: { show: false },
      scales: { x: { time: true }, y: { range: (_plot, _low, high) => [0, Math.max(high * 1.15, 1)] } },
      axes: [
        { ...axis, grid: { show: false }, size: 28, space: 72, values: (_plot, ticks) => ticks.map((at) => clockOf(ticks).format(at * 1000)) },
        { ...axis, size: 38, splits: undefined, space: 44 },
      ],
      series: [{}, { stroke: ink.line, width: 2.5, fill: faint(ink.line, 0.12), points: { show: false }, spanGaps: false }],
      hooks: { drawClear: [shadeGaps], setCursor: [showTip], ready: [(plot) => plot.root.append(tip)] },
    };
  };

  const draw = (box) => {
    const data = read(box);
    if (!data || !window.uPlot || !box.clientWidth) return;
    const metric = box.dataset.metric || "power_kw";
    const columns = [data.at, data[metric]];
    const known = charts.get(box);
    if (known && known.gaps === JSON.stringify(data.gaps) && known.metric === metric && box.contains(known.plot.root)) {
      known.plot.setData(columns);
      return;
    }
    known?.plot.destroy();
    box.querySelector(".chart__still")?.remove(); // the server's picture, for whom no script draws
    charts.set(box, { plot: new uPlot(options(box, data, metric), columns, box), gaps: JSON.stringify(data.gaps), metric });
  };

  // Power or energy, as the reader chose, also in the panel that came later.
  const chosen = new Map();
  const keepChoice = () => {
    for (const [chart, metric] of chosen) {
      const box = document.querySelector(`[data-chart="${chart}"]`);
      if (box) box.dataset.metric = metric;
      for (const input of document.querySelectorAll(`[data-chart-metric="${chart}"]`)) input.checked = input.value === metric;
    }
  };

  const drawAll = (anew) => {
    keepChoice();
    for (const [box, { plot }] of charts) {
      if (anew || !document.contains(box)) { plot.destroy(); charts.delete(box); }
    }
    for (const box of document.querySelectorAll("[data-chart]")) draw(box);
  };

  document.addEventListener("change", (event) => {
    const chart = event.target.closest("[data-chart-metric]")?.dataset.chartMetric;
    if (!chart) return;
    chosen.set(chart, event.target.value);
    keepChoice();
    drawAll(false);
  });

  // --- Do we still hear anything? -----------------------------------------------------------------------------
  let banner = null;
  const showConnection = (words) => {
    banner ??= document.body.appendChild(Object.assign(document.createElement("div"), { className: "connection" }));
    banner.replaceChildren(Object.assign(document.createElement("span"), { textContent: words }));
    announce(words);
  };
  document.addEventListener("htmx:wsClose", (event) => {
    showConnection(event.detail.event?.code === 4403 ? texts.signed_out : texts.reconnecting);
  });
  document.addEventListener("htmx:wsOpen", () => {
    if (!banner) return;
    banner.remove();
    banner = null;
    announce(texts.connected);
  });
  // What goes on is read aloud when it changes: the state in <h1 data-announce>, and why it stands still.
  let spoken = null;
  const speak = () => {
    const parts = [...document.querySelectorAll("[data-announce]")].map((one) => one.textContent.trim());
    // A headline that a banner repeats is said once.
    const words = parts.filter((part) => !parts.some((other) => other !== part && other.startsWith(part))).join(". ");
    if (words && spoken !== null && words !== spoken) announce(words);
    spoken = words;
  };

  const title = () => {
    const words = document.querySelector("[data-page-title]")?.dataset.pageTitle;
    if (words) document.title = words;
  };
  const refresh = () => { tick(); drawAll(false); speak(); title(); };
  for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap", "htmx:wsAfterMessage"]) document.addEventListener(name, refresh);
  // A phone that slept, a line that came back, a page out of the history: ask at once, not at the next round.
  const wake = () => { for (const element of document.querySelectorAll("[hx-trigger*='wake']")) window.htmx?.trigger(element, "wake"); };
  document.addEventListener("visibilitychange", () => { if (!document.hidden) wake(); });
  addEventListener("online", wake);
  addEventListener("pageshow", (event) => { if (event.persisted) wake(); });
  document.addEventListener("themechange", () => drawAll(true));
  addEventListener("resize", () => drawAll(true));
  setInterval(tick, 1000);
  refresh();
})();
