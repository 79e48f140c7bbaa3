"""What a verb does without a terminal."""
