"""The encoder, its heads, its tokenizer, and prediction."""
