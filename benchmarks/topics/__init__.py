"""Own topics from a few examples, beside SetFit and TF-IDF."""
