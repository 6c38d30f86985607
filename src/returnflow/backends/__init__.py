"""What supplies customers, orders, items and packages: the protocol and the adapters."""
