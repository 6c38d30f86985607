"""From files to transcripts: what replay reads, in whatever format it was recorded.

`reader` says what a reader is, finds those installed and drives them; `sources` opens files and
undoes compression; `splitting` cuts a stream into lines and JSON values within bounded memory.
The rest are the readers that come with the program, and what they share.
"""
