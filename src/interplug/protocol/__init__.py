"""OCPI without IO: requests and responses as values, envelope, status codes, paging, headers and routes.

Nothing here opens a socket, reads a clock or knows a database; the door, the client and a partner in a test share it.
"""
