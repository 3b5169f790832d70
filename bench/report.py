"""The findings as a table: on the terminal while they come, and in results.md at the end."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.findings import Check, Finding
from bench.rounds import Series

RESULTS = Path(__file__).parent / "results.md"


def lines(finding: Finding) -> list[str]:
    """A finding for the terminal."""
    found = [f"{finding.work} ({finding.unit})"]
    found += [f"    {name:28} {_figure(series):>10}   {_spread(series)}" for name, series in finding.figures.items()]
    found += [f"    {_verdict(check):8} {_demand(check)}" for check in finding.checks]
    found += [f"    {remark}" for remark in finding.remarks]
    return found


def write(
    findings: Sequence[Finding],
    rounds: int,
    hardware: Iterable[tuple[str, str]],
    software: Iterable[tuple[str, str]],
    commands: Iterable[str],
    remarks: Iterable[str],
) -> None:
    """Write results.md."""
    text = [
        "# What was measured",
        "",
        "Written by `make bench`. Servers took turns in the same run.",
        f"Figures are the median of {rounds} rounds (lowest to highest), ratios the median of the rounds' ratios: what",
        "matters is how two servers on one machine compare, not what this machine can do.",
        "",
        "| work | figures | must and aim |",
        "|---|---|---|",
        *(_row(finding) for finding in findings),
        "",
        "## How to read it",
        "",
        *(f"- {remark[0].upper()}{remark[1:]}." for remark in remarks),
        *(f"- {finding.work}: {remark}." for finding in findings for remark in finding.remarks),
        "",
        "## What it ran on",
        "",
        *(f"- {what}: {which}" for what, which in (*hardware, *software)),
        "",
        "## Commands",
        "",
        "```sh",
        *commands,
        "```",
    ]
    RESULTS.write_text("\n".join(text) + "\n")


def _row(finding: Finding) -> str:
    figures = "<br>".join(
        f"{name} **{_figure(series)}** ({_spread(series)})" for name, series in finding.figures.items()
    )
    checks = "<br>".join(f"{_verdict(check)}: {_demand(check)}" for check in finding.checks)
    return f"| {finding.work}, {finding.unit} | {figures} | {checks} |"


def _figure(series: Series) -> str:
    return _number(series.median)


def _spread(series: Series) -> str:
    return f"{_number(min(series.values))} to {_number(max(series.values))}"


def _number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _verdict(check: Check) -> str:
    if check.aim:
        return "aim met" if check.met else "aim open"
    return "met" if check.met else "MISSED"


def _demand(check: Check) -> str:
    bound = "at most" if check.at_most else "at least"
    return f"{_number(check.value)} {check.text} (asked for: {bound} {_number(check.limit)})"
