"""What a prediction is: labels, network, tokenizer, calibrated runtime, shipped weights."""
