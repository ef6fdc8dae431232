import datetime
import subprocess

import pytest

from sqcli.errors import UsageError
from sqcli.runs.deadline import RESERVE, seconds_left


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


def test_slurm_tells_the_end_by_environment():
    assert seconds_left("auto", {"SLURM_JOB_END_TIME": "10000"}, now=lambda: 9000.0) == 1000 - RESERVE


def test_a_deadline_that_has_passed_leaves_nothing():
    assert seconds_left("auto", {"SLURM_JOB_END_TIME": "10000"}, now=lambda: 20000.0) == 0


def test_slurm_tells_the_end_by_squeue():
    start = datetime.datetime(2026, 3, 1, 12, 0, 0).timestamp()
    left = seconds_left(
        "auto", {"SLURM_JOB_ID": "7"}, now=lambda: start, query=lambda job: f"2026-03-01T13:00:0{job}\n"
    )
    assert left == 3607 - RESERVE


@pytest.mark.parametrize("answer", ["N/A", "", OSError("no squeue"), subprocess.TimeoutExpired("squeue", 30)])
def test_squeue_without_an_answer(answer):
    def query(job):
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(UsageError, match="squeue does not say when job 7 ends"):
        seconds_left("auto", {"SLURM_JOB_ID": "7"}, query=query)


def test_auto_outside_a_batch_job():
    with pytest.raises(UsageError, match="SLURM_JOB_ID is not set"):
        seconds_left("auto", {})
