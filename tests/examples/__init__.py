"""Tests of the examples, named as what they test."""
