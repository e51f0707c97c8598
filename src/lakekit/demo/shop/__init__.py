"""A shop that one could know, simulated: what its Airbyte connectors would emit, sync after sync."""
