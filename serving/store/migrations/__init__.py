"""How the tables came to be, step by step; Alembic runs what a store does not have yet."""
