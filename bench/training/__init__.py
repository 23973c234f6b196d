"""Fine-tuning: what a phase is, the order of its batches, its loop, and its checkpoints."""
