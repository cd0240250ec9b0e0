// The socket draws the panel anew when it connects. What the page shows already stays: somebody may be typing in it.
document.addEventListener("htmx:wsBeforeMessage", (event) => {
  const version = /data-version="([^"]+)"/.exec(event.detail.message)?.[1];
  if (version && version === document.getElementById("order-panel")?.dataset.version) event.preventDefault();
});

// While the socket brings news there is nothing to ask for; the page asks again when it has fallen silent.
const SILENT_MS = 12000;
let heardAt = 0;
document.addEventListener("htmx:wsAfterMessage", () => { heardAt = Date.now(); });
document.addEventListener("htmx:wsClose", () => { heardAt = 0; });
document.addEventListener("htmx:beforeRequest", (event) => {
  const isPoll = event.target.id === "order-panel" && !event.detail.requestConfig.triggeringEvent;
  if (isPoll && Date.now() - heardAt < SILENT_MS) event.preventDefault();
});

// News by the socket overtake a poll that is still under way.
document.addEventListener("htmx:wsBeforeMessage", (event) => {
  const panel = document.getElementById("order-panel");
  if (panel && !event.defaultPrevented) htmx.trigger(panel, "htmx:abort");
});
// A new state is a new page for the reader: it begins at its head.
(() => {
  "use strict";
  const stateNow = () => document.getElementById("order-panel")?.dataset.state;
  let state = stateNow();
  const look = () => {
    if (state === stateNow()) return;
    state = stateNow();
    scrollTo({ top: 0 });
  };
  for (const name of ["htmx:afterSettle", "htmx:wsAfterMessage"]) document.addEventListener(name, look);
})();
