"""From a charge to its CDR: our own Sessions and CDRs, the verdict on every CDR, what leaves and what is held, and the evidence.

Where to look:

    our charging  charging (what stations report), pinned, metering, book, bills
    the verdict   checking, facts, judgement, judging, money, findings; what meters sign: signed, sealed, ocmf; missing
    what leaves   holding, corrections, invoices
    evidence      evidence, matter, conversation, archive
"""
