"""Who our partners are, what they may do, and how we talk to them."""
