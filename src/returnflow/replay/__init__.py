"""Recorded calls judged by the machine that leads live ones.

From a file to a verdict: a reader (`transcripts`) makes transcripts, `trace` makes one sequence
of events of each, `judge` walks it through the table and, only where it left the procedure,
aligns it (`alignment`) and names what is wrong (`findings`). `reports` shows the result.
"""
