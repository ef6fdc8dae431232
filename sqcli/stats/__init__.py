"""Error analysis for Markov chains: NumPy in, numbers out; no physics."""

from sqcli.stats.agreement import agreement, normal_scores
from sqcli.stats.correlation import autocorrelation
from sqcli.stats.estimates import estimate
from sqcli.stats.flags import FLAGS
from sqcli.stats.mixing import rhat, start_memory
from sqcli.stats.results import Autocorrelation, Chains, Combine, Estimate, apart, real_parts
from sqcli.stats.series_estimate import MANY_CHAINS, tails
from sqcli.stats.special import CERTAIN, chi2_p, student_p, z_score
from sqcli.stats.weights import carried_by_few, kish_ess, relative_weights, reweighted

__all__ = [
    "CERTAIN",
    "FLAGS",
    "MANY_CHAINS",
    "Autocorrelation",
    "Chains",
    "Combine",
    "Estimate",
    "agreement",
    "apart",
    "autocorrelation",
    "carried_by_few",
    "chi2_p",
    "estimate",
    "kish_ess",
    "normal_scores",
    "real_parts",
    "relative_weights",
    "reweighted",
    "rhat",
    "start_memory",
    "student_p",
    "tails",
    "z_score",
]
