"""Time limit of a run: `3h`, `90m`, `1:30:00`, or `auto`, the end that the batch system set.

`auto` leaves some seconds for the last commit and the exit before the batch system kills the job: `RESERVE`, or a
tenth of a short job. A job that leaves no time to work is an error, or its script would queue it again for ever.
"""

import datetime
import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping

from sqcli.errors import SqcliError, UsageError

RESERVE = 60.0
SHARE = 0.1  # reserve of a short job, as a part of its length
SHORTEST = 10.0  # seconds of a job in which a program can start, work and commit
SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
LONGEST = 10 * 365 * 86400.0  # a longer limit is a mistake, and clocks overflow
UNITS = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
QUERIES = {
    "SLURM_JOB_END_TIME": "%e",
    "SLURM_JOB_START_TIME": "%S",
}  # what squeue is asked where they are not set
CLOCK = re.compile(r"(?:(\d+)-)?(\d+):(\d{1,2})(?::(\d{1,2}))?")


def seconds_left(
    text: str,
    environ: Mapping[str, str] = os.environ,
    now: Callable[[], float] = time.time,
    query: "Callable[[str, str], str] | None" = None,
) -> float:
    """Compute the seconds until the limit `text`; `environ`, `now` and `query` are there to be replaced in tests.

    Raises:
        UsageError: the limit is malformed, or `auto` outside a batch job whose end is known.
        SqcliError: the limit is `auto` in a job that is too short to work in.
    """
    if text != "auto":
        return _duration(text)
    query, present = query or _ask_slurm, now()
    end = _batch_time("SLURM_JOB_END_TIME", environ, query, present)
    try:
        length = end - _batch_time("SLURM_JOB_START_TIME", environ, query, present)
    except UsageError:  # not every Slurm says when a job started
        length = end - present
    if 0 <= length < SHORTEST:
        raise SqcliError(f"--time-limit auto: the job lasts {length:.0f} s in all, too short to work in; ask for more")
    return max(0.0, end - present - min(RESERVE, SHARE * max(length, 0.0)))


def _duration(text: str) -> float:
    """Read a duration in seconds; UsageError where it is malformed or beyond reason."""
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


def _batch_time(name: str, environ: Mapping[str, str], query: Callable[[str, str], str], now: float) -> float:
    """Find the job's end or start in seconds since the epoch, from the variable `name` or from squeue."""
    said = environ.get(name, "").strip()
    if said:
        if not (said.isascii() and said.isdigit() and len(said) < 20 and abs(int(said) - now) <= LONGEST):
            raise UsageError(f"--time-limit auto: {name} is {said!r}, no time of a job; give a time such as 3h")
        return float(said)
    job = environ.get("SLURM_JOB_ID", "")
    if not job:
        raise UsageError("--time-limit auto needs a Slurm job (SLURM_JOB_ID is not set); give a time such as 3h")
    try:
        found = datetime.datetime.fromisoformat(query(job, QUERIES[name]).strip()).timestamp()
    except (ValueError, OSError, OverflowError, subprocess.SubprocessError):
        found = float("nan")
    if not abs(found - now) <= LONGEST:
        raise UsageError(f"squeue does not say when job {job} ends; give --time-limit a time such as 3h")
    return found


def _ask_slurm(job: str, field: str) -> str:
    command = ["squeue", "-h", "-j", job, "-o", field]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout
