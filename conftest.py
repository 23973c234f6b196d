"""The one place where the pytest side is loaded."""

pytest_plugins = [
    "pytester",
    "fixtures.options",
    "fixtures.session",
    "fixtures.cases",
    "fixtures.distribution",
    "fixtures.gate",
    "fixtures.results",
    "fixtures.throughput",
    "fixtures.on_request",
]
