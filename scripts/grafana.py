#!/usr/bin/env python3
"""Writes Grafana's dashboards: deploy/grafana/dashboards/*.json.

    scripts/grafana.py            writes them
    scripts/grafana.py --check    says whether they are as this script writes them
"""
import json
import sys
from pathlib import Path

DIR = Path(__file__).parent.parent / "deploy/grafana/dashboards"
SOURCE = {"type": "prometheus", "uid": "masker"}
HEIGHT = 8


def panel(title, queries, unit="short", kind="timeseries", width=8, about="", steps=None, stack=False):
    """`queries` are pairs of PromQL and legend."""
    targets = [{"datasource": SOURCE, "expr": expr, "legendFormat": legend, "refId": chr(65 + n)} for n, (expr, legend) in enumerate(queries)]
    defaults = {"unit": unit, "min": 0}
    if kind == "timeseries":
        defaults["custom"] = {"fillOpacity": 12, "lineWidth": 2, "showPoints": "never", "stacking": {"mode": "normal" if stack else "none"}}
    if steps:
        defaults["thresholds"] = {"mode": "absolute", "steps": [{"color": color, "value": value} for color, value in steps]}
    options = {}
    if kind == "stat":
        options = {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "background"}
    if kind == "bargauge":
        options = {"orientation": "horizontal", "reduceOptions": {"calcs": ["lastNotNull"]}, "displayMode": "basic"}
        for target in targets:
            target["instant"] = True
    if kind == "timeseries":
        options = {"tooltip": {"mode": "multi"}, "legend": {"displayMode": "list", "placement": "bottom"}}
    return {"title": title, "description": about, "type": kind, "datasource": SOURCE, "targets": targets,
            "fieldConfig": {"defaults": defaults, "overrides": []}, "options": options, "width": width}


