"""Keeping partners level: push what changed, pull what we missed. The change log is the queue; nothing else is.

Where to look:

    push          push (reads the log), lane (one a partner), item, deliver, statuses, endings, decide, share
    its troubles  refusals, pauses, resync, naming, validity
    pull          schedule, pull, crawl, course, taking, absence
    files         importing, files, recognise, intake
    how it is     health, unsent
"""
