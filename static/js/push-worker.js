// What a browser does with a push of ours while none of our pages is open (apps/notices/pushes.py says what is in it).
addEventListener("push", (event) => {
  const said = event.data?.json() ?? {};
  event.waitUntil(registration.showNotification(said.title || "EV Portal", {
    body: said.body, tag: said.tag, lang: said.lang, data: { path: said.path || "/orders/" },
  }));
});

addEventListener("notificationclick", (event) => {
  event.notification.close();
  const address = new URL(event.notification.data.path, location.origin).href;
  event.waitUntil(clients.matchAll({ type: "window", includeUncontrolled: true }).then((pages) => {
    const open = pages.find((page) => page.url === address);
    return open ? open.focus() : clients.openWindow(address);
  }));
});
