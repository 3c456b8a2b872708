"""Charging stations: OCPP (`ocpp`), the server that they connect to (`csms`), and simulated ones (`simulator`) in an invented `city`."""
