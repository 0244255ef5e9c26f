"""Passages of a door before a camera: which tracks went in or out, recorded as punches, counted where unknown."""
