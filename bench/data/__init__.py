"""Data: hub, mirror and artificial worlds, all read into one shape of example."""
