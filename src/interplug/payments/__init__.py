"""Payment behind one port: a hold before the session, a capture of what it came to, and what goes back."""
