"""Refs, tables and views of a lake: one protocol, two implementations."""
