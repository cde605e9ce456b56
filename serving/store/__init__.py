"""The store: conversations, messages with their scores, deliveries, outbox, corrections and sessions of the inbox."""
