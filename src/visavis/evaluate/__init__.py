"""Error rates of verification, identification, clustering and detection, and of groups of people.

Each rate comes with the number it is based on, and an interval where one can be given. Distances are cosine distances
of unit vectors, 0..2; a pair is accepted where its distance is up to the threshold.
"""
