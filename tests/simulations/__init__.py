"""What the library's intervals, p-values and estimators do on data whose truth is known: `python -m tests.simulations`.

The page it writes is docs/simulations.md; `pytest tests -m nightly` asserts what the page claims.
"""
