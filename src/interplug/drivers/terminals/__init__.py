"""Drivers who pay at a terminal at the station: the business of a Payment Terminal Provider (PTP)."""
