"""A shop that makes data, and the story of its first syncs through the lake."""
