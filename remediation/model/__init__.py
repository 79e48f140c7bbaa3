"""Values and words that everything above is written with; imports nothing of ours."""
