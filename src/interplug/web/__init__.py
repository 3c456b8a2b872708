"""The ASGI door to partners, and the pages for people."""
