"""The CSMS: the server that charging stations connect to. What they say becomes Sessions, statuses and faults; commands become calls."""
