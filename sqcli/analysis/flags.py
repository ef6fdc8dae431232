"""Flags that belong to the ensemble rather than to one series, beside those of the statistics, and their sentences."""

from collections.abc import Mapping
from types import MappingProxyType

from sqcli import stats
from sqcli.stats import flags as stats_flags

NOT_EQUILIBRATED = "not_equilibrated"
EXP_DELTA_H_OFF = "exp_delta_h_off"
UNCORRECTED = "uncorrected"
LOW_WEIGHT_ESS = stats_flags.LOW_WEIGHT_ESS
NONZERO_MEAN = "nonzero_mean"
START_MEMORY = stats_flags.START_MEMORY
EQUILIBRIUM_UNKNOWN = "equilibrium_unknown"
FROZEN_CHARGE = "frozen_charge"
NOT_REACHED = "not_reached"
UNTRUSTED = "untrusted"
DRIFT_TAIL = "drift_tail"
BOUNDARY_TERM = "boundary_term"
SCHWINGER_DYSON = "schwinger_dyson"
BOUND = "bound_violated"
CYCLES = "integration_cycle"
MISSING_THIMBLES = "missing_thimbles"
RUNAWAYS = "runaways"
STEP_SIZE = "step_size"

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        **stats.FLAGS,
        EQUILIBRIUM_UNKNOWN: "The chains hold too few draws, fewer than four, to see autocorrelation or memory of the "
        "start: whether they have reached equilibrium cannot be judged from them.",
        NOT_EQUILIBRATED: "The action was still drifting at the end of the warm-up (last quarter against the one "
        "before, more than 4 sigma): the draws are not from equilibrium; warm up longer or use another algorithm.",
        EXP_DELTA_H_OFF: "<exp(-delta_h)> differs from 1 by more than 4 sigma: the chains are not in equilibrium, "
        "or the trajectories are not reversible.",
        UNCORRECTED: "The algorithm does not sample exp(-S) exactly and nothing corrects it: "
        "there is a systematic error beside the statistical one.",
        NONZERO_MEAN: "<phi> differs from zero by more than 4 sigma, and the quantity is defined with odd moments "
        "taken as zero.",
        FROZEN_CHARGE: "The topological charge hardly ever changes: a chain sees fewer than ten changes on average, "
        "and not a tenth of those of independent draws; neither value nor error can be trusted, nor those of loops, "
        "whose means differ between the sectors.",
        NOT_REACHED: "What defines the quantity does not happen at the flow times that are kept: name later ones "
        "(flow_times), as long as sqrt(8 t) stays below half the lattice.",
        UNTRUSTED: "Complex Langevin fails a criterion for correctness, named by the flags beside this one: "
        "the numbers may be wrong by more than their errors, or be those of another integral.",
        DRIFT_TAIL: "The distribution of the drift falls as a power law: complex Langevin is not justified.",
        BOUNDARY_TERM: "The mean of the Langevin operator within bounds does not vanish as these go up: "
        "there is a boundary term.",
        SCHWINGER_DYSON: "A Schwinger-Dyson equation does not hold.",
        BOUND: "An expectation value is larger than any that the integral can have.",
        CYCLES: "The means are those of another mixture of integration cycles than the real line is.",
        MISSING_THIMBLES: "The kernel follows the thimble of z = 0 alone, and others have a weight that counts.",
        STEP_SIZE: "The step of complex Langevin is seen: a Schwinger-Dyson equation is off by more than 4 sigma, as "
        "far as a step of this size takes it; use a smaller one, or scheme=runge-kutta, or extrapolate.",
        RUNAWAYS: "Trajectories ran away and were started anew: what is left is no stationary process.",
    }
)
"""Every flag an estimate can carry, with one sentence for its reader."""
