"""The training loop: Adam on an objective, averaged weights, checkpoints from which it goes on bit for bit.

All randomness is a pure function of (seed, step, rank), so that a run that was killed ends in the weights of one that
was not (on one kind of device). The clock decides when to write, never what is computed.
"""

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from sqcli.diffusion.models.design import Design, Entry
from sqcli.diffusion.models.fitting import calibrate, fit
from sqcli.diffusion.models.model import Model, standardised
from sqcli.diffusion.models.settings import Settings
from sqcli.diffusion.models.tensors import DIVERGED
from sqcli.diffusion.nets import Net
from sqcli.diffusion.objectives import Extended
from sqcli.diffusion.process.denoiser import Denoiser
from sqcli.diffusion.process.mode_statistics import Facts
from sqcli.diffusion.training._augmentation import Symmetries
from sqcli.diffusion.training._batches import Batches, Rows, Source
from sqcli.diffusion.training._checkpoint import State, stored_facts
from sqcli.diffusion.training._seeds import CALIBRATION, NOISE, WEIGHTS, generator, key
from sqcli.diffusion.training._validation import Validation, write_metrics
from sqcli.diffusion.training.distributed import Ranks
from sqcli.errors import SqcliError, UsageError
from sqcli.theories import Theory

FIT_ROWS = 8192
CALIBRATION_ROWS = 1024
REPORT = 0.2  # seconds between reports of progress


@dataclass(frozen=True)
class Job:
    """A training.

    Attributes:
        path: the model's directory, which exists.
        identity: the model's.
        design: what is trained.
        settings: how.
        seed: of everything random.
        theories: of every ensemble.
        training: configurations of every ensemble that are trained on.
        validation: those that are not, None where there are none.
        initial: model whose weights are the first, or None.
    """

    path: Path
    identity: str
    design: Design
    settings: Settings
    seed: int
    theories: Sequence[Theory]
    training: Sequence[Source]
    validation: Sequence[Source | None]
    initial: Model | None = None


