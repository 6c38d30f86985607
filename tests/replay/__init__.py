"""Tests of replay, and what they share."""
