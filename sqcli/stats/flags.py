"""Flags: short stable words that travel with a number, and the sentence that explains each of them."""

from collections.abc import Mapping
from types import MappingProxyType

NOT_MIXED = "not_mixed"
SHORT_CHAINS = "short_chains"
FEW_CHAINS = "few_chains"
START_MEMORY = "start_memory"
CONSTANT = "constant"
ONE_DRAW_PER_CHAIN = "one_draw_per_chain"
REPLICA_INCONSISTENT = "replica_inconsistent"
NOT_FINITE = "not_finite"
NO_DATA = "no_data"
LOW_WEIGHT_ESS = "low_weight_ess"

FLAGS: Mapping[str, str] = MappingProxyType(
    {
        NOT_MIXED: "The chains do not agree with one another (split R-hat above its limit): "
        "the ensemble may not represent the theory, and no error bar covers that.",
        SHORT_CHAINS: "The chains are shorter than about 50 autocorrelation times: tau_int cannot be said.",
        FEW_CHAINS: "The chains are too short for the Gamma method and too few to compare with one another: "
        "the error is a rough guide at best.",
        START_MEMORY: "The beginning of the chains differs from their second half by more than 4 sigma: "
        "they remember their start; skip more draws or warm up longer.",
        CONSTANT: "All draws give the same number: nothing fluctuates, or nothing moved.",
        ONE_DRAW_PER_CHAIN: "Every chain holds one draw: autocorrelation and memory of the start cannot be seen.",
        REPLICA_INCONSISTENT: "The chains' means scatter more than their errors allow (Q < 0.001): "
        "longer autocorrelations are hidden.",
        NOT_FINITE: "The series or the quantity made of its means is not a finite number.",
        NO_DATA: "There are no draws.",
        LOW_WEIGHT_ESS: "Few draws carry the weight (Kish's effective sample size below 100 or below 1 % of the draws, "
        "or one draw with more than 10 % of the weight): neither value nor error can be trusted.",
    }
)
"""Every flag an estimate can carry, with one sentence for its reader."""
