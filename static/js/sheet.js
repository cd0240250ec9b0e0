// A sheet over the map of a phone: <section class="sheet" data-sheet data-height="half"> with a .sheet__grip button.
// The grip is dragged, pressed (so is any data-sheet-to="half"), or moved by the arrow keys through three heights. Escape fires `sheet:escape` on the sheet;
// unless somebody calls preventDefault(), the sheet becomes smaller. A desktop shows it as a panel and needs none of this.
(() => {
  "use strict";
  const HEIGHTS = ["peek", "half", "full"];
  const sheet = document.querySelector("[data-sheet]");
  const grip = sheet?.querySelector(".sheet__grip");
  if (!grip) return;

  const at = () => HEIGHTS.indexOf(sheet.dataset.height);
  const set = (height) => {
    sheet.dataset.height = height;
    grip.setAttribute("aria-expanded", String(height !== "peek"));
    sheet.dispatchEvent(new CustomEvent("sheet:height", { bubbles: true }));
  };
  const go = (step) => set(HEIGHTS[Math.min(Math.max(at() + step, 0), HEIGHTS.length - 1)]);
  grip.setAttribute("aria-expanded", String(sheet.dataset.height !== "peek"));

  // --- By the finger: the sheet follows it, then falls to the nearest height, or the next one of a flick -------------
  const measured = () => {
    const was = sheet.dataset.height;
    const heights = HEIGHTS.map((height) => { sheet.dataset.height = height; return sheet.offsetHeight; });
    sheet.dataset.height = was;
    return heights;
  };
  let drag = null;
  let wasDragged = false;
  grip.addEventListener("pointerdown", (event) => {
    wasDragged = false;
    sheet.classList.add("is-dragged");
    const heights = measured();
    drag = { from: event.clientY, start: heights[at()], heights, last: event.clientY, when: event.timeStamp, speed: 0 };
    grip.setPointerCapture(event.pointerId);
  });
  grip.addEventListener("pointermove", (event) => {
    if (!drag) return;
    const way = drag.from - event.clientY;
    if (Math.abs(way) < 6 && !wasDragged) return;
    wasDragged = true;
    drag.speed = (drag.last - event.clientY) / Math.max(event.timeStamp - drag.when, 1);
    [drag.last, drag.when] = [event.clientY, event.timeStamp];
    sheet.style.height = `${Math.min(Math.max(drag.start + way, drag.heights[0]), drag.heights[2])}px`;
  });
  const drop = () => {
    if (!drag) return;
    const { heights, speed, start } = drag;
    const height = wasDragged ? sheet.offsetHeight : start;
    drag = null;
    sheet.classList.remove("is-dragged");
    sheet.style.height = "";
    if (!wasDragged) return;
    if (Math.abs(speed) > 0.4) return go(Math.sign(speed));
    const nearest = heights.map((other) => Math.abs(other - height));
    set(HEIGHTS[nearest.indexOf(Math.min(...nearest))]);
  };
  grip.addEventListener("pointerup", drop);
  grip.addEventListener("pointercancel", drop);

  // --- By button and by key ---------------------------------------------------------------------------------------------
  grip.addEventListener("click", () => {
    if (!wasDragged) go(at() === HEIGHTS.length - 1 ? -2 : 1);
    wasDragged = false;
  });
  grip.addEventListener("keydown", (event) => {
    const step = { ArrowUp: 1, ArrowDown: -1, Home: -2, End: 2 }[event.key];
    if (!step) return;
    event.preventDefault();
    go(step);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || document.querySelector("dialog[open], details[data-menu][open]")) return;
    const escape = new CustomEvent("sheet:escape", { bubbles: true, cancelable: true });
    if (sheet.dispatchEvent(escape) && sheet.contains(document.activeElement)) go(-1);
  });
  document.addEventListener("click", (event) => {
    const to = event.target.closest("[data-sheet-to]");
    if (to) set(to.dataset.sheetTo);
  });
  // Nobody reads what is below the edge of the screen.
  sheet.addEventListener("focusin", (event) => {
    if (event.target !== grip && event.target.matches(":focus-visible") && sheet.dataset.height === "peek") set("half");
  });

  sheet.portalSheet = { set };
})();
