"""How fast a node is, as a share of the least that any server of the same kind could do.

A bare ASGI application runs on the same uvicorn, uvloop and httptools, checks a token, repeats the message ids and sends, or reads
and validates, the same bytes; it has no database and knows one route each. A row is the node's rate over the bare one's, in rounds
that follow each other at once, so that a slower machine changes both. `python -m bench` runs all rows, `python -m bench NAME` some.

    data       Locations, EVSEs and Tokens that are made up; the real set, where there is one
    bare       the application to compare with
    nodes      a node's database filled beforehand, partners that are registered, the server as a process of its own
    load       wrk or a walk on the other core, and the CPU time that the server spent on it
    rows       what is claimed and what was measured; the table in the end
    pages, deep, writes, whole, alone      the rows, by subject
    fanout     a change for a thousand partners; `sink` plays them, `client` is the HTTP client alone, `changes` changes EVSEs
    workers    two processes on one PostgreSQL (`server` is one of the bench's own), to one
    soak       minutes of a steady load: memory and tables
    storm      every EVSE of 20,000 stations reports again
    million    a million EVSEs, to ten thousand
    money      CDRs priced and checked on one core; no server
    stations   messages of stations beside an `echo` server; `callers` play them, thousands of sockets in one process
    finding    the driver's app with the whole set: map, search, first view
    crowd      a thousand open pages that show one status
"""
