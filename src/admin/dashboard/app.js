// The dashboard. Everything that is shown is set as text, never as markup.
import { Chart, short } from "./chart.js";

const API = "api/monitoring";
const SPANS = { "1min": 60, "5min": 60, "15min": 90, "1h": 120, "6h": 144, "24h": 144 };
const RETRY = [1, 2, 5, 10];
const byId = (id) => document.getElementById(id);
const state = { token: sessionStorage.getItem("masker-token"), span: "5min", tries: 0, last: null };

const make = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};
const svg = (name, attributes) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
};
const count = (number) => (number >= 1e6 ? short(number) : number.toLocaleString("en"));
const bytes = (number) => {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 1024]]) if (number >= size) return [+(number / size).toPrecision(3), unit];
  return [number, "B"];
};
const clock = (text) => {
  const time = new Date(text);
  const today = new Date().toDateString() === time.toDateString();
  return time.toLocaleString([], { ...(today ? {} : { month: "short", day: "numeric" }), hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
};

// Keeps the focus and the open details of a list whose content did not change.
const fill = (node, content, items) => {
  const key = JSON.stringify(content);
  if (node.dataset.key === key) return;
  node.dataset.key = key;
  node.replaceChildren(...items());
};

class Unauthorized extends Error {}

const ask = async (path, options = {}) => {
  const headers = { ...(options.headers ?? {}), ...(state.token ? { authorization: `Bearer ${state.token}` } : {}) };
  const answer = await fetch(`${API}/${path}`, { ...options, headers, cache: "no-store" });
  if (answer.status === 401) throw new Unauthorized((await answer.json()).message);
  return answer;
};

// --- what is shown

const charts = {
  requests: new Chart(byId("chart-requests"), "Requests", "per second", [
    { name: "all", mark: "a", of: (own) => own.requests / (own.seconds || 1) },
    { name: "refused", mark: "b", of: (own) => own.refused / (own.seconds || 1) },
    { name: "failed", mark: "c", of: (own) => own.failed / (own.seconds || 1) },
  ]),
  latency: new Chart(byId("chart-latency"), "Time in masker", "ms", [
    { name: "p50", mark: "a", of: (own) => (own.requests ? own.p50_latency : null) },
    { name: "p95", mark: "d", of: (own) => (own.requests ? own.p95_latency : null) },
    { name: "p99", mark: "c", of: (own) => (own.requests ? own.p99_latency : null) },
  ]),
  values: new Chart(byId("chart-values"), "Values", "per second", [
    { name: "masked", mark: "a", of: (own) => own.patterns_matched / (own.seconds || 1) },
    { name: "restored", mark: "d", of: (own) => own.restored / (own.seconds || 1) },
  ]),
};

const PARTS = { envoy: "Envoy", masker: "Masker", store: "Mapping store", circuit_breaker: "Breaker" };
const MODES = { NORMAL: "Normal", DEGRADED: "Degraded", BYPASS: "Bypass: requests leave unmasked", BLOCK_ALL: "Blocked: all requests are refused" };

const showMode = (mode) => {
  byId("mode-card").dataset.mode = mode.mode;
  byId("mode-name").textContent = MODES[mode.mode] ?? mode.mode;
  const parts = [];
  if (mode.reason) parts.push(mode.reason);
  if (mode.activated_at) parts.push(`since ${clock(mode.activated_at)}, by ${mode.activated_by}`);
  if (mode.expires_in) parts.push(`ends in ${Math.ceil(mode.expires_in / 60)} min`);
  byId("mode-why").textContent = parts.join(" · ") || "Everything that leaves is masked, what comes back is restored.";
};

const showParts = (checks) => fill(byId("parts"), checks, () => checks.map(({ component, status, message }) => {
  const card = make("div", "card part");
  const up = status === "UP";
  card.dataset.up = up ? "yes" : "no";
  const sign = make("span", "sign", up ? "✓" : "!");
  sign.setAttribute("aria-hidden", "true");
  card.append(sign, make("strong", "", `${PARTS[component] ?? component} ${up ? "" : "– down"}`), make("span", "muted", message));
  return card;
}));

const tiles = (own) => [
  ["Requests", count(own.total_requests)],
  ["Masked values", count(own.masked_values)],
  ["Critical values", count(own.critical_values), "", own.critical_values ? "warn" : ""],
  ["Restored", count(own.restored_values)],
  ["Refused", count(own.refused_requests), "", own.refused_requests ? "warn" : ""],
  ["Failed", count(own.failed_requests), "", own.failed_requests ? "bad" : ""],
  ["Store down", count(own.unavailable_requests), "", own.unavailable_requests ? "bad" : ""],
  ["Cut off", count(own.cut_requests), "", own.cut_requests ? "warn" : ""],
  ["p50, 5 min", short(own.p50_latency_ms), "ms"],
  ["p95, 5 min", short(own.p95_latency_ms), "ms"],
  ["p99, 5 min", short(own.p99_latency_ms), "ms"],
  ["Sent in", ...bytes(own.request_bytes)],
  ["Running now", count(own.exchanges)],
  ["Memory", ...bytes(own.resident_bytes)],
];
const showTiles = (rows) => byId("tiles").replaceChildren(...rows.map(([name, value, unit, level]) => {
  const tile = make("div", "card tile");
  if (level) tile.dataset.level = level;
  const number = make("dd", "", `${value}`);
  if (unit) number.append(make("small", "", unit));
  tile.append(make("dt", "", name), number);
  return tile;
}));

const showPatterns = (all) => fill(byId("patterns"), all, () => {
  if (!all.length) {
    const row = make("tr");
    const cell = make("td", "muted", "Nothing yet.");
    cell.colSpan = 4;
    row.append(cell);
    return [row];
  }
  const most = Math.max(...all.map((own) => own.count));
  return all.map((own) => {
    const row = make("tr"), name = make("th", "", own.name), share = make("td", "wide");
    name.scope = "row";
    if (own.critical) name.append(" ", make("span", "tag CRITICAL", "critical"));
    const bar = svg("svg", { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
    bar.append(svg("rect", { class: "rest", width: 100, height: 8, rx: 2 }), svg("rect", { class: own.critical ? "critical" : "share", width: Math.max((100 * own.count) / most, 1), height: 8, rx: 2 }));
    share.append(bar);
    row.append(name, share, make("td", "num", count(own.count)), make("td", "num", own.percentage.toFixed(1)));
    return row;
  });
});

const item = (severity, tag, message, time) => {
  const row = make("li");
  const when = make("time", "", clock(time));
  when.dateTime = time;
  row.append(make("span", `tag ${severity}`, tag), make("p", "", message), when);
  return row;
};
const showAlerts = (all) => fill(byId("alerts"), all, () => (all.length ? all.map((own) => item(own.active ? own.severity : "OK", own.active ? own.severity.toLowerCase() : "over", own.message, own.timestamp)) : [make("li", "none", "Nothing to warn of.")]));
const showEvents = (all) => fill(byId("events"), all, () => (all.length ? all.map((own) => item(own.severity, own.type, own.message, own.timestamp)) : [make("li", "none", "Nothing has happened.")]));

const kinds = (own) => {
  const cell = make("div", "kinds");
  for (const kind of own.kinds) {
    const details = make("details"), summary = make("summary", "kind", `${kind.name} × ${kind.count}`), how = make("p", "", "To leave its family out: ");
    how.append(make("code", "", kind.exempt));
    details.append(summary, how);
    cell.append(details);
  }
  for (const [place, found] of Object.entries(own.unmaskable)) cell.append(make("span", "tag WARNING", `${found} in ${place}, which must not change`));
  if (!cell.childElementCount) cell.append(make("span", "muted", "nothing"));
  return cell;
};
const showRequests = (all) => fill(byId("requests"), all, () => {
  if (!all.length) {
    const row = make("tr"), cell = make("td", "muted", "None yet.");
    cell.colSpan = 6;
    row.append(cell);
    return [row];
  }
  return all.map((own) => {
    const row = make("tr"), outcome = make("td"), masked = make("td");
    outcome.append(make("span", `tag ${own.outcome}`, own.code ? `${own.outcome}: ${own.code.replaceAll("_", " ")}` : own.outcome));
    masked.append(kinds(own));
    row.append(make("td", "", clock(own.timestamp)), outcome, masked, make("td", "num", count(own.restored)), make("td", "num", bytes(own.request_bytes).join(" ")), make("td", "num", own.milliseconds === null ? "–" : `${short(own.milliseconds)} ms`));
    return row;
  });
});

const show = (data) => {
  state.last = data;
  document.body.dataset.state = "live";
  byId("version").textContent = data.version;
  const health = byId("health");
  health.dataset.level = data.health.status;
  const words = { HEALTHY: "Healthy", WARNING: "Warning", CRITICAL: "Critical" };
  if (health.textContent !== words[data.health.status]) health.textContent = words[data.health.status];
  byId("since").textContent = clock(data.started_at);
  byId("since").dateTime = data.started_at;
  byId("empty").hidden = data.metrics.total_requests > 0;
  showMode(data.mode);
  showParts(data.health.checks);
  showTiles(tiles(data.metrics));
  showPatterns(data.metrics.pattern_usage);
  showAlerts(data.alerts);
  showEvents(data.events);
};

const banner = (text) => {
  byId("banner").hidden = !text;
  if (byId("banner").textContent !== text) byId("banner").textContent = text;
};
const live = (yes, text) => {
  byId("live").dataset.live = yes ? "yes" : "no";
  byId("live-text").textContent = text;
};

// --- where it comes from

const trends = async () => {
  const span = state.span;
  try {
    const answer = await ask(`trends?interval=${span}&points=${SPANS[span]}`);
    const [trend, last] = [await answer.json(), await (await ask("requests?limit=15")).json()];
    // Another span was chosen meanwhile, and its answer may have come before this one.
    if (span !== state.span) return;
    byId("spans").dataset.shown = span;
    for (const chart of Object.values(charts)) chart.show(trend.data, trend.seconds_per_point < 60);
    showRequests(last.requests);
  } catch { /* The stream says what is wrong. */ }
};

const listen = async () => {
  const answer = await ask("events");
  if (!answer.ok) throw new Error((await answer.json()).message);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const texts = (rest + value).split("\n\n");
    rest = texts.pop();
    for (const text of texts) {
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(text) ?? [];
      if (name === "state") {
        state.tries = 0;
        banner("");
        live(true, "Live");
        show(JSON.parse(data));
        if (state.due) { state.due = false; trends(); }
      } else if (name) {
        state.due = true;
      }
    }
  }
};

const connect = async () => {
  for (;;) {
    try {
      await listen();
    } catch (error) {
      if (error instanceof Unauthorized) {
        document.body.dataset.state = "unauthorized";
        live(false, "Locked");
        byId("health").textContent = "Token needed";
        byId("health").dataset.level = "none";
        await token(state.token ? error.message : "");
        continue;
      }
    }
    document.body.dataset.state = "lost";
    live(false, "Not connected");
    byId("health").textContent = "Unknown";
    byId("health").dataset.level = "none";
    const wait = RETRY[Math.min(state.tries, RETRY.length - 1)];
    state.tries += 1;
    const shown = state.last ? `What is shown is of ${clock(state.last.timestamp)}. ` : "";
    banner(`Masker does not answer. ${shown}Trying again.`);
    await new Promise((resolve) => setTimeout(resolve, wait * 1000));
  }
};

// --- what a person does

const token = (problem) => new Promise((resolve) => {
  const dialog = byId("token-dialog");
  byId("token-error").textContent = problem;
  byId("token").value = "";
  dialog.showModal();
  const end = () => { dialog.close(); resolve(); };
  byId("token-form").onsubmit = (event) => {
    event.preventDefault();
    const value = byId("token").value.trim();
    if (!value) { byId("token-error").textContent = "Type the token."; return; }
    state.token = value;
    sessionStorage.setItem("masker-token", value);
    byId("forget").hidden = false;
    end();
    trends();
  };
  byId("token-cancel").onclick = () => { dialog.close(); banner("Locked: a token is needed. Reload the page to type it."); };
});

byId("forget").hidden = !state.token;
byId("forget").onclick = () => { sessionStorage.removeItem("masker-token"); location.reload(); };
byId("change-mode").onclick = () => {
  byId("mode-error").textContent = "";
  byId("reason").value = "";
  byId("mode-dialog").showModal();
};
byId("mode-form").oninput = () => { byId("mode-error").textContent = ""; };
byId("mode-cancel").onclick = () => byId("mode-dialog").close();
byId("mode-form").onsubmit = async (event) => {
  event.preventDefault();
  const form = new FormData(event.target), error = byId("mode-error");
  const reason = form.get("reason").trim(), mode = form.get("mode"), expires = form.get("expires");
  if (!reason) { error.textContent = "Say why: it goes to the audit log."; byId("reason").focus(); return; }
  if (mode === "BYPASS" && !expires) { error.textContent = "Bypass needs an end."; byId("expires").focus(); return; }
  byId("mode-submit").disabled = true;
  try {
    const body = { mode, reason, ...(expires && mode !== "NORMAL" ? { expires_in: Number(expires) } : {}) };
    const answer = await ask("emergency-mode", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
    const said = await answer.json();
    if (!answer.ok) { error.textContent = said.message; return; }
    byId("mode-dialog").close();
    const dashboard = await ask("dashboard");
    show(await dashboard.json());
  } catch (problem) {
    if (problem instanceof Unauthorized) { byId("mode-dialog").close(); await token(state.token ? problem.message : "Changes need the token."); } else error.textContent = "Masker does not answer.";
  } finally {
    byId("mode-submit").disabled = false;
  }
};

for (const name of Object.keys(SPANS)) {
  const label = make("label", "", name.replace("min", " min").replace("h", " h")), input = make("input");
  Object.assign(input, { type: "radio", name: "span", value: name, checked: name === state.span });
  input.onchange = () => { state.span = name; trends(); };
  label.prepend(input);
  byId("spans").append(label);
}

showTiles(["Requests", "Masked values", "Critical values", "Restored", "Refused", "Failed", "p50, 5 min", "p95, 5 min", "p99, 5 min", "Sent in", "Running now", "Memory"].map((name) => [name, "0"]));
trends();
setInterval(() => { if (!document.hidden && document.body.dataset.state === "live") trends(); }, 3000);
connect();
