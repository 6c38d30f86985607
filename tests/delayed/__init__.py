"""Tests of the second procedure, the one for a delayed package."""
