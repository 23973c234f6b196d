"""Reports: pure functions of stored rows and the ledger, so that each can be made again without pytest."""
