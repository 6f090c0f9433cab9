// Keeps the page as the sandbox is: a panel is fetched again when something in it has changed. Everything
// that is shown is rendered by the server.
const base = document.body.dataset.base;
const at = (id) => document.getElementById(id);
const panels = ["inbox", "requests", "tokens", "faults", "users"];

// --- what is shown -----------------------------------------------------------------------------------------------

let query = new URLSearchParams(location.search);

function show(changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  history.replaceState(null, "", text ? `?${text}` : location.pathname);
}

/** How the focused element is found again in what has replaced it. */
function place(panel) {
  const focused = document.activeElement;
  if (!panel.contains(focused) || focused === panel) return () => {};
  const key = ["request", "post", "delete", "copy"].map((name) => focused.dataset[name]).join("|");
  const { id, name, href } = focused;
  const { selectionStart: start, selectionEnd: end } = focused;
  const alike = [...panel.querySelectorAll(focused.tagName)].filter((it) => it.dataset.body === focused.dataset.body).indexOf(focused);
  return () => {
    const candidates = [...panel.querySelectorAll(focused.tagName)].filter((it) => it.dataset.body === focused.dataset.body);
    const same = (it) => (id ? it.id === id : it.name === name && it.href === href
      && ["request", "post", "delete", "copy"].map((key) => it.dataset[key]).join("|") === key);
    const found = candidates.find(same) ?? candidates[Math.min(alike, candidates.length - 1)] ?? panel.querySelector("h2");
    found?.focus({ preventScroll: true });
    if (start != null && found?.setSelectionRange && found.type !== "email") found.setSelectionRange(start, end);
  };
}

async function load(name) {
  const answer = await fetch(`${base}/_sandbox/page/panel/${name}?${query}`);
  if (!answer.ok) return;
  const panel = at(name);
  const html = await answer.text();
  // What a person is filling in stays.
  const typed = [...panel.querySelectorAll("form[data-submit] :is(input, select)")].map((it) => [it.form.dataset.submit, it.name, it.value]);
  const scrolled = panel.querySelector(".scroll, ul")?.scrollTop;
  const opened = [...panel.querySelectorAll("details")].map((it) => it.open);
  const search = panel.querySelector("input[type=search]")?.value;
  const refocus = place(panel);
  panel.innerHTML = html;
  for (const [form, field, value] of typed) {
    const input = panel.querySelector(`form[data-submit=${form}] [name=${field}]`);
    if (input && form !== "jump") input.value = value;
  }
  if (search !== undefined) panel.querySelector("input[type=search]").value = search;
  panel.querySelectorAll("details").forEach((it, index) => { if (index < opened.length) it.open = opened[index]; });
  const scroll = panel.querySelector(".scroll, ul");
  if (scroll && scrolled) scroll.scrollTop = scrolled;
  refocus();
}

const dirty = new Set();
let timer = null;

/** Loads panels soon: what comes together is fetched once. */
function stale(...names) {
  names.forEach((name) => dirty.add(name));
  timer ??= setTimeout(async () => {
    const now = [...dirty];
    dirty.clear();
    await Promise.allSettled(now.map(load));
    timer = null;
    if (dirty.size) stale();
  }, 60);
}

// --- what is told ------------------------------------------------------------------------------------------------

let fading = null;

function toast(text) {
  const toast = at("toast");
  toast.textContent = text;
  toast.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => toast.classList.remove("shown"), 2500);
}

const told = new Set();

function tell(text, key) {
  if (told.has(key)) return;
  told.add(key);
  at("live").textContent = text;
}

const events = new EventSource(`${base}/_sandbox/events`);
const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
on("mail", (mail) => { tell(`New mail to ${mail.to}`, `mail ${mail.id}`); stale("inbox"); });
on("request", (request) => {
  at("intro").hidden = true;
  if (request.refused) tell(`Refused: ${request.operation}. ${request.why ?? request.status ?? ""}`, `request ${request.id}`);
  // An older page stays as it is.
  if (!query.get("before")) stale("requests");
  if (String(request.id) === query.get("request")) stale("detail");
});
on("more", () => stale("requests"));
on("tokens", () => stale("tokens", "users"));
on("faults", () => stale("faults"));
on("clock", () => stale("clock", "tokens"));
on("reset", () => stale(...panels, "detail", "clock"));
// What came before the stream, or while the program was started anew.
on("hello", () => { document.body.dataset.live = ""; stale(...panels, "clock"); });

// The clock and the bars move between two events.
let last = performance.now();
setInterval(() => {
  const now = performance.now();
  const passed = (now - last) / 1000;
  last = now;
  const clock = at("now");
  if (!clock || clock.dataset.frozen === "true") return;
  const time = new Date(Date.parse(clock.dateTime) + passed * 1000);
  clock.dateTime = time.toISOString();
  clock.textContent = `${time.toISOString().slice(0, 19).replace("T", " ")} UTC`;
  for (const bar of document.querySelectorAll("progress[data-left]")) {
    const left = Number(bar.dataset.left) - passed;
    bar.dataset.left = left;
    bar.value = Math.max(left, 0);
    if (left <= 0) stale("tokens");
  }
}, 1000);

