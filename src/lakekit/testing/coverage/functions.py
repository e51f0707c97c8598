"""Trino's aggregate functions by name: what tells a query of groups from one of rows."""

from __future__ import annotations

from typing import Final

AGGREGATES: Final = frozenset(
    """
    any_value approx_distinct approx_most_frequent approx_percentile approx_set arbitrary array_agg avg
    bitwise_and_agg bitwise_or_agg bitwise_xor_agg bool_and bool_or checksum corr count count_if covar_pop covar_samp
    entropy evaluate_classifier_predictions every geometric_mean histogram json_arrayagg json_objectagg
    kurtosis learn_classifier learn_regressor listagg map_agg map_union max max_by merge merge_set_digest min min_by
    multimap_agg numeric_histogram qdigest_agg reduce_agg regr_intercept regr_slope skewness make_set_digest
    stddev stddev_pop stddev_samp sum tdigest_agg var_pop var_samp variance
    convex_hull_agg geometry_union_agg reservoir_sample
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
