"""Scoring on many machines: the scorer that Ray and Spark run, and jobs on Ray that go on after a stop.

`scorer.py` is what runs on each machine, `inputs.py` which files there are, `job.py` what was begun and what is done,
`ray_engine.py` the pipeline, `assemble.py` how its parts become one output file for each input file.
"""
