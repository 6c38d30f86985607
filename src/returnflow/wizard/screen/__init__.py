"""The wizard on a full screen: the steps, what to say and where to type, and what is known.

It is thin over the same session, turn and flow as the wizard in plain lines. `paint` makes rows
from what is to be shown, `entries` are the ways of answering, `desk` leads a call with them, and
`terminal` is the only module that talks to prompt_toolkit.
"""
