"""Check that the physics is right: z-scores against exact results and Schwinger-Dyson identities.

Every real action has the identities <O dS/dphi> = <dO/dphi>. The verdict is passed, failed or undecided (the draws are
too few, or their chains disagree); exit code 1 unless it passed.
"""

import typer

from sqcli.cli.options import Ensemble, Format, Skip, Stride
from sqcli.cli.settings import complain

FAILED = 1


def command(
    ctx: typer.Context,
    ens: Ensemble,
    skip: Skip = 0,
    stride: Stride = 1,
    form: Format = "table",
) -> None:
    """Verify and print the report, and exit with `FAILED` unless it passed."""
    from sqcli.analysis.verify import verify
    from sqcli.cli import rendering, reports

    report = verify(ens, skip=skip, stride=stride)
    reports.show(ctx.obj, report.envelope(), rendering.VERIFY, form)
    tell = ctx.obj.say if report.passed else complain
    tell(f"{ens}: {report.sentence()}")
    if not report.passed:
        raise typer.Exit(FAILED)
