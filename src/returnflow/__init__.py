"""returnflow: a finite-state machine that runs a customer-service procedure, live and in replay."""

__version__ = "0.1.0"
