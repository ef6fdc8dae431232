"""How long a run may take: `3h`, `90m`, `1:30:00`, or `auto`, the end the batch system set.

`auto` leaves `RESERVE` seconds for the last commit and the exit before the batch system kills the job.
"""

import datetime
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping

from sqcli.errors import UsageError

RESERVE = 60.0
SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
LONGEST = 10 * 365 * 86400.0  # beyond that it is a mistake, and clocks overflow
UNITS = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
CLOCK = re.compile(r"(?:(\d+)-)?(\d+):(\d{1,2})(?::(\d{1,2}))?")


def seconds_left(
    text: str,
    environ: Mapping[str, str] = os.environ,
    now: Callable[[], float] = time.time,
    query: "Callable[[str], str] | None" = None,
) -> float:
    """Seconds until the limit `text` is reached; `environ`, `now` and `query` are there to be replaced in tests.

    Raises:
        UsageError: for a malformed limit, or `auto` outside a batch job whose end is known.
    """
    if text != "auto":
        return _duration(text)
    return max(0.0, _batch_end(environ, query or _ask_slurm) - now() - RESERVE)


def _duration(text: str) -> float:
    clock, units = CLOCK.fullmatch(text, 0), UNITS.fullmatch(text)
    if clock:
        days, hours, minutes, rest = (int(part or 0) for part in clock.groups())
        seconds = 86400.0 * days + 3600 * hours + 60 * minutes + rest
    elif units and any(units.groups()):
        seconds = sum(float(part or 0) * SECONDS[unit] for unit, part in zip("dhms", units.groups(), strict=True))
    else:
        raise UsageError(f"--time-limit must look like 3h, 90m, 45s, 1:30:00 or auto, not {text!r}")
    if not 0 < seconds <= LONGEST:
        raise UsageError(f"--time-limit must lie between 1 second and ten years, not {text!r}")
    return seconds


def _batch_end(environ: Mapping[str, str], query: Callable[[str], str]) -> float:
    """The job's end in seconds since the epoch."""
    end = environ.get("SLURM_JOB_END_TIME", "")
    if end.isdigit():
        return float(end)
    job = environ.get("SLURM_JOB_ID", "")
    if not job:
        raise UsageError("--time-limit auto needs a Slurm job (SLURM_JOB_ID is not set); give a time such as 3h")
    try:
        return datetime.datetime.fromisoformat(query(job).strip()).timestamp()
    except (ValueError, OSError, subprocess.SubprocessError):
        raise UsageError(f"squeue does not say when job {job} ends; give --time-limit a time such as 3h") from None


def _ask_slurm(job: str) -> str:
    command = ["squeue", "-h", "-j", job, "-o", "%e"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
