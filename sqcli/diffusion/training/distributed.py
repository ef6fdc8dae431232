"""Training by several processes, as `torchrun` starts them: each has its share of a batch, gradients are averaged.

One flat all-reduce per step carries the gradients, the loss and a vote to stop: all ranks stop at the same step.
"""

import contextlib
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor, nn

from sqcli.diffusion.device import require_device, torch_threads

SITES_PER_THREAD = 2**15  # sites of a batch that keep a thread busy


def threads_for(sites: int) -> contextlib.AbstractContextManager[None]:
    """Give torch as many threads as batches of `sites` sites keep busy: on small ones they wait for each other."""
    return torch_threads(max(1, min(torch.get_num_threads(), sites // SITES_PER_THREAD)))


@dataclass(frozen=True)
class Ranks:
    """Group of the processes that train together, seen from this one, and its device."""

    rank: int = 0
    size: int = 1
    device: str = "cpu"

    @property
    def device_name(self) -> str:
        """Name of the device, for the record of a training."""
        if self.device != "cpu":
            return torch.cuda.get_device_name(self.device)
        return f"cpu ({platform.machine()}, {os.cpu_count()} cores)"

    def average(self, parameters: Sequence[nn.Parameter], loss: Tensor, stop: bool) -> tuple[float, bool]:
        """Replace gradients by their means over the ranks; return the mean loss, and whether any rank wants to stop."""
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        if self.size == 1:
            return float(loss.detach()), stop
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([*(g.flatten() for g in gradients), loss.detach().reshape(1).to(gradients[0]),
                          torch.full((1,), float(stop)).to(gradients[0])])  # fmt: skip
        dist.all_reduce(flat)
        flat /= self.size
        pieces = flat.split([*(g.numel() for g in gradients), 1, 1])  # type: ignore[no-untyped-call]
        for gradient, piece in zip(gradients, pieces[:-2], strict=True):
            gradient.copy_(piece.view_as(gradient))
        return float(pieces[-2]), bool(pieces[-1] > 0)

    def broadcast_numbers(self, numbers: Mapping[str, float]) -> dict[str, float]:
        """Broadcast rank 0's numbers to all ranks."""
        values = torch.tensor(list(numbers.values()), dtype=torch.float64, device=self.device)
        self.broadcast([values])
        return dict(zip(numbers, values.tolist(), strict=True))

    def broadcast(self, tensors: Sequence[Tensor]) -> None:
        """Overwrite tensors by those of rank 0."""
        if self.size > 1:
            for tensor in tensors:
                dist.broadcast(tensor, 0)

    def barrier(self) -> None:
        """Wait until every rank is here."""
        if self.size > 1:
            dist.barrier()


@contextlib.contextmanager
def process_group(device: str | None) -> Iterator[Ranks]:
    """Join the group of all ranks; a group of one where `torchrun` did not start this process.

    Args:
        device: cpu or cuda, by default CUDA where there is one.

    Raises:
        SqcliError: the device is not there.
    """
    device, size = require_device(device), int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        with _products(device):
            yield Ranks(device=device)
        return
    if device == "cuda":
        device = f"cuda:{int(os.environ['LOCAL_RANK'])}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device != "cpu" else "gloo")
    try:
        with _products(device):
            yield Ranks(dist.get_rank(), size, device)
    finally:
        dist.destroy_process_group()


@contextlib.contextmanager
def _products(device: str) -> Iterator[None]:
    """Let CUDA multiply float32 matrices by TF32 inside: enough for gradients, not for what samples afterwards."""
    before = torch.get_float32_matmul_precision()
    if device != "cpu":
        torch.set_float32_matmul_precision("high")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)
