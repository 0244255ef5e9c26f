"""Labeled data: photos of people, pairs, annotations, groups, and copies made worse."""
