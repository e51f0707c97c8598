"""The functions of Trino 476 that the embedded engine refuses, however they are called.

The engine takes its advice from here; the linter, which sees words and no trees, looks up each name that a ``(``
follows. A function that is answered in some forms and refused in others is not in here.

``name (`` is not always a call. These are none, and may well stand before one of the names below:

- an alias with columns: ``unnest(a) as e (x)``, ``from (values 1) nan (x)``, and ``with histogram (a, b) as (…)``;
- what is being made or written to: ``create table color (…)``, ``insert into uuid (a, b)``, ``merge into``;
- a name behind a dot, unless the catalog's ``system`` stands before it: ``table(system.table_changes(…))``;
- what Jinja has: ``{{ format(…) }}``, ``{% macro uuid() %}``, and what strings and comments hold.

The case does not matter, and ``"e"()`` is a call too. ``current_time`` and ``localtime`` are mostly called without
brackets, where they look like columns.
"""

from __future__ import annotations

from typing import Final

# Below the empty line: functions of Trino's plugins for Teradata, machine learning and geometry.
_NOTHING_INSTEAD: Final = """
    acos asin atan atan2 beta_cdf cbrt cos cosh inverse_beta_cdf inverse_normal_cdf normal_cdf sin sinh
    t_cdf t_pdf tan tanh wilson_interval_lower wilson_interval_upper
    bit_count bitwise_and bitwise_and_agg bitwise_left_shift bitwise_or bitwise_or_agg bitwise_right_shift
    bitwise_right_shift_arithmetic bitwise_xor bitwise_xor_agg
    cosine_distance cosine_similarity dot_product euclidean_distance
    corr covar_pop covar_samp kurtosis regr_intercept regr_slope skewness
    approx_most_frequent hash_counts intersection_cardinality jaccard_index make_set_digest merge merge_set_digest
    numeric_histogram qdigest_agg quantile_at_value tdigest_agg value_at_quantile values_at_quantiles
    codepoint from_base from_base32 from_base64 from_base64url from_hex hamming_distance human_readable_seconds luhn_check
    normalize parse_data_size parse_duration parse_presto_data_size soundex to_base to_base32 to_base64url word_stem
    crc32 from_big_endian_32 from_big_endian_64 from_ieee754_32 from_ieee754_64 hmac_md5 hmac_sha1 hmac_sha256
    hmac_sha512 to_big_endian_32 to_big_endian_64 to_ieee754_32 to_ieee754_64
    bar color format_number render rgb url_decode url_encode
    combinations contains_sequence is_json_scalar map_concat map_filter map_from_entries map_union map_zip_with
    multimap_agg multimap_from_entries ngrams reduce_agg shuffle split_to_map split_to_multimap transform_keys
    current_groups current_timezone timezone timezone_hour timezone_minute to_milliseconds typeof version
    classifier exclude_columns match_number table_changes

    char2hexint
    classify features learn_classifier learn_libsvm_classifier learn_libsvm_regressor learn_regressor regress
    bing_tile bing_tile_at bing_tile_coordinates bing_tile_polygon bing_tile_quadkey bing_tile_zoom_level
    bing_tiles_around convex_hull_agg from_encoded_polyline from_geojson_geometry geometry_from_hadoop_shape
    geometry_invalid_reason geometry_nearest_points geometry_to_bing_tiles geometry_union geometry_union_agg
    great_circle_distance line_interpolate_point line_interpolate_points line_locate_point simplify_geometry
    spatial_partitioning spatial_partitions st_area st_asbinary st_astext st_boundary st_buffer st_centroid st_contains
    st_convexhull st_coorddim st_crosses st_difference st_dimension st_disjoint st_distance st_endpoint st_envelope
    st_envelopeaspts st_equals st_exteriorring st_geometries st_geometryfromtext st_geometryn st_geometrytype
    st_geomfrombinary st_interiorringn st_interiorrings st_intersection st_intersects st_isclosed st_isempty st_isring
    st_issimple st_isvalid st_length st_linefromtext st_linestring st_multipoint st_numgeometries st_numinteriorring
    st_numpoints st_overlaps st_point st_pointn st_points st_polygon st_relate st_startpoint st_symdifference st_touches
    st_union st_within st_x st_xmax st_xmin st_y st_ymax st_ymin to_encoded_polyline to_geojson_geometry to_geometry
    to_spherical_geography
"""

