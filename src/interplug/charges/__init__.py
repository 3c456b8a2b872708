"""From a charge to its CDR: our own Sessions and CDRs, the verdict on every CDR, what leaves and what is held, and the evidence."""
