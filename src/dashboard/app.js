"use strict";
// The page draws the newest frame, once per screen refresh, and changes only what differs.
const token = document.body.dataset.token;
const at = (path) => `${path}?token=${token}`;
const el = (id) => document.getElementById(id);
const STATES = ["healthy", "degraded", "failed", "recovering"];
const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8a8a00", "#7b4fa3"];
const DARK = ["#69b3ea", "#ff9a57", "#4fd1a5", "#e3a1c9", "#f0b840", "#a5dcfa", "#c9c95a", "#b79cf0"];
const dark = matchMedia("(prefers-color-scheme: dark)");
dark.addEventListener("change", () => { drawn = null; });
const hue = (provider) => (dark.matches ? DARK : LIGHT)[provider % LIGHT.length];
let setup = null, frame = null, drawn = null, sides = [], closed = new Set(), seeking = false;

function node(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") made.className = value; else made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}
function put(cell, text) { if (cell.textContent !== text) cell.textContent = text; }
const percent = (part) => `${(part * 100).toFixed(1)} %`;

async function order(what) {
  const answer = await fetch(at("/order"), {
    method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(what),
  });
  if (!answer.ok) say(`${answer.status}: ${await answer.text()}`);
}
function say(text) { el("message").hidden = !text; put(el("message"), text || ""); }

function begin() {
  document.title = `${setup.scenario} · windtunnel`;
  put(el("scenario"), setup.scenario);
  el("seek").max = setup.horizon_s;
  for (const [name, doc] of setup.faults) el("kind").append(node("option", { value: name, title: doc }, name));
  for (const [id, value, doc] of setup.params) el("param").append(node("option", { value: id, title: doc, "data-value": value }, id));
  const chosen = () => {
    const option = el("param").selectedOptions[0];
    el("value").value = option ? option.dataset.value : "";
    put(el("doc"), option ? option.title : "");
  };
  if ([...el("param").options].some((o) => o.value === "state.failed")) el("param").value = "state.failed";
  el("param").addEventListener("change", chosen); chosen();
  const places = ["*", ...setup.providers, ...setup.routes.map((route) => route[0])];
  for (const place of places) el("places").append(node("option", { value: place }));
  for (const box of [el("tables"), el("charts")]) box.classList.toggle("single", setup.policies.length === 1);
  sides = setup.policies.map((policy, index) => makeSide(policy, index));
  if (setup.routes.length > 60) setup.providers.forEach((_, p) => closed.add(p));
  const source = new EventSource(at("/events"));
  source.onmessage = (event) => { const next = JSON.parse(event.data); if (next.sides) { frame = next; } };
  source.onerror = () => put(el("status"), "no connection: is the program still running?");
  requestAnimationFrame(loop);
}

function makeSide(policy, index) {
  const canvas = node("canvas", { role: "img", "aria-label": `Share of first attempts by provider under ${policy}` });
  const facts = node("div", { class: "facts" });
  el("charts").append(node("figure", {}, node("figcaption", {}, policy), canvas, facts));
  const body = node("tbody");
  const heads = ["route", "weight", "state", "why", "expected ┃ actual", "attempts", "failing"];
  const widths = node("colgroup", {}, ...heads.map((text) => node("col", { class: `c-${text.split(" ")[0]}` })));
  const head = node("tr", {}, ...heads.map((text, i) => node("th", { scope: "col", class: i === 1 || i > 4 ? "number" : "" }, text)));
  el("tables").append(node("div", { class: "scroll" }, node("table", { "aria-label": `Routes under ${policy}` },
    node("caption", { class: "facts" }, policy), widths, node("thead", {}, head), body)));
  const rows = setup.routes.map(([name], route) => {
    const cells = heads.map((_, i) => node("td", { class: i === 1 || i > 4 ? "number" : "" }));
    cells[0].textContent = name;
    const actual = node("i"), expected = node("b");
    cells[4].append(node("div", { class: "meter" }, actual, expected));
    const row = node("tr", { class: "route", tabindex: "0", title: "Click to choose this route for a fault", "data-route": route }, ...cells);
    const choose = () => { el("on").value = name; el("inject").scrollIntoView({ block: "nearest" }); el("kind").focus(); };
    row.addEventListener("click", choose);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") choose(); });
    return { row, cells, actual, expected, seen: false };
  });
  // Rows that nobody sees are not written to: a thousand routes cost what a screen of them costs.
  const watch = new IntersectionObserver((entries) => {
    for (const entry of entries) rows[entry.target.dataset.route].seen = entry.isIntersecting;
    drawn = null;
  }, { rootMargin: "200px" });
  for (const { row } of rows) watch.observe(row);
  const groups = setup.providers.map((name, provider) => {
    const cells = heads.map((_, i) => node("td", { class: i === 1 || i > 4 ? "number" : "" }));
    const row = node("tr", { class: "head", tabindex: "0" }, ...cells);
    const toggle = () => { closed.has(provider) ? closed.delete(provider) : closed.add(provider); drawn = null; };
    row.addEventListener("click", toggle);
    row.addEventListener("keydown", (event) => { if (event.key === "Enter") toggle(); });
    return { row, cells, name };
  });
  return { index, canvas, facts, body, rows, groups, layout: "" };
}

function loop() {
  if (frame && frame !== drawn) { draw(frame); drawn = frame; }
  requestAnimationFrame(loop);
}

function draw(now) {
  put(el("clock"), `${now.at_s.toFixed(1)} s`);
  if (!seeking) el("seek").value = now.at_s;
  put(el("play"), now.plays && !now.over ? "Pause" : "Play");
  const running = now.catching_up_to_s !== null ? `running again up to ${now.catching_up_to_s.toFixed(1)} s` : now.over ? `over · digest ${now.sides.map((s) => s.digest).join(" / ")}` : now.plays ? "" : "paused";
  put(el("status"), running);
  say(now.message);
  const done = now.done.join("\n");
  if (el("done").dataset.text !== done) {
    el("done").dataset.text = done;
    el("done").replaceChildren(...now.done.map((text) => node("li", {}, text)));
  }
  const faulted = new Set();
  for (const [, from, to, routes] of now.faults) if (from <= now.at_s && now.at_s < to) routes.forEach((route) => faulted.add(route));
  now.sides.forEach((side, index) => drawSide(sides[index], side, now, faulted));
  drawHolds(now); drawChanges(now);
}

function drawSide(view, side, now, faulted) {
  const reasons = new Map(side.reasons);
  const share = setup.providers.map(() => 0), attempts = setup.providers.map(() => 0), failed = setup.providers.map(() => 0), weight = setup.providers.map(() => 0), out = setup.providers.map(() => 0), total = setup.providers.map(() => 0), expected = setup.providers.map(() => 0);
  const all = side.attempts.reduce((sum, n) => sum + n, 0);
  setup.routes.forEach(([, provider], route) => {
    attempts[provider] += side.attempts[route]; failed[provider] += side.failed[route];
    weight[provider] += side.weights[route]; total[provider] += 1;
    expected[provider] += side.expected[route] / setup.models.length;
    if (side.states[route] === 2) out[provider] += 1;
  });
  attempts.forEach((n, provider) => { share[provider] = all ? n / all : 0; });
  const [offered, good, late, bad] = side.totals;
  put(view.facts, `${offered.toLocaleString("en")} requests · good ${percent(good / Math.max(offered, 1))} · late ${late.toLocaleString("en")} · failed ${bad.toLocaleString("en")} · ${side.attempts_per_s.toLocaleString("en")} attempts/s, ${percent(side.failing)} failing`);
  chart(view, now, side);
  const filter = el("filter").value.trim().toLowerCase(), sort = el("sort").value, grouped = el("group").checked;
  const most = Math.max(0.02, ...side.expected, ...side.actual);
  const shown = [];
  setup.routes.forEach(([name, provider], route) => {
    const state = STATES[side.states[route]];
    if (filter && !name.toLowerCase().includes(filter) && !state.includes(filter)) return;
    if (grouped && closed.has(provider) && !filter) return;
    shown.push(route);
    const { row, cells, actual, expected: mark, seen } = view.rows[route];
    if (!seen) return;
    put(cells[1], side.weights[route].toFixed(side.weights[route] < 10 ? 2 : 0));
    if (cells[2].className !== `state ${state}`) cells[2].className = `state ${state}`;
    put(cells[2], state);
    put(cells[3], reasons.get(route) || "");
    actual.style.transform = `scaleX(${Math.min(1, side.actual[route] / most)})`;
    mark.style.left = `${Math.min(100, (side.expected[route] / most) * 100)}%`;
    put(cells[5], String(side.attempts[route]));
    put(cells[6], side.attempts[route] ? percent(side.failed[route] / side.attempts[route]) : "–");
    row.classList.toggle("faulted", faulted.has(route));
  });
  const key = {
    route: () => 0, weight: (r) => -side.weights[r], state: (r) => -[0, 2, 3, 1][side.states[r]],
    failing: (r) => -(side.attempts[r] ? side.failed[r] / side.attempts[r] : 0),
    gap: (r) => -Math.abs(side.actual[r] - side.expected[r]),
  }[sort];
  shown.sort((a, b) => key(a) - key(b) || a - b);
  const order = [];
  if (grouped) {
    setup.providers.forEach((name, provider) => {
      const group = view.groups[provider];
      put(group.cells[0], `${closed.has(provider) && !filter ? "▸" : "▾"} ${name}`);
      put(group.cells[1], (weight[provider] / Math.max(1, total[provider])).toFixed(0));
      put(group.cells[2], out[provider] ? `${out[provider]} of ${total[provider]} failed` : `${total[provider]} routes`);
      put(group.cells[4], `${percent(expected[provider])} ┃ ${percent(share[provider])}`);
      put(group.cells[5], String(attempts[provider]));
      put(group.cells[6], attempts[provider] ? percent(failed[provider] / attempts[provider]) : "–");
      order.push(group.row);
      for (const route of shown) if (setup.routes[route][1] === provider) order.push(view.rows[route].row);
    });
  } else {
    for (const route of shown) order.push(view.rows[route].row);
  }
  const layout = `${grouped}|${[...closed].join()}|${shown.join()}`;
  if (layout !== view.layout) { view.layout = layout; view.body.replaceChildren(...order); }
}

function chart(view, now, side) {
  const ratio = window.devicePixelRatio || 1, width = view.canvas.clientWidth, height = view.canvas.clientHeight;
  if (view.canvas.width !== Math.round(width * ratio)) { view.canvas.width = Math.round(width * ratio); view.canvas.height = Math.round(height * ratio); }
  const pen = view.canvas.getContext("2d"), style = getComputedStyle(document.body);
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const left = 38, right = 90, top = 6, bottom = 18;
  const x = (s) => left + (s / setup.horizon_s) * (width - left - right), y = (part) => top + (1 - part) * (height - top - bottom);
  pen.fillStyle = "rgba(179,38,30,.13)";
  for (const [, from, to] of now.faults) pen.fillRect(x(from), top, Math.max(1, x(Math.min(to, setup.horizon_s)) - x(from)), height - top - bottom);
  pen.strokeStyle = style.getPropertyValue("--line"); pen.fillStyle = style.getPropertyValue("--soft"); pen.font = "11px system-ui"; pen.textAlign = "right";
  for (const part of [0, 0.5, 1]) { pen.beginPath(); pen.moveTo(left, y(part)); pen.lineTo(width - right, y(part)); pen.stroke(); pen.fillText(`${part * 100} %`, left - 4, y(part) + 4); }
  pen.textAlign = "center";
  for (let part = 0; part <= 4; part += 1) pen.fillText(`${Math.round((setup.horizon_s * part) / 4)} s`, x((setup.horizon_s * part) / 4), height - 4);
  pen.textAlign = "left"; pen.lineWidth = 1.5;
  const labels = [];
  side.history.forEach((points, provider) => {
    pen.strokeStyle = hue(provider); pen.beginPath();
    let last = -1;
    points.forEach((part, i) => {
      if (part < 0) return;
      const f = last < 0 ? "moveTo" : "lineTo";
      last = part;
      pen[f](x((i + 0.5) * side.step_s), y(part / 1000));
    });
    pen.stroke();
    if (last >= 0) labels.push([y(last / 1000), setup.providers[provider], hue(provider)]);
  });
  // The tape keeps no counts of more routes than this.
  if (setup.routes.length > 1000) { pen.fillStyle = style.getPropertyValue("--soft"); pen.fillText("shares over time are kept up to 1,000 routes", left + 8, top + 16); }
  labels.sort((a, b) => a[0] - b[0]);
  let free = 0;
  for (const [place, name, hue] of labels) { free = Math.max(place + 4, free + 12); pen.fillStyle = hue; pen.fillText(name, width - right + 6, free); }
}

function drawHolds(now) {
  const rows = now.sides.flatMap((side, index) => side.holds.map((hold) => [index, ...hold]));
  const text = JSON.stringify(rows);
  const box = el("holds");
  if (box.dataset.text === text) return;
  box.dataset.text = text;
  if (!rows.length) return box.replaceChildren(node("p", { class: "facts" }, "none"));
  box.replaceChildren(node("table", {}, ...rows.slice(0, 100).map(([side, route, why, since, due]) => {
    const name = setup.routes[route][0];
    const release = node("button", { type: "button" }, "Release");
    release.addEventListener("click", () => order({ order: "release", on: name }));
    return node("tr", {}, node("td", {}, name), node("td", {}, why), node("td", {}, `since ${since.toFixed(1)} s, check at ${due.toFixed(1)} s`), node("td", {}, setup.policies.length > 1 ? setup.policies[side] : ""), node("td", {}, release));
  })));
}

function drawChanges(now) {
  const rows = now.sides.flatMap((side, index) => side.changes.map((change) => [index, ...change]));
  rows.sort((a, b) => b[1] - a[1]);
  const text = JSON.stringify(rows), box = el("changes");
  if (box.dataset.text === text) return;
  box.dataset.text = text;
  if (!rows.length) return box.replaceChildren(node("p", { class: "facts" }, "none yet"));
  box.replaceChildren(node("table", {}, ...rows.slice(0, 60).map(([side, when, route, from, to, why]) =>
    node("tr", {}, node("td", { class: "number" }, `${when.toFixed(1)} s`), node("td", {}, setup.routes[route][0]),
      node("td", { class: from }, from), node("td", { class: `state ${to}` }, to), node("td", {}, why),
      node("td", {}, setup.policies.length > 1 ? setup.policies[side] : "")))));
}

el("play").addEventListener("click", () => order({ order: "play", plays: !(frame && frame.plays) }));
el("step").addEventListener("click", () => order({ order: "step" }));
el("speed").addEventListener("change", (event) => order({ order: "speed", speed: event.target.value === "max" ? null : Number(event.target.value) }));
el("seek").addEventListener("input", (event) => { seeking = true; put(el("clock"), `${Number(event.target.value).toFixed(1)} s`); });
el("seek").addEventListener("change", (event) => { seeking = false; order({ order: "seek", to_s: Number(event.target.value) }); });
el("undo").addEventListener("click", () => order({ order: "undo" }));
el("inject").addEventListener("submit", (event) => {
  event.preventDefault();
  order({ order: "inject", kind: el("kind").value, on: el("on").value, lasts_s: Number(el("lasts").value) });
});
el("set").addEventListener("submit", (event) => {
  event.preventDefault();
  order({ order: "set", id: el("param").value, value: el("value").value });
});
for (const id of ["filter", "sort", "group"]) el(id).addEventListener("input", () => { drawn = null; });
window.addEventListener("resize", () => { drawn = null; });
fetch(at("/setup")).then((answer) => answer.json()).then((made) => { setup = made; begin(); }).catch((error) => say(String(error)));