def dashboard(name, title, refresh, panels):
    x = y = row = 0
    for number, own in enumerate(panels, 1):
        width = own.pop("width")
        if x + width > 24:
            x, y = 0, y + row
        row = 4 if own["type"] == "stat" else HEIGHT
        own |= {"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": row}}
        x += width
    variable = {"name": "instance", "type": "query", "datasource": SOURCE, "query": {"query": "label_values(masker_mode, instance)", "refId": "A"},
                "includeAll": True, "multi": True, "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "refresh": 2}
    return name, {"uid": f"masker-{name}", "title": title, "tags": ["masker"], "refresh": refresh, "schemaVersion": 39, "version": 1,
                  "time": {"from": "now-1h", "to": "now"}, "timezone": "browser", "editable": False,
                  "templating": {"list": [variable]}, "panels": panels}


I = 'instance=~"$instance"'
GOOD = [("green", None)]


def quantiles(metric):
    return [(f"histogram_quantile({q}, sum by (le) (rate({metric}_bucket{{{I}}}[$__rate_interval])))", f"p{name}") for q, name in [(0.5, 50), (0.95, 95), (0.99, 99)]]


def rate(metric, by=None, more=""):
    labels = I + (f", {more}" if more else "")
    return f"sum by ({by}) (rate({metric}{{{labels}}}[$__rate_interval]))" if by else f"sum(rate({metric}{{{labels}}}[$__rate_interval]))"


HEALTH = [
    panel("Mode", [(f"max(masker_mode{{{I}}})", "mode")], kind="stat", width=6, about="0 normal, 1 degraded, 2 block-all, 3 bypass", steps=[*GOOD, ("yellow", 1), ("red", 2)]),
    panel("Store's breaker", [(f"max(masker_breaker_state{{{I}}})", "breaker")], kind="stat", width=6, about="0 closed, 1 half-open, 2 open", steps=[*GOOD, ("yellow", 1), ("red", 2)]),
    panel("Replicas that answer", [('sum(up{job="masker"})', "up")], kind="stat", width=6, steps=[("red", None), ("green", 1)]),
    panel("Connections of Envoy", [(f"sum(masker_connections{{{I}}})", "connections")], kind="stat", width=6, steps=[("red", None), ("green", 1)]),
    panel("Requests by outcome", [(rate("masker_requests_total", "outcome"), "{{outcome}}")], "reqps", width=12, stack=True),
    panel("Failed, of all", [("masker:failure_ratio:rate5m", "{{instance}}")], "percentunit", width=12, about="Warning above 10 %, critical above 20 %"),
    panel("Memory", [(f"sum by (instance) (masker_resident_bytes{{{I}}})", "process, {{instance}}"), (f"sum by (instance) (masker_buffered_bytes{{{I}}})", "bodies held, {{instance}}")], "bytes"),
    panel("Running exchanges", [(f"sum by (instance) (masker_exchanges{{{I}}})", "{{instance}}")]),
    panel("Changes", [(f"increase(masker_mode_changes_total{{{I}}}[$__rate_interval])", "mode"), (f"increase(masker_breaker_trips_total{{{I}}}[$__rate_interval])", "breaker"), (f"sum by (result) (increase(masker_config_reloads_total{{{I}}}[$__rate_interval]))", "configuration {{result}}")]),
]
MASKING = [
    panel("Masked values by family", [(rate("masker_findings_total", "family"), "{{family}}")], width=12, stack=True),
    panel("Kinds, last hour", [(f"topk(12, sum by (kind) (increase(masker_findings_total{{{I}}}[1h])))", "{{kind}}")], kind="bargauge", width=12),
    panel("Critical kinds, last hour", [(f'sum by (kind) (increase(masker_findings_total{{{I}, critical="true"}}[1h]))', "{{kind}}")], kind="bargauge", width=12, steps=[*GOOD, ("red", 10)]),
    panel("Restored and unknown", [(rate("masker_restored_total", "result"), "{{result}}"), (rate("masker_restore_refusals_total", "reason"), "kept: {{reason}}")], width=12),
    panel("Refusals by reason", [(rate("masker_refusals_total", "code"), "{{code}}")], stack=True),
    panel("Findings where nothing may change", [(rate("masker_unmaskable_total", "place"), "{{place}}")], stack=True),
    panel("Content that is not looked into", [(rate("masker_opaque_total", "kind"), "{{kind}}")], stack=True),
    panel("Alerts that began", [(f"sum by (severity) (increase(masker_alerts_total{{{I}}}[$__rate_interval]))", "{{severity}}")]),
]
PERFORMANCE = [
    panel("A request in masker", quantiles("masker_request_seconds"), "s", about="From the end of its body until Envoy had all that was masked"),
    panel("Masking", quantiles("masker_mask_seconds"), "s"),
    panel("The store", quantiles("masker_store_seconds"), "s"),
    panel("Requests", [(rate("masker_requests_total"), "requests")], "reqps"),
    panel("Bytes", [(rate("masker_request_bytes_total"), "requests"), (rate("masker_answer_bytes_total"), "answers")], "Bps"),
    panel("Events held for the rest of a placeholder", [(rate("masker_held_events_total"), "held")]),
    panel("Store: calls that failed", [(rate("masker_store_failures_total"), "failed"), (rate("masker_store_dropped_total"), "dropped"), (rate("masker_store_unreadable_total"), "unreadable")]),
    panel("Store: saved, known, revealed", [(rate("masker_store_saved_total"), "saved"), (rate("masker_store_cache_hits_total"), "known already"), (rate("masker_store_revealed_total"), "revealed")]),
    panel("Mappings that wait", [(f"sum by (instance) (masker_store_queue{{{I}}})", "{{instance}}")]),
]
ALL = [
    dashboard("health", "Masker: health", "30s", HEALTH),
    dashboard("masking", "Masker: masking", "1m", MASKING),
    dashboard("performance", "Masker: performance", "15s", PERFORMANCE),
]

wrong = []
for name, own in ALL:
    text = json.dumps(own, indent=1, sort_keys=True) + "\n"
    path = DIR / f"{name}.json"
    if "--check" not in sys.argv:
        path.write_text(text)
    elif not path.exists() or path.read_text() != text:
        wrong.append(path.name)
if wrong:
    sys.exit(f"not as scripts/grafana.py writes them: {', '.join(wrong)}")
