"""How fast models train and predict here: what is measured, on what, and as a share of what the machine can do."""
