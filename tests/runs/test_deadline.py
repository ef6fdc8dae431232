import datetime
import subprocess

import pytest

from sqcli.errors import SqcliError, UsageError
from sqcli.runs.execution.deadline import RESERVE, seconds_left


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("45s", 45),
        ("90m", 5400),
        ("3h", 10800),
        ("1.5h", 5400),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1:30:00", 5400),
        ("1:30", 5400),
        ("1-02:00:00", 93600),
    ],
)
def test_durations(text, seconds):
    assert seconds_left(text, {}) == seconds


@pytest.mark.parametrize("text", ["", "3", "h", "0s", "-3h", "3 h", "1::2", "99999d", "1e3s", "auto ", "9" * 400 + "s"])
def test_malformed_durations(text):
    with pytest.raises(UsageError, match="--time-limit"):
        seconds_left(text, {})


HOURS = {"SLURM_JOB_START_TIME": "1000", "SLURM_JOB_END_TIME": "10000"}


def test_slurm_tells_the_end_by_environment():
    assert seconds_left("auto", HOURS, now=lambda: 9000.0) == 1000 - RESERVE


def test_a_deadline_that_has_passed_leaves_nothing():
    assert seconds_left("auto", HOURS, now=lambda: 20000.0) == 0


@pytest.mark.parametrize(("length", "left"), [(20, 18), (50, 45), (300, 270), (600, 540), (6000, 5940)])
def test_the_reserve_of_a_short_job_is_a_tenth_of_it(length, left):
    job = {"SLURM_JOB_START_TIME": "1000", "SLURM_JOB_END_TIME": str(1000 + length)}
    assert seconds_left("auto", job, now=lambda: 1000.0) == pytest.approx(left)
    del job["SLURM_JOB_START_TIME"]
    assert seconds_left("auto", job, now=lambda: 1000.0) == pytest.approx(left)


@pytest.mark.parametrize("length", [0, 1, 9])
def test_a_job_too_short_to_work_in_fails_instead_of_being_queued_for_ever(length):
    job = {"SLURM_JOB_START_TIME": "1000", "SLURM_JOB_END_TIME": str(1000 + length)}
    with pytest.raises(SqcliError, match=f"lasts {length} s in all") as raised:
        seconds_left("auto", job, now=lambda: 1000.0)
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("end", ["253402300800", "0", "-5", "inf", "nan", "1e9", "soon", "9" * 400, "\u0663", "1.5"])
def test_an_absurd_end_is_named(end):
    with pytest.raises(UsageError, match="SLURM_JOB_END_TIME is"):
        seconds_left("auto", {"SLURM_JOB_END_TIME": end, "SLURM_JOB_ID": "7"})


def test_slurm_tells_the_end_by_squeue():
    start = datetime.datetime(2026, 3, 1, 12, 0, 0).timestamp()

    def query(job, field):
        return {"%e": f"2026-03-01T13:00:0{job}\n", "%S": "2026-03-01T12:00:00\n"}[field]

    assert seconds_left("auto", {"SLURM_JOB_ID": "7"}, now=lambda: start, query=query) == 3607 - RESERVE


@pytest.mark.parametrize(
    "answer",
    ["N/A", "", "NONE", "9999-12-31T00:00:00", "0001-01-01T00:00:00", OSError("x"), subprocess.TimeoutExpired("q", 30)],
)
def test_squeue_without_an_answer(answer):
    def query(job, field):
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(UsageError, match="squeue does not say when job 7 ends"):
        seconds_left("auto", {"SLURM_JOB_ID": "7"}, query=query)


def test_auto_outside_a_batch_job():
    with pytest.raises(UsageError, match="SLURM_JOB_ID is not set"):
        seconds_left("auto", {})
