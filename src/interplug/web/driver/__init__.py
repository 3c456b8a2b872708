"""The driver's app: `pages.py` lists every page; `surface.py` is what all of them share; each other file is one subject."""
