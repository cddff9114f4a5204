"""metrics_page: what /metrics answers, what docs/MONITORING.md says of it, and what examples/monitoring asks for."""
import json
import pathlib
import re

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "monitoring"
LINE = re.compile(r'^([a-zA-Z_][a-zA-Z0-9_]*)(\{[^}]*\})? (\S+)$')
HISTOGRAMS = ("troupe_request_s", "troupe_log_sync", "troupe_gossip_round", "troupe_metadata_commit")
SELECTOR = re.compile(r"\b((?:troupe|process)_\w+|up\b)(\{[^}]*\})?")


def scrape(server):
    status, body = server.console("/metrics")
    assert status == 200
    return parsed(body.decode())


def parsed(text):
    """{family: [(labels, value)]}"""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            match = LINE.match(line)
            assert match, f"not in Prometheus' text form: {line}"
            found.setdefault(match[1], []).append((match[2] or "", float(match[3])))
    return found


def value_of(found, name, labels=""):
    return dict(found.get(name, ())).get(labels)


def family_of(name):
    return re.sub(r"_(bucket|sum|count)$", "", name) if name.startswith(HISTOGRAMS) else name


def documented():
    """The families of the page, as two sets: of the process, of the cluster."""
    text = (ROOT / "docs" / "MONITORING.md").read_text()
    process, cluster = text.split("## Of the process that is scraped")[1].split("## Of the cluster")
    rows = ["\n".join(line.split("|")[1] for line in part.split("\n## ")[0].splitlines() if line.startswith("| `"))
            for part in (process, cluster)]
    return [set(re.findall(r"`((?:troupe|process)_\w+)`", part)) for part in rows]


def panels():
    """The expressions of the dashboard."""
    dashboard = json.loads((EXAMPLES / "grafana-dashboard.json").read_text())
    found = [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", [])]
    assert len(found) > 30
    return found


def rules():
    found = [rule for group in yaml.safe_load((EXAMPLES / "alerts.yaml").read_text())["groups"] for rule in group["rules"]]
    assert len(found) > 20
    return found


def expressions():
    return panels() + [rule["expr"] for rule in rules()]


def selectors_in(expression):
    """[(name as it is scraped, matchers with their braces)]"""
    return [(name, matchers or "") for name, matchers in SELECTOR.findall(expression)]


def families_in(expression):
    return {re.sub(r"_bucket$", "", name) for name, _ in selectors_in(expression)} - {"up"}


def labels_in(expression):
    """The labels that it groups by or matches."""
    groups = ",".join(re.findall(r"\bby \(([^)]*)\)", expression))
    matched = [label for _, matchers in selectors_in(expression) for label in re.findall(r'(\w+)\s*(?:=|!=|=~|!~)\s*"', matchers)]
    return {label.strip() for label in groups.split(",") if label.strip()} | set(matched)
