// What a page does beside its forms: search while one writes, a referral that waits for the network, being installed.
// Everything works without it.
"use strict";
(() => {
  const WAIT_MS = 250, WAITING = "waiting", WAITING_MAX = 10, SEND_MS = 8000, OLD_MS = 12 * 3600e3;
  const body = document.body, who = body.dataset.who, token = body.dataset.token;
  const shown = (id, on) => { const there = document.getElementById(id); if (there) there.hidden = !on; };

  // Only the browser that is spoken to by TLS, or on the machine itself, keeps pages.
  const worker = navigator.serviceWorker;
  if (worker) {
    worker.register("/sw.js").catch(() => {});
    // Nobody finds in this browser what another one saw.
    if (!who || localStorage.who !== who) worker.ready.then((there) => there.active.postMessage("forget"));
  }
  if (who && localStorage.who !== who) { localStorage.removeItem(WAITING); localStorage.who = who; }
  if (!who) { localStorage.removeItem("who"); }

  const read = () => {
    try { return JSON.parse(localStorage[WAITING] || "[]").filter((one) => one.who === who && Date.now() - one.at < OLD_MS); }
    catch { return []; }
  };
  const write = (all) => {
    if (all.length) localStorage[WAITING] = JSON.stringify(all.slice(-WAITING_MAX)); else localStorage.removeItem(WAITING);
    shown("queued", all.length > 0);
  };

  // A form that may wait is sent from here: what cannot be sent now lies until it can. Its `once` makes the unit take
  // it one time, however often it comes.
  const send = async (action, fields) => {
    const answer = await fetch(action, {
      method: "POST", body: new URLSearchParams({ ...fields, token }), redirect: "manual", cache: "no-store",
    });
    // Refused in words is the unit's last word; whoever is signed out, or asks too often, tries again.
    if (answer.type !== "opaqueredirect" && answer.status !== 422) throw new Error(answer.status);
  };
  let sending = false;
  const sendWaiting = async () => {
    if (sending || !who || !navigator.onLine) return;
    sending = true;
    let went = false;
    try {
      for (let all = read(); all.length; all = read()) {
        await send(all[0].action, { ...all[0].fields, waited: "1" });
        write(read().filter((one) => one.fields.once !== all[0].fields.once));
        went = true;
      }
    } catch { /* Later. */ }
    sending = false;
    if (went) location.assign("/");
  };
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  document.addEventListener("submit", async (event) => {
    const form = event.target, { submitter } = event;
    if (!form.classList.contains("may-wait") || form.dataset.plain) return;
    event.preventDefault();
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    const fields = { ...Object.fromEntries(new FormData(form, submitter)), once: fresh(), meant: new Date().toISOString() };
    const action = new URL(form.action).pathname;
    try {
      const signal = AbortSignal.timeout(SEND_MS);
      const answer = await fetch(action, { method: "POST", body: new URLSearchParams(fields), cache: "no-store", signal });
      if (answer.redirected) { location.assign(answer.url); return; }
      form.dataset.plain = "1"; // A question: the unit asks it on a page of its own.
      form.requestSubmit(submitter);
    } catch {
      delete fields.token;
      write([...read(), { who, at: Date.now(), action, fields }]);
      document.getElementById("queued").scrollIntoView({ block: "nearest" });
    }
    delete form.dataset.busy;
  });
  const line = () => { shown("offline", !navigator.onLine); if (navigator.onLine) sendWaiting(); };
  addEventListener("online", line);
  addEventListener("offline", line);
  write(read());
  line();

  // What is found changes while one writes.
  const search = document.querySelector("form.search[data-live]");
  if (search) {
    const asked = search.querySelector("input[type=search]");
    let timer = 0, latest = 0;
    asked.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(async () => {
        const mine = ++latest, place = `${new URL(search.action).pathname}?${new URLSearchParams(new FormData(search))}`;
        try {
          const answer = await fetch(place, { headers: { "X-Part": "1" } });
          if (!answer.ok || mine !== latest) return;
          const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("found");
          if (!found) return;
          document.getElementById("found").replaceWith(found);
          history.replaceState(null, "", place);
        } catch { /* The form still asks. */ }
      }, WAIT_MS);
    });
  }

  // A message counts as heard when it has been listened to, not when the page was opened.
  document.querySelectorAll("audio[data-heard]").forEach((sound) => {
    sound.addEventListener("ended", () => {
      fetch(sound.dataset.heard, { method: "POST", body: new URLSearchParams({ token }), redirect: "manual" }).catch(() => {});
    }, { once: true });
  });

  const wrong = document.querySelector(".wrong");
  if (wrong) { const field = document.querySelector(".faulty input, .faulty select, .faulty textarea"); if (field) field.focus(); }
})();
