"""How people use a prediction: command line, batch scoring, HTTP."""
