// Sharing a station: the device's own sheet where there is one, else the link is copied. Without us it is a link.
(() => {
  "use strict";
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-share]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || !(navigator.share || navigator.clipboard)) return;
    event.preventDefault();
    if (!navigator.share) {
      await navigator.clipboard.writeText(link.href);
      portal.toast(link.dataset.copied);
      return;
    }
    try {
      await navigator.share({ title: link.dataset.share, url: link.href });
    } catch (trouble) {
      if (trouble.name !== "AbortError") throw trouble; // the person thought better of it
    }
  });
})();
