"""Training loop: Adam on an objective, averaged weights, checkpoints from which it goes on bit for bit.

All randomness is a pure function of (seed, step, rank), so that a run that was killed ends in the weights of one that
was not (on one kind of device). The clock decides when to write, never what is computed.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from sqcli.diffusion.models.design import TrainingEnsemble
from sqcli.diffusion.models.families import family_of
from sqcli.diffusion.models.model import standardised
from sqcli.diffusion.models.tensors import DIVERGED
from sqcli.diffusion.nets import Net
from sqcli.diffusion.objectives import Extended
from sqcli.diffusion.process.protocol import Process, Statistics
from sqcli.diffusion.training._augmentation import Symmetries
from sqcli.diffusion.training._batches import Batches, Dataset
from sqcli.diffusion.training._checkpoint import Checkpoint, stored_statistics
from sqcli.diffusion.training._link_augmentation import LinkSymmetries
from sqcli.diffusion.training._seeds import CALIBRATION, NOISE, WEIGHTS, generator, key
from sqcli.diffusion.training._validation import Validation, write_metrics
from sqcli.diffusion.training.distributed import Ranks
from sqcli.diffusion.training.job import TrainingJob, TrainingProgress
from sqcli.errors import SqcliError, UsageError

FIT_ROWS = 8192
CALIBRATION_ROWS = 1024
REPORT = 0.2  # seconds between reports of progress


class Trainer:
    """A training at work on one rank.

    Args:
        job: the training that is wanted.
        ranks: this process among all, and its device.
        compiled: whether the network goes through torch.compile.
        resume: whether there is a checkpoint.
    """

    def __init__(self, job: TrainingJob, ranks: Ranks, compiled: bool, resume: bool) -> None:
        self.job, self.ranks = job, ranks
        self.device = device = torch.device(ranks.device)
        self.datasets = [Dataset(source) for source in job.training]
        if any(len(dataset) < job.settings.ranks for dataset in self.datasets):
            raise UsageError("an ensemble has fewer training configurations than there are processes")
        self.batches = Batches(self.datasets, job.settings.batch_size, job.seed, ranks.size)
        net = job.design.build_net(key(job.seed, WEIGHTS)).to(device)
        if job.initial is not None:
            net.load_state_dict(job.initial.net.state_dict())
        self.family = family_of(net)
        statistics = stored_statistics(job.path, self.family) if resume else self._fitted(net)
        self.ensembles = tuple(
            TrainingEnsemble(source.lattice, source.couplings, self.family.moved(found, device))
            for source, found in zip(job.training, statistics, strict=True)
        )
        objective = job.design.objective
        extra = objective.extra(self._process(net, 0)) if isinstance(objective, Extended) else None
        extra, statistics = extra.to(device) if extra is not None else None, [e.statistics for e in self.ensembles]
        self.checkpoint = Checkpoint(net, extra, statistics, job.settings.weight_decay)
        self.steps = job.settings.epochs * len(self.batches) if self.checkpoint.parameters else 0
        if resume:
            self.checkpoint.load(job.path, job.identity)
        if compiled:
            net.compile()
        self.processes = [self._process(net, number) for number in range(len(self.ensembles))]
        self.averaged = [self._process(self.checkpoint.averaged_net, number) for number in range(len(self.ensembles))]
        self.symmetries = [_symmetries(p) for p in self.processes]
        self.validation = Validation(job.design.objective, job.seed, job.validation, self.family)

    def _fitted(self, net: Net) -> list[Statistics]:
        """Fit statistics, or take the initial model's where it knew such an ensemble: they have measured ratios."""
        known = self.job.initial.ensembles if self.job.initial is not None else ()
        found = []
        for dataset, theory in zip(self.datasets, self.job.theories, strict=True):
            lattice, couplings = dataset.source.lattice, dataset.source.couplings
            same = [e.statistics for e in known if (e.lattice, e.couplings) == (lattice, couplings)]
            statistics = same[0] if same else self.family.fit(dataset.some(FIT_ROWS), theory, lattice, net)
            found.append(self.family.moved(statistics, self.device))
            self.ranks.broadcast(list(found[-1].tensors().values()))
        return found

    def _process(self, net: Net, number: int) -> Process:
        ensemble, theory = self.ensembles[number], self.job.theories[number]
        told = standardised(ensemble.couplings, self.ensembles).to(self.device)
        schedule = self.job.design.schedule
        return self.family.process(net, ensemble.statistics, schedule, theory, ensemble.lattice, told)

    def run(self, stop: threading.Event, progress: Callable[[TrainingProgress], None], every: float) -> bool:
        """Train to the end, or until `stop` is set on any rank; write a checkpoint, and tell whether all is done.

        Args:
            stop: polled before each step.
            progress: called a few times a second.
            every: seconds between checkpoints.
        """
        record, before = self.checkpoint.record, self.checkpoint.record.seconds
        first, start = record.step, time.monotonic()
        written = reported = start
        stopped = False
        if record.step == 0:
            self._write()  # the statistics, which are fitted once
        while not (stopped or record.ended or record.step >= self.steps):
            stopped = self._step(stop.is_set())
            now = time.monotonic()
            record.seconds = before + now - start
            if record.step % len(self.batches) == 0:
                self._end_epoch()
            if now - reported > REPORT:
                reported = now
                progress(self._progress((record.step - first) / (now - start)))
            if now - written > every:
                self._write()
                written = time.monotonic()
        self._write()
        progress(self._progress((record.step - first) / max(time.monotonic() - start, 1e-9)))
        return record.ended or record.step >= self.steps

    def _step(self, stop: bool) -> bool:
        """Take one step of the optimizer; tell whether a rank wants to stop after it."""
        settings, record, rank = self.job.settings, self.checkpoint.record, self.ranks.rank
        number, fields = self.batches(record.step, rank, self.ranks.size)
        process = self.processes[number]
        if settings.augment:
            fields = self.symmetries[number].apply(fields, self.job.seed, record.step, rank)
        x0 = process.from_field(fields.to(self.device))
        random = generator(self.device, self.job.seed, NOISE, record.step, rank)
        loss = self.loss(process, x0, random)
        self.checkpoint.optimizer.clear()
        loss.backward()  # type: ignore[no-untyped-call]
        mean, stopped = self.ranks.average(self.checkpoint.parameters, loss, stop)
        if not math.isfinite(mean):
            raise SqcliError(f"{self.job.path}: the loss is not finite at step {record.step}: {DIVERGED}")
        nn.utils.clip_grad_norm_(self.checkpoint.parameters, settings.clip)
        self.checkpoint.optimizer.step(record.step + 1, settings.rate(record.step, self.steps))
        record.step += 1
        record.loss += mean
        self.checkpoint.average(settings.ema)
        return stopped

    def loss(self, process: Process, x0: Tensor, random: torch.Generator) -> Tensor:
        """Mean loss of the configurations x0 (n, *site), in units of the scale."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.job.settings.precision == "bfloat16"):
            return self.job.design.objective.loss(process, x0, random, self.checkpoint.extra).mean()

    def _end_epoch(self) -> None:
        """Validate with the averaged weights, add a row of metrics, end where nothing gets better."""
        record, settings = self.checkpoint.record, self.job.settings
        epoch = record.step // len(self.batches)
        row = {"epoch": epoch, "step": record.step, "seconds": round(record.seconds, 3)}
        row |= {"learning_rate": settings.rate(record.step - 1, self.steps), "loss": record.loss / len(self.batches)}
        found = self.ranks.broadcast_numbers(self.validation(self.averaged, self.checkpoint.averaged_extra))
        if not all(map(math.isfinite, found.values())):
            raise SqcliError(f"{self.job.path}: the validation loss is not finite after epoch {epoch}: {DIVERGED}")
        record.rows.append(row | found)
        record.loss = 0.0
        if settings.patience and found["validation_loss"] < record.best:
            record.best, record.best_epoch = found["validation_loss"], epoch
            self.checkpoint.keep_best()
        record.ended = bool(settings.patience) and epoch - record.best_epoch >= settings.patience

    def _write(self) -> None:
        if self.ranks.rank == 0:
            self.checkpoint.save(self.job.path, self.job.identity)
            write_metrics(self.job.path, self.checkpoint.record.rows)

    def _progress(self, rate: float) -> TrainingProgress:
        record, each = self.checkpoint.record, len(self.batches)
        epoch, inside = divmod(record.step, each)
        last = record.rows[-1] if record.rows else {}
        loss = record.loss / inside if inside else last.get("loss")
        validation = last.get("validation_loss")
        return TrainingProgress(epoch, self.job.settings.epochs, record.step, self.steps, loss, validation, rate)

    def finish(self) -> tuple[Net, tuple[TrainingEnsemble, ...]]:
        """Return the averaged network (the best with `patience`), and the training ensembles as measured with it."""
        self.checkpoint.use_best()
        objective, extra, ensembles = self.job.design.objective, self.checkpoint.averaged_extra, []
        for number, ensemble in enumerate(self.ensembles):
            fields = self.validation.fields(number)
            fields = self.datasets[number].some(CALIBRATION_ROWS) if fields is None else fields
            seed = key(self.job.seed, CALIBRATION, number)
            statistics = self.family.calibrate(self.averaged[number], fields[:CALIBRATION_ROWS], seed)
            if isinstance(objective, Extended) and extra is not None:
                statistics = objective.finish(extra, statistics)
            ensembles.append(replace(ensemble, statistics=self.family.moved(statistics, torch.device("cpu"))))
        return self.checkpoint.averaged_net.to("cpu"), tuple(ensembles)


def _symmetries(process: Process) -> Symmetries | LinkSymmetries:
    per_site = process.theory.manifold.site(process.lattice) == process.lattice.extents
    return (Symmetries if per_site else LinkSymmetries)(process.theory, process.lattice)
