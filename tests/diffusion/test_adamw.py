"""The optimizer of trainings against PyTorch's own AdamW."""

import pytest
import torch
from torch import nn

from sqcli.diffusion.models.settings import TrainingSettings
from sqcli.diffusion.training._adamw import EPSILON, MEMORY, AdamW

STEPS = 200


def trajectory(optimizer_of, settings, dtype):
    """Weights after each step on the same losses; the learning rate goes up and down as in a training."""
    random = torch.Generator().manual_seed(3)
    net = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2)).to(dtype)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=random))
    step, found = optimizer_of(list(net.parameters())), []
    for number in range(STEPS):
        x = torch.randn(8, 5, generator=random).to(dtype)
        net.zero_grad()
        ((net(x) - x[:, :2] ** 2) ** 2).mean().backward()
        step(number, settings.rate(number, STEPS))
        found.append(torch.cat([parameter.detach().flatten() for parameter in net.parameters()]))
    return torch.stack(found)


def ours(settings):
    def optimizer_of(parameters):
        optimizer = AdamW(parameters, settings.weight_decay)
        return lambda number, rate: optimizer.step(number + 1, rate)

    return optimizer_of


def theirs(settings, **kind):
    def optimizer_of(parameters):
        options = {"lr": 1.0, "betas": MEMORY, "eps": EPSILON, "weight_decay": settings.weight_decay}
        optimizer = torch.optim.AdamW(parameters, **options, **kind)

        def step(number, rate):
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step()

        return step

    return optimizer_of


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("weight_decay", [0.0, 0.3])
def test_weights_go_the_way_of_pytorch(weight_decay, dtype):
    """Bit for bit with the same kernel, to rounding with PyTorch's plain loop over parameters."""
    settings = TrainingSettings(epochs=1, learning_rate=0.05, weight_decay=weight_decay)
    found = trajectory(ours(settings), settings, dtype)
    assert (found[-1] - found[0]).abs().max() > 0.5
    assert torch.equal(found, trajectory(theirs(settings, fused=True), settings, dtype))
    tolerance = 1e-5 if dtype == torch.float32 else 1e-13
    plain = trajectory(theirs(settings, foreach=False), settings, dtype)
    torch.testing.assert_close(found, plain, rtol=tolerance, atol=tolerance)
