// Charts drawn as SVG. A chart is an image with a summary, a table for those who
// prefer one, and a cursor that mouse and arrow keys move.

const NS = "http://www.w3.org/2000/svg";
const HEIGHT = 190, LEFT = 46, RIGHT = 8, TOP = 8, BOTTOM = 22;

const svg = (name, attributes, text) => {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
};

const html = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

/// A round number that is not smaller: 1, 2 or 5 times a power of ten.
export const nice = (value) => {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999) ?? 10 * power;
};

export const short = (value) => {
  if (value === 0) return "0";
  if (value >= 1e6) return `${+(value / 1e6).toPrecision(3)} M`;
  if (value >= 1e4) return `${+(value / 1e3).toPrecision(3)} k`;
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return `${+value.toPrecision(value < 0.01 ? 1 : 3)}`;
};

const told = (value) => (value === null ? "none" : short(value));

/// Stretches of points that have a value, as [index, value].
const runs = (points, of) => {
  const all = [];
  points.forEach((point, index) => {
    const value = of(point);
    if (!point.known || value === null) return;
    const last = all.at(-1);
    if (last && last.at(-1)[0] === index - 1) last.push([index, value]);
    else all.push([[index, value]]);
  });
  return all;
};

export class Chart {
  /// `series` are {name, mark, of}: `of` reads a point, null where it has no value.
  constructor(figure, title, unit, series) {
    Object.assign(this, { figure, title, unit, series, points: [], seconds: true, at: null });
    const caption = html("figcaption", "", title);
    const legend = html("span", "legend");
    for (const { name, mark } of series) legend.append(html("span", mark, name));
    caption.append(legend);
    this.plot = svg("svg", { class: "plot", role: "img", tabindex: "0", "aria-label": title });
    this.tip = html("div", "tip");
    this.tip.hidden = true;
    this.tip.setAttribute("role", "status");
    const details = html("details");
    this.table = html("div");
    this.table.tabIndex = 0;
    this.table.setAttribute("role", "region");
    this.table.setAttribute("aria-label", `${title} as a table`);
    details.append(html("summary", "", "As a table"), this.table);
    details.addEventListener("toggle", () => this.rows());
    this.details = details;
    figure.replaceChildren(caption, this.plot, this.tip, details);
    this.plot.addEventListener("pointermove", (event) => {
      const box = this.plot.getBoundingClientRect();
      this.point((event.clientX - box.left - LEFT) / (box.width - LEFT - RIGHT));
    });
    for (const leave of ["pointerleave", "blur"]) this.plot.addEventListener(leave, () => this.leave());
    this.plot.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!step || !this.points.length) return;
      event.preventDefault();
      this.at = Math.min(Math.max((this.at ?? this.points.length) + step, 0), this.points.length - 1);
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(figure);
  }

  show(points, seconds) {
    this.points = points;
    this.seconds = seconds;
    this.draw();
    this.rows();
  }

  point(part) {
    if (!this.points.length) return;
    this.at = Math.min(Math.max(Math.round(part * (this.points.length - 1)), 0), this.points.length - 1);
    this.draw();
  }

  leave() {
    this.at = null;
    this.draw();
  }

  time(point) {
    const options = this.seconds ? { hour: "2-digit", minute: "2-digit", second: "2-digit" } : { hour: "2-digit", minute: "2-digit" };
    return new Date(point.timestamp).toLocaleTimeString([], { ...options, hour12: false });
  }

  draw() {
    const { plot, points, series, unit } = this;
    const width = Math.max(plot.clientWidth || this.figure.clientWidth - 40, 160);
    plot.setAttribute("viewBox", `0 0 ${width} ${HEIGHT}`);
    const right = width - RIGHT, bottom = HEIGHT - BOTTOM;
    const values = points.flatMap((point) => series.map((own) => own.of(point)));
    const top = nice(Math.max(0, ...values));
    const x = (index) => LEFT + ((right - LEFT) * index) / Math.max(points.length - 1, 1);
    const y = (value) => bottom - ((bottom - TOP) * value) / top;
    const parts = [];
    for (const share of [0, 0.5, 1]) {
      parts.push(svg("line", { class: "grid", x1: LEFT, x2: right, y1: y(top * share), y2: y(top * share) }));
      parts.push(svg("text", { x: LEFT - 6, y: y(top * share) + 4, "text-anchor": "end" }, short(top * share)));
    }
    const off = points.findIndex((point) => point.known);
    if (off > 0) parts.push(svg("rect", { class: "off", x: LEFT, y: TOP, width: x(off) - LEFT, height: bottom - TOP }));
    for (const { mark, of } of series) {
      for (const run of runs(points, of)) {
        const path = run.map(([index, value]) => `${x(index).toFixed(1)} ${y(value).toFixed(1)}`).join("L");
        const [first, last] = [x(run[0][0]).toFixed(1), x(run.at(-1)[0]).toFixed(1)];
        parts.push(svg("path", { class: `area ${mark}`, d: `M${first} ${bottom}L${path}L${last} ${bottom}Z` }));
        // A single point is drawn as a dot: a line of no length with round ends.
        const alone = run.length === 1;
        parts.push(svg("path", { class: `line ${mark}${alone ? " alone" : ""}`, d: `M${path}${alone ? "h.01" : ""}` }));
      }
    }
    for (const [index, anchor] of [[0, "start"], [Math.floor((points.length - 1) / 2), "middle"], [points.length - 1, "end"]]) {
      if (points[index]) parts.push(svg("text", { x: x(index), y: HEIGHT - 5, "text-anchor": anchor }, this.time(points[index])));
    }
    if (this.at !== null && points[this.at]) parts.push(svg("line", { class: "cursor", x1: x(this.at), x2: x(this.at), y1: TOP, y2: bottom }));
    plot.replaceChildren(...parts);
    const last = points.at(-1);
    const now = last ? series.map((own) => `${own.name} ${told(own.of(last))}`).join(", ") : "no data";
    plot.setAttribute("aria-label", `${this.title}, ${unit}. Newest: ${now}. Highest: ${short(Math.max(0, ...values))}. Arrow keys move through it.`);
    this.hint(this.at === null ? null : x(this.at), width);
  }

  hint(x, width) {
    const point = this.points[this.at];
    this.tip.hidden = x === null || !point;
    if (this.tip.hidden) return;
    const lines = point.known ? this.series.map((own) => `${own.name}: ${told(own.of(point))}${own.of(point) === null ? "" : ` ${this.unit}`}`) : ["not running"];
    this.tip.textContent = [this.time(point), ...lines].join("\n");
    this.tip.style.top = "3.2rem";
    if (x > width / 2) { this.tip.style.right = `${width - x + 32}px`; this.tip.style.left = "auto"; }
    else { this.tip.style.left = `${x + 32}px`; this.tip.style.right = "auto"; }
  }

  rows() {
    if (!this.details.open) return;
    const table = html("table");
    const head = html("tr");
    for (const name of ["Time", ...this.series.map((own) => own.name)]) {
      const cell = html("th", name === "Time" ? "" : "num", name);
      cell.scope = "col";
      head.append(cell);
    }
    const body = html("tbody");
    for (const point of [...this.points].reverse()) {
      const row = html("tr");
      row.append(html("td", "", this.time(point)), ...this.series.map((own) => html("td", "num", point.known ? told(own.of(point)) : "–")));
      body.append(row);
    }
    const top = html("thead");
    top.append(head);
    table.append(top, body);
    this.table.replaceChildren(table);
  }
}
