"""What exists, as declarative tables: models, languages, tasks, protocols."""
