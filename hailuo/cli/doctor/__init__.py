"""`hailuo doctor`: examines an installation, and says what to do."""

import logging
import os
from collections.abc import Iterable, Iterator

import click

from ...logs import on_one_line, redact
from ...masking import conceal
from ..gateways import Location
from ..options import as_json, with_location
from ..output import print_json
from . import configuration, file, gateway, installation, services, shared_pool
from .findings import Finding

MARKS = {
    "ok": click.style("✓", fg="green"),
    "warning": click.style("!", fg="yellow"),
    "error": click.style("✗", fg="red"),
}


@click.command()
@with_location
@as_json
def doctor(location: Location, as_json: bool) -> int:
    """Check settings, versions, network, accounts and the gateway.

    It works whether or not the gateway runs, changes nothing, and takes a minute at
    most. The exit code is 1 if something has to be repaired.
    """
    logging.disable()  # the findings say it
    findings = []
    for finding in _examine(location):
        finding = finding._replace(
            message=on_one_line(redact(finding.message)), cure=redact(finding.cure)
        )
        findings.append(finding)
        if not as_json:
            _print(finding)
    errors = _count(findings, "error")
    if as_json:
        print_json(
            {"ok": not errors, "findings": [finding._asdict() for finding in findings]}
        )
    else:
        click.echo(f"To repair: {errors}; warnings: {_count(findings, 'warning')}")
    return 1 if errors else 0


def _examine(location: Location) -> Iterator[Finding]:
    """Yield the findings, the quick ones first."""
    yield from installation.findings()
    settings, findings = configuration.read(os.environ)
    conceal(settings.secrets)
    yield from findings
    yield from configuration.key_findings(settings, os.environ)
    credentials, findings = file.credentials(settings)
    yield from findings
    yield from shared_pool.findings(settings)
    yield from gateway.findings(location, settings)
    yield from services.findings(settings, credentials)


def _print(finding: Finding) -> None:
    click.echo(f"{MARKS[finding.status]} {finding.check}: {finding.message}")
    if finding.cure:
        click.echo(f"    → {finding.cure}")


def _count(findings: Iterable[Finding], status: str) -> int:
    return sum(finding.status == status for finding in findings)
