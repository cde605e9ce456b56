"""What training on one company's labels gains there, and what it costs elsewhere."""
