"""Tests of the wizard through keystrokes and lines, and what they share."""
