// Signing this browser up for pushes, and off again. Without it the list of devices still works.
(() => {
  "use strict";
  const box = document.querySelector("[data-push]");
  if (!box || !("serviceWorker" in navigator) || !("PushManager" in window) || !("Notification" in window)) return;
  const [on, off] = [box.querySelector("[data-push-on]"), box.querySelector("[data-push-off]")];

  const say = (which) => {
    for (const words of box.querySelectorAll("[data-push-words]")) words.hidden = words.dataset.pushWords !== which;
  };
  const show = (subscription) => {
    const blocked = Notification.permission === "denied";
    on.hidden = Boolean(subscription) || blocked;
    off.hidden = !subscription;
    say(blocked && !subscription ? "blocked" : "");
  };
  const tell = async (address, facts) => {
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    const answer = await fetch(address, { method: "POST", headers, body: new URLSearchParams(facts) });
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
  };
  const registration = () => navigator.serviceWorker.getRegistration(box.dataset.worker);

  const signUp = async () => {
    if (await Notification.requestPermission() !== "granted") return show(null);
    const known = await navigator.serviceWorker.register(box.dataset.worker);
    const applicationServerKey = Uint8Array.from(atob(box.dataset.push.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
    const worker = known.installing || known.waiting;
    if (worker) await new Promise((active) => { worker.addEventListener("statechange", () => { if (worker.state === "activated") active(); }); });
    const subscription = await known.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey });
    const { endpoint, keys } = subscription.toJSON();
    try {
      await tell(box.dataset.signUp, { endpoint, ...keys });
    } catch (fault) {
      await subscription.unsubscribe(); // what we do not know of must not stay
      throw fault;
    }
    location.reload();
  };

  const signOff = async () => {
    const subscription = await (await registration())?.pushManager.getSubscription();
    if (subscription) {
      await tell(box.dataset.signOff, { endpoint: subscription.endpoint });
      await subscription.unsubscribe();
    }
    location.reload();
  };

  const tried = (work) => async (event) => {
    event.currentTarget.classList.add("is-busy");
    try { await work(); } catch { say("failed"); }
    for (const button of [on, off]) button.classList.remove("is-busy");
  };
  on.addEventListener("click", tried(signUp));
  off.addEventListener("click", tried(signOff));
  registration().then((known) => known?.pushManager.getSubscription()).then((subscription) => show(subscription ?? null));
})();
