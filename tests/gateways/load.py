#!/usr/bin/env python3
"""Realistic traffic through Envoy, with masker and without it, and a report.

Users hold conversations as an agent does: bodies of 10 KB to 2 MB that hold new ids each
time, answers that stream, a pause to think. While that is measured, every answer is compared
with what it must be, and every request that reaches the provider is searched for ids.
The chain without masker shows that the search works: there it must find every request.

    make load USERS="1 10 50 100" SECONDS_EACH=30        writes target/load.html
"""
import argparse
import asyncio
import html
import math
import multiprocessing
import os
import pathlib
import sys
import time

import rig
from traffic import PIECES, Stage, provide, share

# What the replaced chain promised: users, and seconds for a request at most.
OLD_BARS = ((10, 1.0), (50, 2.0), (100, 3.0))


# ---------------------------------------------------------------- what is measured

class Usage:
    """CPU seconds and memory of a process and those it started."""

    def __init__(self, process):
        self.pid = process.pid
        self.before, self.peak = self.cpu(), 0

    def tree(self, pid):
        yield pid
        for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
            for child in task.read_text().split():
                yield from self.tree(int(child))

    def cpu(self):
        ticks = 0
        for pid in self.tree(self.pid):
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    async def watch(self):
        while True:
            pages = sum(int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.tree(self.pid))
            self.peak = max(self.peak, pages * os.sysconf("SC_PAGE_SIZE") / 2**20)
            await asyncio.sleep(0.2)


def measure(stage, processes, counts):
    requests, leaks = (count.value for count in counts)
    used = {name: Usage(process) for name, process in processes.items()}

    async def all_of_it():
        watching = [asyncio.create_task(usage.watch()) for usage in used.values()]
        await stage.run()
        for task in watching:
            task.cancel()

    began = time.monotonic()
    asyncio.run(all_of_it())
    spent = time.monotonic() - began
    row = {"users": stage.users, "requests": len(stage.total), "failed": stage.failed, "wrong": stage.wrong,
           "upstream": counts[0].value - requests, "leaks": counts[1].value - leaks, "rps": len(stage.total) / spent,
           "mb_s": stage.sent / spent / 1e6, "max": max(stage.total, default=0) * 1000}
    for name, values in (("ttft", stage.first), ("total", stage.total)):
        row.update({f"{name}_p50": share(values, 0.5), f"{name}_p95": share(values, 0.95), f"{name}_p99": share(values, 0.99)})
    for name, usage in used.items():
        row[f"{name}_cpu"], row[f"{name}_mb"] = (usage.cpu() - usage.before) / spent * 100, usage.peak
    return row


# ---------------------------------------------------------------- the report

