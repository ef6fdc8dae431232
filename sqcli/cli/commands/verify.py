"""Check that the physics is right: z-scores against exact results and Schwinger-Dyson identities.

Every real action has the identities <O dS/dphi> = <dO/dphi>. Exit code 1 when one fails.
"""

import typer

from sqcli.cli._options import Ensemble, Format, Skip, Stride

FAILED = 1


def command(
    ens: Ensemble,
    skip: Skip = 0,
    stride: Stride = 1,
    form: Format = "table",
) -> None:
    """Verify and print the report."""
    from sqcli.cli import _format, _report
    from sqcli.cli._settings import complain
    from sqcli.runs.verify import verify

    report = verify(ens, skip=skip, stride=stride)
    _report.show(report.envelope(), _format.VERIFY, form)
    if not report.passed:
        complain(f"{ens}: a check of the physics failed; see the lines marked above")
        raise typer.Exit(FAILED)
