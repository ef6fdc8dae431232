"""Random numbers of a training: every use has its own stream, a pure function of the seed and of what it is for."""

import numpy as np
import torch

WEIGHTS, ORDER, AUGMENTATION, NOISE, VALIDATION, CALIBRATION = range(6)


def key(seed: int, *use: int) -> int:
    """Number of 63 bits that names the stream of a use of the seed."""
    return int(np.random.SeedSequence([seed, *use]).generate_state(1, np.uint64)[0] >> 1)


def generator(device: torch.device | str, seed: int, *use: int) -> torch.Generator:
    """Build torch's generator, on the device, for a use of the seed."""
    return torch.Generator(device).manual_seed(key(seed, *use))