@dataclass(frozen=True)
class Moment:
    """Progress: epochs and steps done and wanted, the mean loss of this epoch, the last validation loss, steps/s."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float | None
    validation: float | None
    rate: float


class Trainer:
    """One training on one rank.

    Args:
        job: what is wanted.
        ranks: this process among all, and its device.
        compiled: whether the network goes through torch.compile.
        resume: whether there is a checkpoint.
    """

    def __init__(self, job: Job, ranks: Ranks, compiled: bool, resume: bool) -> None:
        self.job, self.ranks = job, ranks
        self.device = device = torch.device(ranks.device)
        self.rows = [Rows(source) for source in job.training]
        if any(len(rows) < job.settings.ranks for rows in self.rows):
            raise UsageError("an ensemble has fewer training configurations than there are processes")
        self.batches = Batches(self.rows, job.settings.batch_size, job.seed, ranks.size)
        net = job.design.build_net(key(job.seed, WEIGHTS)).to(device)
        if job.initial is not None:
            net.load_state_dict(job.initial.net.state_dict())
        facts = stored_facts(job.path) if resume else self._facts(net.slow_mode)
        self.entries = tuple(
            Entry(source.lattice, source.couplings, found.to(device))
            for source, found in zip(job.training, facts, strict=True)
        )
        objective = job.design.objective
        extra = objective.extra(self._denoiser(net, 0)) if isinstance(objective, Extended) else None
        extra, facts = extra.to(device) if extra is not None else None, [e.facts for e in self.entries]
        self.state = State(net, extra, facts, job.settings.weight_decay)
        self.steps = job.settings.epochs * len(self.batches) if self.state.parameters else 0
        if resume:
            self.state.load(job.path, job.identity)
        if compiled:
            net.compile()
        self.denoisers = [self._denoiser(net, number) for number in range(len(self.entries))]
        self.averaged = [self._denoiser(self.state.averaged_net, number) for number in range(len(self.entries))]
        self.symmetries = [Symmetries(d.theory, d.lattice) for d in self.denoisers]
        self.validation = Validation(job.design.objective, job.seed, job.validation)

    def _facts(self, slow_mode: bool) -> list[Facts]:
        """Fitted, or those of the initial model where it knew such an ensemble (its ratios are measured already)."""
        known = self.job.initial.entries if self.job.initial is not None else ()
        found = []
        for rows in self.rows:
            same = [e.facts for e in known if (e.lattice, e.couplings) == (rows.source.lattice, rows.source.couplings)]
            facts = same[0] if same else fit(rows.some(FIT_ROWS), rows.source.lattice, slow_mode)
            found.append(facts.to(self.device))
            self.ranks.share(list(found[-1].tensors().values()))
        return found

    def _denoiser(self, net: Net, number: int) -> Denoiser:
        entry, theory = self.entries[number], self.job.theories[number]
        told = standardised(entry.couplings, self.entries).to(self.device)
        return Denoiser(net, entry.facts, self.job.design.schedule, theory, entry.lattice, told)

    def run(self, stop: threading.Event, progress: Callable[[Moment], None], every: float) -> bool:
        """Train to the end, or until `stop` is set on any rank; whether it came to the end. Ends with a checkpoint.

        Args:
            stop: polled before each step.
            progress: called a few times a second.
            every: seconds between checkpoints.
        """
        record, before = self.state.record, self.state.record.seconds
        first, start = record.step, time.monotonic()
        written = reported = start
        stopped = False
        if record.step == 0:
            self._write()  # the facts: fitted once
        while not (stopped or record.ended or record.step >= self.steps):
            stopped = self._step(stop.is_set())
            now = time.monotonic()
            record.seconds = before + now - start
            if record.step % len(self.batches) == 0:
                self._end_epoch()
            if now - reported > REPORT:
                reported = now
                progress(self._moment((record.step - first) / (now - start)))
            if now - written > every:
                self._write()
                written = time.monotonic()
        self._write()
        progress(self._moment((record.step - first) / max(time.monotonic() - start, 1e-9)))
        return record.ended or record.step >= self.steps

    def _step(self, stop: bool) -> bool:
        """One step of the optimizer; whether a rank wants to stop after it."""
        settings, record, rank = self.job.settings, self.state.record, self.ranks.rank
        number, fields = self.batches(record.step, rank, self.ranks.size)
        denoiser = self.denoisers[number]
        if settings.augment:
            fields = self.symmetries[number].apply(fields, self.job.seed, record.step, rank)
        x0 = denoiser.from_field(fields.to(self.device))
        random = generator(self.device, self.job.seed, NOISE, record.step, rank)
        loss = self.loss(denoiser, x0, random)
        self.state.optimizer.clear()
        loss.backward()  # type: ignore[no-untyped-call]
        mean, stopped = self.ranks.average(self.state.parameters, loss, stop)
        if not math.isfinite(mean):
            raise SqcliError(f"{self.job.path}: the loss is not finite at step {record.step}: {DIVERGED}")
        nn.utils.clip_grad_norm_(self.state.parameters, settings.clip)
        self.state.optimizer.step(record.step + 1, settings.rate(record.step, self.steps))
        record.step += 1
        record.loss += mean
        self.state.average(settings.ema)
        return stopped

    def loss(self, denoiser: Denoiser, x0: Tensor, random: torch.Generator) -> Tensor:
        """Mean over the configurations x0 (n, *extents), in units of the scale."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.job.settings.precision == "bfloat16"):
            return self.job.design.objective.loss(denoiser, x0, random, self.state.extra).mean()

    def _end_epoch(self) -> None:
        """Validation with the averaged weights, a row of metrics, the end where nothing gets better."""
        record, settings = self.state.record, self.job.settings
        epoch = record.step // len(self.batches)
        row = {"epoch": epoch, "step": record.step, "seconds": round(record.seconds, 3)}
        row |= {"learning_rate": settings.rate(record.step - 1, self.steps), "loss": record.loss / len(self.batches)}
        found = self.ranks.same(self.validation(self.averaged, self.state.averaged_extra))
        if not all(map(math.isfinite, found.values())):
            raise SqcliError(f"{self.job.path}: the validation loss is not finite after epoch {epoch}: {DIVERGED}")
        record.rows.append(row | found)
        record.loss = 0.0
        if settings.patience and found["validation_loss"] < record.best:
            record.best, record.best_epoch = found["validation_loss"], epoch
            self.state.keep_best()
        record.ended = bool(settings.patience) and epoch - record.best_epoch >= settings.patience

    def _write(self) -> None:
        if self.ranks.rank == 0:
            self.state.save(self.job.path, self.job.identity)
            write_metrics(self.job.path, self.state.record.rows)

    def _moment(self, rate: float) -> Moment:
        record, each = self.state.record, len(self.batches)
        epoch, inside = divmod(record.step, each)
        last = record.rows[-1] if record.rows else {}
        loss = record.loss / inside if inside else last.get("loss")
        validation = last.get("validation_loss")
        return Moment(epoch, self.job.settings.epochs, record.step, self.steps, loss, validation, rate)

    def finish(self) -> tuple[Net, tuple[Entry, ...]]:
        """The averaged network (the best of them with `patience`), and the facts measured with it."""
        self.state.use_best()
        objective, extra, entries = self.job.design.objective, self.state.averaged_extra, []
        for number, entry in enumerate(self.entries):
            fields = self.validation.fields(number)
            fields = self.rows[number].some(CALIBRATION_ROWS) if fields is None else fields
            facts = calibrate(self.averaged[number], fields[:CALIBRATION_ROWS], key(self.job.seed, CALIBRATION, number))
            if isinstance(objective, Extended) and extra is not None:
                facts = objective.finish(extra, facts)
            entries.append(replace(entry, facts=facts.to(torch.device("cpu"))))
        return self.state.averaged_net.to("cpu"), tuple(entries)
