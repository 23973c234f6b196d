"""What a task is scored by: answers, entities, retrieved and mined translations, and what a blind answer would get."""
