"""What a runbook is, where they are found, and what is known of them without loading them."""
