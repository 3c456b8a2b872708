"""The CSMS: the server that charging stations connect to. What they say becomes Sessions, statuses and faults; commands become calls.

Where to look, in the order in which a message comes:

    connecting    service, server, tls, hall, keys, authority, provisioning
    speaking      post; versions, speech, v16, v201, v21, plain; quirks, clocks, events
    on disk       inbox, ledger
    meaning       desk; statuses, settling, trouble, readers; transactions, meant, course, register, samples, signed, meters
    cards         tokens, lists
    asking        commands, lines; limits, schedules; inquiry
    by itself     watch, derived, starts
"""
