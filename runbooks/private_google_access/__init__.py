"""IMG-04: private nodes reach Google's registries."""
