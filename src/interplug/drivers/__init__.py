"""The eMSP's own business: drivers, the drives that they ask for, what they were shown, and their receipts."""
