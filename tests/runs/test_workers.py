"""Workers: as many threads as the system lets start."""

import threading

import pytest


def run(tasks, workers):
    class Board:
        failure = None

    workers.run_all(tasks, workers, threading.Event(), Board(), lambda: None)


class Meagre(threading.Thread):
    """A thread of a system that has only so many left."""

    left = 0

    def start(self):
        if not Meagre.left:
            raise RuntimeError("can't start new thread")
        Meagre.left -= 1
        super().start()


@pytest.mark.parametrize("left", [1, 2, 4])
def test_fewer_threads_do_all_the_work(left, monkeypatch):
    monkeypatch.setattr(threading, "Thread", Meagre)
    monkeypatch.setattr(Meagre, "left", left)
    done = []
    run([lambda number=number: done.append(number) for number in range(9)], 4)
    assert sorted(done) == list(range(9))


def test_no_thread_at_all_is_an_error(monkeypatch):
    monkeypatch.setattr(threading, "Thread", Meagre)
    monkeypatch.setattr(Meagre, "left", 0)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        run([lambda: None], 4)
