"""Rida's HTTP server beside BentoML, LitServe and a plain FastAPI app: same weights, same texts, same load."""
