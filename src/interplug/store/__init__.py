"""Documents, history, change log, cursors, partners: the only room that knows SQL.

Where to look:

    face          store, tx, keys, database; `urls` knows which engine a URL means
    engines       sqlite, alone, backup; postgres, server_connections, server_statements; for both: queue, group
    schema        schema, server_schema, migrations
    objects       objects; below it heads, bodies, locations, evses, history, withheld, tallies
    the log       changes, cursors; what is read of it: feeds, pages; who reads, of several processes: leases
    partners      partners, parties, pulls, pulses, replies, commands, profiles, quarantine; messages, masking
    CPO           stations (our Sessions), charging_stations, ocpp, statuses, faults, alerts, operators, checks, holds, terminals
    eMSP          drivers, reservations, at_plug, accounts, sessions (who is signed in), cards, letters, notices, problems, favourites
    search        places, finding, earth
    money         offers, bills, payments, methods, invoices
"""
