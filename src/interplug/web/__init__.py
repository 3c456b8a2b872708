"""The ASGI door to partners, and the pages for people.

Where to look:

    listening     server, wire, door; several workers: siblings; metrics, readiness
    pages         `driver` (the app), console, terminals, invoices, banking
    a page        asking, session, known, rendering, guarding, live
    its words     languages, choosing, wording, writing
    people        passwords; who looks after stations: signing
    paper         printing, sheets, paper
"""
