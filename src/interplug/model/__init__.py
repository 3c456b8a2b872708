"""The newest OCPI as msgspec Structs, one file a module. Imports nothing of ours and knows no older version, socket or clock."""
