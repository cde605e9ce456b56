"""What text comes in: reading sources, cleaning, label mapping, mixing."""
