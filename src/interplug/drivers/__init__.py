"""The eMSP's own business: drivers, the drives that they ask for, what they were shown, and their receipts.

Where to look, in the order in which a driver meets it:

    who           accounts, tokens, cards
    where         locations, hours, publish; `places` keeps what is searched level
    price         plugs, offers, situations, deals, estimate, asking_price, volumes
    drive         at_plug, drives, states, answers, tapping; what becomes of it: reader, matching, follow
    reservation   reserving, reservation_states
    money         paying, purse, receipt, billing, rates, dues, cashier, reconciling, invoicing, margins
    terminals     whoever pays at a terminal at the station
"""
