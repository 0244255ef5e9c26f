"""Error rates, measured: of verification, identification, clustering and detection, and per group of people.

Every rate carries the number it stands on, and an interval where one can be given. Distances are cosine distances of
unit vectors, 0..2; a pair is accepted where its distance is up to the threshold.
"""
