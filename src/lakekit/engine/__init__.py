"""Running SQL at a ref: one protocol, two engines, one dialect (Trino's)."""
