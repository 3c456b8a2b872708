"""Bridging the OCPI versions: the newest is the model, an older one is what it says differently."""
