"""What the report of an import says to people."""

from orlop.domain.counts import counted
from orlop.domain.importing.outcome import Imported
from orlop.faces.cli.running import size_text
from orlop.faces.cli.shown import cell

#: Failures that are printed; the file of a report has more.
_SHOWN = 50


def lines(report: Imported, *, dry: bool) -> list[str]:
    """A report in lines."""
    tags = counted(report.brought, "tag")
    brought = f"{tags} would be brought" if dry else f"{tags} brought ({size_text(report.copied_bytes)})"
    parts = [brought, f"{report.present} here already", *([f"{report.gone} gone meanwhile"] if report.gone else [])]
    found = [f"{counted(report.repositories, 'repository')}: {', '.join(parts)}"]
    found += [failed(each.repository, each.reference, each.message) for each in report.failures[:_SHOWN]]
    if len(report.failures) > _SHOWN:
        found.append(f"and {len(report.failures) - _SHOWN} more: --report FILE names them all")
    return found


def failed(repository: str, reference: str, message: str) -> str:
    """A line for what did not come."""
    what = f"{repository}:{reference}" if reference else repository
    return f"failed: {cell(what, 300)}: {cell(message, 500)}"
