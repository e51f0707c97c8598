"""Dagster over the lake: what runs where it runs at, builds, checks and publishes."""
