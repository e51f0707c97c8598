"""The conventions of a project, checked from its files alone: no manifest, no profile, no dbt."""
