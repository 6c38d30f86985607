"""What is shown of reports: a summary, one call in full, and forms for machines.

A `tally` counts without keeping reports, and two tallies add up, so a log of any length is
counted in pieces. The forms write one report at a time.
"""
