"""`rida compare`: what a team wants to know before it swaps one set of weights for another."""
