"""Runs the steps on the connection that `serving.store.database` gives, in its transaction."""

from __future__ import annotations

from alembic import context

from serving.store.tables import metadata

# Batches: SQLite changes a table only by copying it.
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
context.run_migrations()
