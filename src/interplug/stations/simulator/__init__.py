"""Simulated charging stations: they speak OCPP as real ones do, to this CSMS or any other, and a crowd of them lives in one process.

Where to look:

    a station     plan, station, machine, evse, transaction, variables, cards, faults; `dialects` spell what it says
    energy        cars, physics, power, limits, readings, ocmf
    its line      line, outbox
    a crowd       crowd, mixes, arrivals, places, control
"""
