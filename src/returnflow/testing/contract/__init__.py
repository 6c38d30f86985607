"""The contract of a backend: what every adapter keeps, ours or a stranger's.

`promises` is the part that only reads; it needs no pytest. `suite.BackendContract` is the whole.
"""
