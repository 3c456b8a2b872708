"""What is counted, logged and traced while a node works: figures in memory, which others serve and store."""
