"""What this server has done and how it stands, as numbers for Prometheus.

``counts`` counts events as they happen, at the cost of an addition. ``families`` makes series of all that was counted,
``page`` answers ``GET /metrics``. prometheus-client is imported when the first page is asked for.
"""