REFUSED: Final[dict[str, str]] = dict.fromkeys(_NOTHING_INSTEAD.split(), "") | {
    # numbers
    "degrees": "… * 180 / pi()",
    "e": "exp(1)",
    "infinity": "cast('Infinity' as double)",
    "is_finite": "abs(…) < cast('Infinity' as double)",
    "is_infinite": "abs(…) = cast('Infinity' as double)",
    "nan": "cast('NaN' as double)",
    "radians": "… * pi() / 180",
    "width_bucket": "case when … then …",
    # text
    "concat_ws": "array_join(array[…], …)",
    "format": "put the text together with || and cast",
    "index": "strpos",
    "regexp_count": "cardinality(regexp_extract_all(…))",
    "regexp_position": "strpos, for a text that is no pattern",
    "repeat": "transform(sequence(1, n), i -> …)",
    "url_extract_fragment": "regexp_extract",
    "url_extract_host": "regexp_extract(…, '//([^/:]+)', 1)",
    "url_extract_parameter": "regexp_extract",
    "url_extract_path": "regexp_extract",
    "url_extract_port": "regexp_extract",
    "url_extract_protocol": "regexp_extract",
    "url_extract_query": "regexp_extract",
    # keys
    "murmur3": "md5",
    "sha1": "sha256",
    "sha512": "sha256",
    "spooky_hash_v2_32": "md5",
    "spooky_hash_v2_64": "md5",
    "uuid": "a key of the row's own columns: to_hex(md5(to_utf8(…)))",
    "xxhash64": "md5",
    # dates
    "current_time": "cast(localtimestamp as time(6))",
    "day_of_month": "day",
    "format_datetime": "date_format, with MySQL's letters",
    "from_iso8601_timestamp_nanos": "from_iso8601_timestamp",
    "from_unixtime_nanos": "from_unixtime(… / 1e9)",
    "localtime": "cast(localtimestamp as time(6))",
    "parse_datetime": "date_parse, with MySQL's letters",
    "to_char": "date_format, with MySQL's letters",
    "to_date": "cast(date_parse(…) as date), with MySQL's letters",
    "to_iso8601": "date_format",
    "to_timestamp": "date_parse, with MySQL's letters",
    "with_timezone": "cast to timestamp(6) with time zone, and to a zone with at_timezone",
    "yow": "year_of_week",
    # JSON
    "json_array": "keep values as columns",
    "json_array_contains": "contains(cast(json_parse(…) as array(varchar)), …)",
    "json_array_get": "json_extract(…, '$[0]')",
    "json_exists": "json_extract(…) is not null",
    "json_format": "keep the JSON text itself, or extract what you need with json_extract_scalar",
    "json_object": "keep values as columns",
    "json_query": "json_extract",
    "json_size": "json_array_length",
    "json_table": "unnest(cast(json_parse(…) as array(json))) as t (…)",
    "json_value": "json_extract_scalar",
    # arrays and maps
    "all_match": "cardinality(filter(…)) = cardinality(…)",
    "any_match": "cardinality(filter(…)) > 0",
    "array_distinct": "unnest the array and select distinct",
    "array_except": "unnest the arrays, and except",
    "array_histogram": "unnest the array, group by and count",
    "array_intersect": "unnest the arrays, and intersect",
    "array_position": "unnest(…) with ordinality as t (element, place)",
    "array_union": "unnest the arrays, and union",
    "arrays_overlap": "cardinality(filter(…, x -> contains(…, x))) > 0",
    "map_entries": "unnest(…) as t (key, value)",
    "none_match": "cardinality(filter(…)) = 0",
    "reduce": "unnest the array and aggregate",
    "transform_values": "map(map_keys(…), transform(map_values(…), …))",
    "trim_array": "slice",
    "zip": "unnest(…, …) as t (a, b)",
    "zip_with": "unnest(…, …) as t (a, b)",
    # aggregates
    "approx_distinct": "count(distinct …) is exact",
    "approx_percentile": "an approximation is another number on each engine",
    "approx_set": "count(distinct …) is exact",
    "checksum": "count and sum what is to be compared",
    "empty_approx_set": "count(distinct …) is exact",
    "every": "bool_and",
    "geometric_mean": "exp(avg(ln(…)))",
    "histogram": "group by and count",
    "map_agg": "map(array_agg(… order by …), array_agg(… order by …))",
}
"""What to write instead, by the function's name in lower case; empty where there is nothing to say."""
