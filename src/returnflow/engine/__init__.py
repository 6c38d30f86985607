"""The machine and what carries it: it knows no returns, no shop and no screen."""
