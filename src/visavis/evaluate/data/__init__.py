"""Labeled data: photos of people, pairs, annotations, groups, and worsened copies."""
