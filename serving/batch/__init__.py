"""Scoring whole files so that no work is lost: what a job is, its journal, and how its rows are scored.

`serving/score.py` puts the parts together.
"""