// --- what is done ------------------------------------------------------------------------------------------------

/** A call of the API that changes something. No page of another origin can send this header. */
async function call(method, path, body) {
  const headers = { "x-auth-sandbox": "1", "content-type": "application/json" };
  const answer = await fetch(base + path, { method, headers, body });
  if (answer.ok) return true;
  const text = await answer.json().then((it) => it.error, () => answer.statusText);
  toast(text);
  return false;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied");
  } catch {
    toast("The browser does not let this page copy: mark the text, and copy it by hand");
  }
}

/** A whole log-in by a magic link, as a program and a person do it. */
async function sample() {
  const email = "sue@eqworks.example";
  await fetch(`${base}/eqworks/dev/login?user=${encodeURIComponent(email)}`);
  const answer = await fetch(`${base}/_sandbox/mails?to=${encodeURIComponent(email)}&wait=5s`);
  const { mails } = await answer.json();
  if (!mails?.length) return toast("No mail has arrived: see the requests for the reason");
  const link = new URL(mails[0].link);
  await fetch(`${base}${link.pathname.slice(link.pathname.indexOf("/eqworks"))}${link.search}`);
  toast("Logged in: the mail, two requests and a token");
  at("inbox-title").focus();
}

function choose(id) {
  show({ request: id, reveal: "" });
  stale("requests", "detail");
}

document.addEventListener("click", (event) => {
  const target = event.target.closest("a, button");
  if (!target || event.ctrlKey || event.metaKey) return;
  const { request, post, copy: text, body } = target.dataset;
  if (request) {
    event.preventDefault();
    choose(request);
    if (matchMedia("(max-width: 800px)").matches) at("detail").scrollIntoView();
  } else if (target.id === "reveal") {
    event.preventDefault();
    show({ reveal: query.get("reveal") ? "" : "1" });
    stale("detail");
  } else if (target.closest(".pages")) {
    event.preventDefault();
    query = new URL(target.href).searchParams;
    show({});
    stale("requests");
  } else if (text !== undefined) copy(text);
  else if (post) call("POST", post, body);
  else if (target.dataset.delete) call("DELETE", target.dataset.delete);
  else if (target.id === "sample") sample();
  else if (target.id === "keys") at("help").showModal();
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method === "dialog") return;
  event.preventDefault();
  const fields = Object.fromEntries(new FormData(form));
  if (form.dataset.submit === "fault") {
    const fault = { times: Number(fields.times), steps: [JSON.parse(fields.what)] };
    if (fields.operation) fault.operation = fields.operation;
    await call("POST", "/_sandbox/faults", JSON.stringify(fault));
  } else if (form.dataset.submit === "user") {
    const body = JSON.stringify({ email: fields.email });
    if (await call("POST", `/_sandbox/users/${fields.list}`, body)) {
      form.querySelector("[name=email]").value = "";
      stale("users");
    }
  } else if (form.dataset.submit === "jump") {
    if (await call("POST", "/_sandbox/clock/jump", JSON.stringify({ to: `${fields.to}Z` }))) form.closest("details").open = false;
  }
});

function filter() {
  const form = document.querySelector(".filter");
  const { text, vendor, refused } = Object.fromEntries(new FormData(form));
  show({ text, vendor, refused, before: "" });
  stale("requests");
}
document.addEventListener("input", (event) => { if (event.target.closest(".filter")) filter(); });

// --- keys --------------------------------------------------------------------------------------------------------

function step(by) {
  const panel = document.activeElement.closest?.(".panel") ?? at("requests");
  const items = [...panel.querySelectorAll("[data-item]")];
  const now = items.indexOf(document.activeElement);
  items[now < 0 ? 0 : Math.min(Math.max(now + by, 0), items.length - 1)]?.focus();
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  "/": () => at("filter").focus(),
  r: () => { at("refused").checked = !at("refused").checked; filter(); },
  c: () => (at("copy") ? copy(at("copy").dataset.copy) : toast("Choose a request first")),
  t: () => call("POST", "/_sandbox/clock/advance", '{"by":"1h"}').then((done) => done && toast("One hour later")),
  f: () => { at("what").focus(); at("faults").scrollIntoView({ block: "nearest" }); },
  "?": () => at("help").showModal(),
};
panels.forEach((name, index) => { keys[index + 1] = () => { at(name).scrollIntoView({ block: "nearest" }); at(`${name}-title`).focus(); }; });

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.matches("input:not([type=checkbox]), select, textarea");
  if (event.key === "Escape" && isTyping) event.target.blur();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || at("help").open) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
