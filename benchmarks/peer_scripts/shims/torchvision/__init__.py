"""Stands in for the two functions of torchvision that facenet-pytorch calls, where it has no build."""
