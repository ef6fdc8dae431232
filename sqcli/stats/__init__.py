"""Error analysis for Markov chains: NumPy in, numbers out; no physics."""

from sqcli.stats.agreement import agreement, normal_scores
from sqcli.stats.correlation import autocorrelation
from sqcli.stats.estimates import estimate
from sqcli.stats.flags import FLAGS
from sqcli.stats.mixing import rhat, start_memory
from sqcli.stats.resampling import BinnedError, bin_means, binning_scan, bootstrap, jackknife
from sqcli.stats.results import Autocorrelation, Chains, Combine, Estimate, apart
from sqcli.stats.special import chi2_p, student_p, z_score
from sqcli.stats.verdict import tails
from sqcli.stats.weights import carried_by_few, kish_ess, relative_weights, reweighted

__all__ = [
    "FLAGS",
    "Autocorrelation",
    "BinnedError",
    "Chains",
    "Combine",
    "Estimate",
    "agreement",
    "apart",
    "autocorrelation",
    "bin_means",
    "binning_scan",
    "bootstrap",
    "carried_by_few",
    "chi2_p",
    "estimate",
    "jackknife",
    "kish_ess",
    "normal_scores",
    "relative_weights",
    "reweighted",
    "rhat",
    "start_memory",
    "student_p",
    "tails",
    "z_score",
]
