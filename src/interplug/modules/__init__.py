"""The shapes of OCPI's REST interfaces, then one file a module.

A module is a row that names plain functions. What the shapes need from stations, drivers or the owner's systems they state
as small Protocols; who fulfils them is the business of `app`.
"""
