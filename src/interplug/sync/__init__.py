"""Keeping partners level: push what changed, pull what we missed. The change log is the queue; nothing else is."""
