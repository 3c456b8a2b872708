"""Where Alembic enters: runs the steps on the connection that `schema.py` hands over, inside its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=True)
context.run_migrations()
