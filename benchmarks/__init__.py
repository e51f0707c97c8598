"""What lakekit costs, against rivals in the same run. ``python -m benchmarks.NAME`` writes its part of RESULTS.md."""
