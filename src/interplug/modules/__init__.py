"""The shapes of OCPI's REST interfaces, then one file a module.

A module is a row that names plain functions. What the shapes need from stations, drivers or the owner's systems they state
as small Protocols; who fulfils them is the business of `app`.

    a request     server, node (what a handler is handed), rows (every module), once, addresses
    shapes        feed, replica, inbox; call and asking: what is asked and answered later
    documents     lens, merge, own, zones, again, ahead
    modules       versions, credentials, locations (children), tariffs, tokens (contracts, authorise), sessions (session_states,
                  preferences), cdrs, commands (command_checks, command_states), chargingprofiles (profiles, schedules, steering,
                  relaying), hubclientinfo; payments: terminals, assigning, confirmations
    the node      opening, loops, tenure, retention, uptime
"""
