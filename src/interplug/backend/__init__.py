"""The owner's side: what the company that runs this node, and its own systems, get to know of it."""
