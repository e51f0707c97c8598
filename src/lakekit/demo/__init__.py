"""A shop that makes data."""
