"""OCPP-J as both ends speak it: frames, schemas, error codes, and the calls of one socket. It knows no node and no station."""
