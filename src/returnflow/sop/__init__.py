"""A procedure before it is used: checked, proved, drawn, walked, compared.

Everything here reads a procedure and calls made up; nothing here leads or judges one.
"""
