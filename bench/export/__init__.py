"""Rows in the shapes that other tools read: Parquet, metadata of model cards, properties of JUnit."""
