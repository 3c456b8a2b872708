"""Documents, history, change log, cursors, partners: the only room that knows SQL."""