def plot(title, unit, lines):
    """Lines over the number of users, as SVG; `lines` is name -> [(users, value)]."""
    width, height, left, bottom = 420, 200, 50, 25
    points = [point for line in lines.values() for point in line if not math.isnan(point[1])]
    if not points:
        return ""
    top = max(value for _, value in points) or 1
    users = sorted({user for user, _ in points})

    def x(user):
        return left + (width - left - 10) * (users.index(user) / max(1, len(users) - 1))

    def y(value):
        return height - bottom - (height - bottom - 10) * value / top

    out = [f'<figure><figcaption>{html.escape(title)}, {unit}</figcaption><svg viewBox="0 0 {width} {height + 16 * len(lines)}" role="img">']
    for step in range(5):
        value = top * step / 4
        out.append(f'<path class="grid" d="M{left} {y(value):.1f}H{width - 10}"/><text x="{left - 4}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
    out += [f'<text x="{x(user):.1f}" y="{height - 8}" text-anchor="middle">{user}</text>' for user in users]
    for number, (name, line) in enumerate(lines.items()):
        path = " ".join(f"{x(user):.1f},{y(value):.1f}" for user, value in line if not math.isnan(value))
        out.append(f'<polyline class="c{number}" points="{path}"/>')
        out += [f'<circle class="c{number}" cx="{x(user):.1f}" cy="{y(value):.1f}" r="3"/>' for user, value in line if not math.isnan(value)]
        out.append(f'<text class="c{number}" x="{left}" y="{height + 12 + 16 * number}">■ {html.escape(name)}</text>')
    return "".join(out) + "</svg></figure>"


STYLE = """body{font:15px system-ui;margin:2em auto;max-width:75em;padding:0 1em}figure{display:inline-block;width:30em;margin:1em}
svg{width:100%}svg text{font-size:11px;fill:#333}.grid{stroke:#ddd}polyline{fill:none;stroke-width:2}
.c0{stroke:#06c;fill:#06c}.c1{stroke:#c50;fill:#c50}.c2{stroke:#084;fill:#084}.c3{stroke:#808;fill:#808}polyline.c0,polyline.c1,polyline.c2,polyline.c3{fill:none}
svg text.c0,svg text.c1,svg text.c2,svg text.c3{stroke:none}table{border-collapse:collapse}td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ccc}.bad{color:#b00;font-weight:bold}"""


def table(rows):
    names = list(dict.fromkeys(name for row in rows for name in row))
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    lines = "".join("<tr>" + "".join(f"<td>{row.get(name, ''):.1f}</td>" if isinstance(row.get(name), float) else f"<td>{html.escape(str(row.get(name, '')))}</td>" for name in names) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{lines}</table>"


def old_bars(rows):
    out = []
    for row in rows:
        bar = next((limit for users, limit in OLD_BARS if row["users"] <= users), None)
        if bar:
            met = row["failed"] == 0 and row["wrong"] == 0 and row["total_p95"] / 1000 < bar
            out.append({"users": row["users"], "bar": f"95 % below {bar:.0f} s, all succeed", "p95 (s)": row["total_p95"] / 1000, "failed": row["failed"], "met": "yes" if met else "NO"})
    return out


def report(with_it, without, about):
    def line(rows, name):
        return [(row["users"], row[name]) for row in rows]

    both = lambda name: {"with masker": line(with_it, name), "without": line(without, name)}
    plots = [plot("Requests", "per second", both("rps")), plot("Bodies", "MB per second", both("mb_s"))]
    plots += [plot(f"First byte of the answer, {part}", "ms", both(f"ttft_{part}")) for part in ("p50", "p95", "p99")]
    plots += [plot(f"Whole exchange, {part}", "ms", both(f"total_{part}")) for part in ("p50", "p95", "p99")]
    plots += [plot("CPU", "% of one core", {"masker": line(with_it, "masker_cpu"), "Envoy with masker": line(with_it, "envoy_cpu"), "Envoy without": line(without, "envoy_cpu")}),
              plot("Peak memory", "MB", {"masker": line(with_it, "masker_mb"), "Envoy with masker": line(with_it, "envoy_mb"), "Envoy without": line(without, "envoy_mb")})]
    leaks, wrong, failed = (sum(row[name] for row in with_it) for name in ("leaks", "wrong", "failed"))
    verdict = f"{sum(row['requests'] for row in with_it)} exchanges through masker: {leaks} leaks, {wrong} wrong answers, {failed} failures."
    page = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Load test of masker</title><style>{STYLE}</style>
<h1>Load test of masker</h1><p class="{'bad' if leaks or wrong or failed else ''}">{verdict}</p><p>{html.escape(about)}</p>
<h2>The bars of the replaced chain</h2>{table(old_bars(with_it))}<h2>Over the number of users</h2>{''.join(plots)}
<h2>With masker</h2>{table(with_it)}<h2>Envoy without masker</h2>
<p>Its leaks are all of its requests: so the search for leaks finds what is there.</p>{table(without)}</html>"""
    return page, verdict


def without_masker(text):
    start, end = text.index("          - name: envoy.filters.http.ext_proc\n"), text.index("          - name: envoy.filters.http.router\n")
    return text[:start] + text[end:]


def run(users, seconds, think, report_file):
    counts = (multiprocessing.Value("q", 0), multiprocessing.Value("q", 0))
    bed = rig.Bed()
    upstream = rig.free_port()
    bed.provider.port = upstream
    serving = multiprocessing.Process(target=provide, args=(upstream, *counts), daemon=True)
    serving.start()
    masked, plain = bed.envoy(), bed.envoy(change=without_masker)
    envoys = [envoy.process for envoy in bed.envoys]
    with_it, without = [], []
    try:
        for number in users:
            # Side by side, so that a busy machine is busy for both.
            without.append(measure(Stage(plain, number, seconds, think), {"envoy": envoys[1]}, counts))
            with_it.append(measure(Stage(masked, number, seconds, think), {"envoy": envoys[0], "masker": bed.masker.process}, counts))
            row = with_it[-1]
            print(f"{number:4} users: {row['rps']:7.1f} requests/s, first byte p50 {row['ttft_p50']:.0f} ms p95 {row['ttft_p95']:.0f} ms "
                  f"(without: {without[-1]['ttft_p50']:.0f}, {without[-1]['ttft_p95']:.0f}), {row['leaks']} leaks, {row['wrong']} wrong, {row['failed']} failed", flush=True)
    finally:
        bed.stop_envoys()
        bed.masker.stop()
        serving.terminate()
    about = f"{seconds:g} s for each number of users, {think:g} s to think on average, answers of {PIECES} events, {os.cpu_count()} cores that provider and users share, memory store."
    page, verdict = report(with_it, without, about)
    report_file.parent.mkdir(parents=True, exist_ok=True)
    report_file.write_text(page)
    print(f"{verdict} Report: {report_file}")
    blind = [row for row in without if row["leaks"] != row["upstream"]]
    if blind:
        sys.exit("load: the search for leaks missed requests that went out unmasked")
    if any(row["leaks"] or row["wrong"] or row["failed"] or not row["requests"] for row in with_it):
        sys.exit("load: leaks, wrong answers or failures; see the report")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--users", default="1 10 50 100")
    arguments.add_argument("--seconds", type=float, default=30)
    arguments.add_argument("--think", type=float, default=2)
    arguments.add_argument("--report", type=pathlib.Path, default=rig.ROOT / "target/load.html")
    given = arguments.parse_args()
    run([int(number) for number in given.users.split()], given.seconds, given.think, given.report)
