"""Deliveries of chat systems at a rate, with what is wrong with real ones, and a look at what became of each."""
