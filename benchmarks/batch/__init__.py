"""Measures `rida score` beside other ways to score a file, and Ray workers beside each other."""
