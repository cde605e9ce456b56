"""Deliveries of chat systems: who signed them, what they say, and how they reach the store."""
